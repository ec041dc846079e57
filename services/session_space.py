"""Which of a session's places are written, as their free space goes, and what is said of it."""

import math
from collections.abc import Callable, Sequence

from core import disk_space
from core.disk_space import Inflow, Level
from core.recorder_config import RecorderConfig
from services.session_places import RETRY_NS, Place

Say = Callable[[str, str], None]
"""Is told what happens: the name of an event, and its text."""
_BELIEVED_NS = 2 * RETRY_NS


class Space:
    """Follows the free space of all places; the warnings come before the end does."""

    def __init__(self, places: Sequence[Place], config: RecorderConfig, say: Say) -> None:
        self._places, self._config, self._say = places, config, say
        self._inflow = Inflow()
        self._roomy: list[int] = []
        self._any: list[int] = []
        self._warned_minutes = math.inf
        self._video, self._all = True, True
        self._where: frozenset[int] = frozenset({0})
        self.minutes_left = math.inf
        """Until no video is written any more, at the present rate; infinite: not known."""

    def look(self, now_ns: int, received_bytes: int) -> None:
        """See how much space is left; say what changes by that."""
        self._inflow = disk_space.measure(self._inflow, received_bytes, now_ns)
        floor = disk_space.floor_bytes(self._inflow, self._config)

        def judge(free_bytes: int, before: Level) -> Level:
            return disk_space.level(free_bytes, floor, before)

        for place in self._places:
            was_gone = place.is_gone
            place.look(judge)
            if place.is_gone and not was_gone:
                self._say("disk_failed", f"{place.folder}: {place.trouble}")
        self._roomy = [i for i, one in enumerate(self._places) if one.level == "roomy"]
        tight = [i for i, one in enumerate(self._places) if one.level == "tight"]
        self._any = self._roomy + tight
        self._warn(floor)
        self._tell_what_stops(floor)

    def usable(self, *, is_video: bool) -> list[int]:
        """Numbers of the places with room, as last looked, the best first."""
        return self._roomy if is_video else self._any

    def cause(self, *, is_video: bool) -> str:
        """Why no place is usable; empty where one is."""
        if self.usable(is_video=is_video):
            return ""
        return "disk_error" if all(one.is_gone for one in self._places) else "disk_full"

    def fails(self, number: int, trouble: str, now_ns: int) -> None:
        """A place took no more; said once."""
        place = self._places[number]
        if not place.trouble:
            self._say("disk_failed", f"{place.folder}: {trouble}")
        place.trouble, place.failed_ns = trouble, now_ns

    def works(self, number: int, now_ns: int) -> None:
        """A place has taken what it was given; believed once nothing failed there for a while."""
        place = self._places[number]
        if place.trouble and not 0 <= now_ns - place.failed_ns < _BELIEVED_NS:
            place.trouble = ""
            self._say("disk_back", f"{place.folder} takes what is recorded again")

    def tell_where(self, used: set[int]) -> None:
        """Say where it is written, when that changes."""
        if used and used != self._where:
            self._where = frozenset(used)
            folders = " and ".join(str(self._places[i].folder) for i in sorted(used))
            self._say("recording_in", f"recording goes on in {folders}")

    def _warn(self, floor: float) -> None:
        """Warn of the last place with room: the ones before do no harm."""
        roomy = [one.free for one in self._places if one.level == "roomy"]
        minutes = [disk_space.minutes_left(free, floor, self._inflow) for free in roomy]
        self.minutes_left = sum(minutes)
        if self.minutes_left > self._config.warn_minutes:
            self._warned_minutes = math.inf
        elif roomy and disk_space.warning_due(
            self.minutes_left, self._warned_minutes, self._config
        ):
            self._warned_minutes = self.minutes_left
            self._say("disk_filling", f"disk full in {_spoken(self.minutes_left)}: {self._room()}")

    def _tell_what_stops(self, floor: float) -> None:
        video, anything = (bool(self.usable(is_video=one)) for one in (True, False))
        if anything != self._all:
            text = "nothing is recorded any more" if self._all else "keypoints are recorded again"
            self._say("recording_stopped" if self._all else "recording_resumed", self._why(text))
        elif video != self._video:
            kept = f"{floor / 1e9:.2g} GB are kept free"
            stops = f"video is not recorded any more, keypoints go on: {kept}"
            text = stops if self._video else "video is recorded again"
            self._say("video_stopped" if self._video else "video_resumed", self._why(text))
        self._video, self._all = video, anything

    def _why(self, text: str) -> str:
        troubles = [f"{one.folder}: {one.trouble}" for one in self._places if one.trouble]
        return f"{text}; {'; '.join(troubles) or self._room()}"

    def _room(self) -> str:
        rooms = [f"{one.free / 1e9:.3g} GB free in {one.folder}" for one in self._places]
        return f"{', '.join(rooms)}; make room"


def _spoken(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    n = math.floor(minutes)
    return f"{n} minute{'s' if n != 1 else ''}"
