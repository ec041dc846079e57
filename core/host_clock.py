"""The relation of another host's clock to the hub's, from round trips.

A host asks the hub for its time and notes when it asked and when the answer was there. As in LSL
and NTP (Mills, "Internet time synchronization", IEEE Transactions on Communications 39(10), 1991)
the answer is taken to be half way between; only the quickest exchanges count, for they had the
least to wait on either way. Half of the quickest round trip remains unknown, for nothing tells how
it is shared between the ways. A minute is kept: clocks that wander by 0.1 ppm a second are then
45 us off a straight line at most.
"""

from functools import reduce

import msgspec
import numpy as np

from core.jit import F64

_SLOT_NS = 2_000_000_000
_WINDOW_NS = 60_000_000_000
_DRIFT_SD_PPM = 50.0
_LEAST_SD_NS = 5e3
_WANDER_PER_NS = 0.1e-6 / 1e9
_N_STRANGE = 3
_NOTHING_KNOWN_NS = 2**62


class RoundTrip(msgspec.Struct, frozen=True):
    """One question to the hub and its answer."""

    sent_ns: int
    """Local clock."""
    there_ns: int
    """The hub's clock."""
    back_ns: int
    """Local clock."""

    @property
    def took_ns(self) -> int:
        """The whole round trip."""
        return self.back_ns - self.sent_ns

    @property
    def middle_ns(self) -> int:
        """Local time half way."""
        return self.sent_ns + self.took_ns // 2

    @property
    def offset_ns(self) -> int:
        """What the hub's clock is ahead, if both ways took as long."""
        return self.there_ns - self.middle_ns


class HostClock(msgspec.Struct, frozen=True):
    """What was heard of the hub's clock in the last minute."""

    best: tuple[RoundTrip, ...] = ()
    """The quickest of each two seconds, oldest first."""
    strange: tuple[RoundTrip, ...] = ()
    """The last ones, if they cannot be true together with the others."""
    impossible: int = 0
    """Answers that were there before the question."""
    epoch: int = 0
    """Goes up when a clock stepped and all began anew."""


class Relation(msgspec.Struct, frozen=True):
    """``hub_ns = local_ns + offset_ns + drift_ppm * 1e-6 * (local_ns - at_ns)``."""

    at_ns: int = 0
    """Local time of the last exchange that counts."""
    offset_ns: int = 0
    drift_ppm: float = 0.0
    uncertainty_ns: int = _NOTHING_KNOWN_NS
    """Half-width, at ``at_ns`` and two seconds on."""

    def hub_ns(self, local_ns: int) -> int:
        """The hub's time."""
        away_ns = local_ns - self.at_ns
        return local_ns + self.offset_ns + round(self.drift_ppm * 1e-6 * away_ns)


def hear(clock: HostClock, trip: RoundTrip) -> HostClock:
    """Take in one exchange; the third in a row that contradicts the others begins anew."""
    if trip.took_ns < 0:
        return msgspec.structs.replace(clock, impossible=clock.impossible + 1)
    if not clock.best or not _contradicts(relation(clock), trip):
        best = _with(clock.best, trip)
        return msgspec.structs.replace(clock, best=best, strange=())
    strange = (*clock.strange, trip)
    if len(strange) < _N_STRANGE:
        return msgspec.structs.replace(clock, strange=strange)
    best = reduce(_with, strange, ())
    return HostClock(best, impossible=clock.impossible, epoch=clock.epoch + 1)


def _contradicts(known: Relation, trip: RoundTrip) -> bool:
    """Whether not even all of the round trip on one way explains the difference."""
    away_ns = abs(trip.middle_ns - known.at_ns)
    may_ns = trip.took_ns / 2 + known.uncertainty_ns + 2e-6 * _DRIFT_SD_PPM * away_ns
    return abs(trip.there_ns - known.hub_ns(trip.middle_ns)) > may_ns or trip.sent_ns < (
        known.at_ns - _WINDOW_NS
    )


def _with(best: tuple[RoundTrip, ...], trip: RoundTrip) -> tuple[RoundTrip, ...]:
    slot = trip.middle_ns // _SLOT_NS
    rivals = [one for one in best if one.middle_ns // _SLOT_NS == slot]
    others = [one for one in best if one.middle_ns // _SLOT_NS != slot]
    kept = [*others, min((*rivals, trip), key=lambda one: one.took_ns)]
    kept.sort(key=lambda one: one.middle_ns)
    return tuple(one for one in kept if one.middle_ns > kept[-1].middle_ns - _WINDOW_NS)


def relation(clock: HostClock) -> Relation:
    """The straight line through the exchanges, each weighted by how quick it was.

    The standard deviation of one is half of what it took beyond the quickest, for so much of it
    was waiting. Half of the quickest round trip goes into the uncertainty, unseen asymmetry may be
    all of it. Without any exchange the uncertainty is 146 years.
    """
    if not clock.best:
        return Relation()
    last, first = clock.best[-1], clock.best[0]
    took_ns = np.array([one.took_ns for one in clock.best], float)
    x_ns = np.array([one.middle_ns - last.middle_ns for one in clock.best], float)
    y_ns = np.array([one.offset_ns - last.offset_ns for one in clock.best], float)
    sd_ns = np.hypot((took_ns - took_ns.min()) / 2, _LEAST_SD_NS)
    (offset_ns, drift), covariance = _line(x_ns, y_ns, sd_ns)
    ahead = np.array([1.0, _SLOT_NS])
    doubt_ns = 2 * float(np.sqrt(ahead @ covariance @ ahead))
    wander_ns = _WANDER_PER_NS * ((last.middle_ns - first.middle_ns) / 2) ** 2 / 2
    return Relation(
        at_ns=last.middle_ns,
        offset_ns=last.offset_ns + round(offset_ns),
        drift_ppm=drift * 1e6,
        uncertainty_ns=round(took_ns.min() / 2 + doubt_ns + wander_ns),
    )


def _line(x_ns: F64, y_ns: F64, sd_ns: F64) -> tuple[tuple[float, float], F64]:
    """Height at 0 and slope by least squares, the slope not far from 0, and their covariance,
    greater where the points scatter more than they should.

    All (K,); x in seconds inside, so that the sums are of like size.
    """
    weight = 1 / sd_ns**2
    design = np.stack([np.ones_like(x_ns), x_ns * 1e-9], axis=1)  # (K, 2)
    information = design.T @ (weight[:, None] * design)
    information[1, 1] += 1 / (_DRIFT_SD_PPM * 1e3) ** 2  # ns/s
    covariance = np.linalg.inv(information)
    height, slope = (covariance @ (design.T @ (weight * y_ns))).tolist()
    excess = float((weight * (y_ns - design @ (height, slope)) ** 2).mean())
    scale = np.array([1.0, 1e-9])
    covariance = np.asarray(covariance * np.outer(scale, scale) * max(excess, 1.0), np.float64)
    return (height, slope * 1e-9), covariance
