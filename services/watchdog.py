"""Which processes hang: they run, and have said nothing of themselves for too long."""

from collections.abc import Mapping

from core.topics import TOPICS

SILENT_S = TOPICS["health"].late_after_ns * 1e-9
_OWN_STALL_S = 2.0


class Watchdog:
    """Remembers when each process was heard last; asks no clock itself."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, float]] = {}
        self._looked_s: float | None = None

    def hear(self, process: str, pid: int, now_s: float) -> None:
        """A process has spoken."""
        self._heard[process] = (pid, now_s)

    def hung(self, pids: Mapping[str, int], now_s: float) -> list[str]:
        """Those of the running processes that hang; who has not spoken yet is still starting.

        Where we did not look for a while ourselves nobody is blamed for the silence.
        """
        stalled = self._looked_s is not None and now_s - self._looked_s > _OWN_STALL_S
        self._looked_s = now_s
        if stalled:
            self._heard = {name: (pid, now_s) for name, (pid, _) in self._heard.items()}
        return [
            name
            for name, pid in pids.items()
            if name in self._heard
            and self._heard[name][0] == pid
            and now_s - self._heard[name][1] > SILENT_S
        ]
