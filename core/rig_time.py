"""How a host's monotonic clock is read as the rig clock, and how that changes without a jump.

A better relation is not put in force at once: the rig clock of a host runs a little faster or
slower until it agrees. So the times a process gives out never go backwards, and a frame's time is
never torn by a correction.
"""

import msgspec

SLEW_NS = 1_000_000_000
"""A correction is spread over this long …"""
STEEPEST_SLEW = 500e-6
"""… and over longer where it would be steeper than this."""
HOLDOVER_PPM = 50.0
"""How fast two clocks may part whose relation is no longer renewed."""


class Mapping(msgspec.Struct, frozen=True):
    """Rig clock as a function of a host's monotonic clock."""

    at_ns: int = 0
    """Monotonic time from which it holds."""
    offset_ns: int = 0
    """Rig clock minus monotonic clock then."""
    drift: float = 0.0
    """Nanoseconds that the rig clock gains in each nanosecond, for good."""
    slew: float = 0.0
    """The same while a correction goes on."""
    slew_ends_ns: int = 0
    """Monotonic time at which the correction is made."""
    uncertainty_ns: int = 0
    """Half-width that covers the true rig clock at ``at_ns``, the correction's rest included."""


def rig_ns(mapping: Mapping, monotonic_ns: int) -> int:
    """Rig clock at a time of the monotonic clock."""
    since_ns = monotonic_ns - mapping.at_ns
    slewed_ns = max(0, min(monotonic_ns, mapping.slew_ends_ns) - mapping.at_ns)
    change_ns = mapping.drift * since_ns + mapping.slew * slewed_ns
    return monotonic_ns + mapping.offset_ns + round(change_ns)


def uncertainty_ns(mapping: Mapping, monotonic_ns: int) -> int:
    """Half-width at a time of the monotonic clock: it grows while nothing renews the relation.

    A mapping that is exact is one clock's relation to itself and stays exact.
    """
    if not mapping.uncertainty_ns:
        return 0
    age_ns = max(0, monotonic_ns - mapping.at_ns)
    return mapping.uncertainty_ns + round(age_ns * HOLDOVER_PPM * 1e-6)


def corrected(shown: Mapping, target: Mapping, now_ns: int) -> Mapping:
    """The mapping in force from ``now_ns`` on: it begins at what is shown and goes to the target.

    Args:
        shown: what was in force until now.
        target: the relation as it is known now, without slew.
        now_ns: monotonic time, not before that of ``shown``.
    """
    offset_ns = rig_ns(shown, now_ns) - now_ns
    rest_ns = rig_ns(target, now_ns) - now_ns - offset_ns
    long_ns = max(SLEW_NS, round(abs(rest_ns) / STEEPEST_SLEW))
    return Mapping(
        at_ns=now_ns,
        offset_ns=offset_ns,
        drift=target.drift,
        slew=rest_ns / long_ns,
        slew_ends_ns=now_ns + long_ns,
        uncertainty_ns=uncertainty_ns(target, now_ns) + abs(rest_ns),
    )
