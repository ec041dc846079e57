"""What ``kinelive inspect`` tells of one camera: its frames, their times, what was lost of them."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from core.messages import CameraQuality, CameraStatus, Packet

_NO_LOSS = {"decimated"}
_BIN_NS = 10_000


class CameraFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one camera's frames."""

    driver: str
    size_px: tuple[int, int]
    frames: int
    """Recorded packets."""
    time_origins: dict[str, int]
    """Packets by where their time is from."""
    time_uncertainty_ms: float
    """Median half-width of the capture times."""
    clock: CameraQuality | None
    """The last word on how it agrees with the others, its clock included; None without any."""
    most_shift_ms: float
    """What the fusion added to its capture times, at most."""
    losses: dict[str, int]
    """By cause, as the camera's process and its relay counted; decimated frames are recorded, and
    no loss."""


@dataclass
class CameraTally:
    """What is gathered of one camera."""

    status: CameraStatus | None = None
    origins: Counter[str] = field(default_factory=Counter)
    uncertainties: Counter[int] = field(default_factory=Counter)
    """Packets by half-width of their time, ns; to whole hundredths of a ms."""
    clock: CameraQuality | None = None
    most_shift_ms: float = 0.0

    def say(self, quality: CameraQuality) -> None:
        """Take what the fusion says of it."""
        self.clock = quality
        self.most_shift_ms = max(self.most_shift_ms, quality.shift_ms, key=abs)

    def take(self, packet: Packet) -> None:
        """Count a recorded packet."""
        self.origins[packet.time_origin] += 1
        self.uncertainties[packet.time_uncertainty_ns // _BIN_NS * _BIN_NS] += 1

    def facts(self, losses: Counter[str]) -> CameraFacts:
        """Sum it up; ``losses``: as its processes counted them, by cause."""
        status = self.status
        return CameraFacts(
            driver=status.driver if status else "",
            size_px=(status.width_px, status.height_px) if status else (0, 0),
            frames=self.origins.total(),
            time_origins=dict(self.origins),
            time_uncertainty_ms=_median(self.uncertainties) * 1e-6,
            clock=self.clock,
            most_shift_ms=self.most_shift_ms,
            losses={cause: n for cause, n in sorted(losses.items()) if cause not in _NO_LOSS},
        )


def _median(counted: Counter[int]) -> float:
    """Lower median of values by count; 0 of none."""
    left = counted.total() / 2
    for value in sorted(counted):
        left -= counted[value]
        if left <= 0:
            return value
    return 0.0
