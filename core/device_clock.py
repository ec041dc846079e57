"""A device's counter: its rate, its wraps, and exact nanoseconds from ticks."""

import math

import msgspec

from core.errors import ConfigError

_NS = 1_000_000_000


class DeviceClock(msgspec.Struct, frozen=True):
    """What is known of a device's clock."""

    ticks_hz: float
    wraps_at: int = 0
    """The counter goes from ``wraps_at - 1`` to 0; 0: never."""
    tolerance_ppm: float = 200.0
    """How far ``ticks_hz`` may be off."""
    least_delay_ns: int = 0
    """The part of the way to the host that is never undercut. Pairs that go one way cannot tell
    it; it is taken off."""

    def __post_init__(self) -> None:
        """Refuse what no clock can be."""
        if not (math.isfinite(self.ticks_hz) and self.ticks_hz > 0):
            raise ConfigError(f"ticks_hz {self.ticks_hz}: a clock's rate is above 0")
        if not (0 < self.tolerance_ppm < 1e6 and self.wraps_at >= 0):
            raise ConfigError("tolerance_ppm is between 0 and 1e6, wraps_at not below 0")

    def ns_of(self, ticks: int) -> int:
        """Nanoseconds of so many ticks at the nominal rate, rounded down; exact at any length."""
        hz, per = self.ticks_hz.as_integer_ratio()
        return ticks * per * _NS // hz

    def ticks_between(self, before: int, after: int, about_ns: int) -> int:
        """Ticks from one reading to another, with the wraps that fit the time best."""
        if self.wraps_at == 0:
            return after - before
        hz, per = self.ticks_hz.as_integer_ratio()
        about = about_ns * hz // (per * _NS)
        least = (after - before) % self.wraps_at
        wraps = (2 * (about - least) + self.wraps_at) // (2 * self.wraps_at)
        return least + wraps * self.wraps_at
