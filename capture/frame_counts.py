"""What the frame numbers of a machine vision camera tell: which frames are missing, and why."""

from capture.camera import Lost
from capture.device import unwrapped

_GIGE_IDS = (1, 65536)  # 16 bits, and 0 means "not counted": 1 follows 65535
_WIDE_IDS = (0, 2**64)


class FrameIds:
    """A camera's frame numbers, counted on over their wrap."""

    def __init__(self, gige: bool) -> None:
        self._first, self._end = _GIGE_IDS if gige else _WIDE_IDS
        self._last: int | None = None

    def take(self, raw: int) -> int | None:
        """Number of a frame on a count that never wraps; None where the camera does not count."""
        if raw < self._first:
            return None
        if raw >= self._end:  # GigE Vision 2: 64 bits, which nothing tells beforehand
            self._end = _WIDE_IDS[1]
        self._last = unwrapped(self._last, raw, self._first, self._end)
        return self._last


class Losses:
    """Tells apart why frames are missing: the network tore them, or no buffer was free."""

    def __init__(self) -> None:
        self._last_id: int | None = None
        self._n_bad = 0
        self._underruns = 0
        self._underran = False

    def bad(self, underruns: int) -> Lost:
        """A frame came with holes. ``underruns``: the library's count by now."""
        self._look(underruns)
        self._n_bad += 1
        return Lost("queue", 1, "underrun") if self._underran else Lost("network", 1, "incomplete")

    def good(self, frame_id: int | None, underruns: int) -> Lost | None:
        """A frame came whole; what of the gap before it was the host's fault.

        The count of underruns runs ahead of the frames that still wait in the queue: it explains
        the next gap, whenever that comes.
        """
        self._look(underruns)
        gap = 0
        if frame_id is not None and self._last_id is not None:
            gap = max(0, frame_id - self._last_id - 1 - self._n_bad)
        mine = Lost("queue", gap, "underrun") if gap and self._underran else None
        if gap or self._n_bad:
            self._underran = False
        self._last_id, self._n_bad = frame_id, 0
        return mine

    def _look(self, underruns: int) -> None:
        self._underran |= underruns > self._underruns
        self._underruns = underruns
