"""Stamps that a library took from the host's wall clock, on the monotonic clock."""

_STEP_NS = 1_000_000


class WallStamps:
    """Turns stamps over one by one, and notices when the wall clock was set in between."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._trusted_from_ns = 0
        self._last_ns = 0

    def monotonic_ns(self, stamp_ns: int, now_ns: int, wall_now_ns: int) -> int:
        """Moment of a stamp; ``now_ns`` where it cannot be right.

        A stamp must lie after the one before and not in the future. After a step of the wall clock
        the stamps from before it say nothing.

        Args:
            stamp_ns: on the wall clock.
            now_ns: the monotonic clock.
            wall_now_ns: the wall clock, at the same time.
        """
        offset_ns = wall_now_ns - now_ns
        if self._offset_ns is not None and abs(offset_ns - self._offset_ns) > _STEP_NS:
            self._trusted_from_ns = now_ns
        self._offset_ns = offset_ns
        then_ns = stamp_ns - offset_ns
        right = max(self._last_ns, self._trusted_from_ns) < then_ns <= now_ns
        self._last_ns = then_ns if right else now_ns
        return self._last_ns
