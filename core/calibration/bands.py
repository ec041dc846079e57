"""How good a calibration is: good, acceptable or redo, why, and what to do. Limits are here only.

A person who is seen whole from 4.5 m by a lens of 1400 px covers about 3.2 mm a pixel of a picture
1920 px long, so that 0.05 % of the longer side, a pixel there, is 3 mm. A lens has to be better
than the keypoints it is used for, by ten times for a good one. Those of people are the limits of a
recording (``core.verdict``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core import verdict

Word = Literal["good", "acceptable", "redo"]
WORDS: tuple[Word, ...] = ("good", "acceptable", "redo")
_OF_PICTURE = " of the picture's longer side"
LEADS = {
    "good": "Use it as it is.",
    "acceptable": "It can be used, and it could be better.",
    "redo": "Do not rely on it.",
}


@dataclass(frozen=True, slots=True)
class Band:
    """One figure with its limits; a limit belongs to the better side."""

    name: str
    good: float
    acceptable: float
    unit: str
    means: str
    """What the figure tells, in plain words."""
    remedy: str
    """What to do where it is not good."""
    digits: int = 1
    more_is_better: bool = False
    of: str = ""
    """What the unit is of."""

    def word(self, value: float) -> Word:
        """Say what a value is worth; NaN is to be redone."""
        sign = -1.0 if self.more_is_better else 1.0
        if sign * value <= sign * self.good:
            return "good"
        return "acceptable" if sign * value <= sign * self.acceptable else "redo"

    def judge(self, value: float, camera: str = "", also: str = "") -> "Judged":
        """Judge a value of a camera, or of all; ``also`` says the same in another unit."""
        said = "not known" if math.isnan(value) else f"{value:.{self.digits}f}{self.unit}"
        return Judged(self, self.word(value), f"{also} ({said})" if also else said, camera)

    def limits(self) -> tuple[str, str]:
        """Limits of good and of acceptable in words."""
        side = "at least" if self.more_is_better else "at most"
        texts = [f"{side} {limit:g}{self.unit}{self.of}" for limit in (self.good, self.acceptable)]
        return texts[0], texts[1]


MISTAKES = Band(
    "Mistakes noticed", 0, 0, " noticed",
    "what the adjustment found that cannot be right",
    "Mend what is named, and calibrate again.", 0,
)  # fmt: skip
CORNERS = Band(
    "Error of the corners", 0.02, 0.05, " %",
    "how far the board's corners are from where the lens puts them, root mean square",
    "Hold the board still, flat and sharp in light; leave no finger or glare on it.",
    3, of=_OF_PICTURE,
)  # fmt: skip
FOCAL = Band(
    "Focal length known to", 0.5, 2.0, " %",
    "its standard deviation; a focal length that is wrong puts everything too near or too far",
    "Tilt the board more, each way, and show it nearer and farther.", 2,
)  # fmt: skip
VIEWS = Band(
    "Pictures used", 10, 5, "",
    "those in which the board was found, and which agree with the others",
    "Take more pictures: 15, each with the board elsewhere and tilted otherwise.",
    0, more_is_better=True,
)  # fmt: skip
COVERED = Band(
    "Part of the picture covered", 60, 35, " %",
    "cells of the picture, eight by six, where a point was seen; elsewhere the lens is guessed",
    "Hold the board where the map of the picture is empty, above all in the corners.",
    0, more_is_better=True,
)  # fmt: skip
POINTS = Band(
    "Error of measured points", 0.05, 0.15, " %",
    "how far points whose places are known are from where the cameras put them, root mean square",
    "Measure the points again, and see that none is taken for another; check the lenses.",
    2, of=_OF_PICTURE,
)  # fmt: skip
HELD_OUT = Band(
    "Error in a held-out camera",
    100 * verdict.GOOD_HELD_OUT, 100 * verdict.USABLE_HELD_OUT, " %",
    "each keypoint found without one camera, against what that camera saw; the median, at "
    "instants that took no part in the fit",
    "Check that the cameras are synchronous, that no two are exchanged, and the lenses; then let "
    "somebody walk through the whole volume for a minute and refine again.",
    2, of=_OF_PICTURE,
)  # fmt: skip
BANDS = (CORNERS, FOCAL, VIEWS, COVERED, POINTS, HELD_OUT)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is so or not, without a limit."""

    name: str
    means: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure or check, and what it is worth."""

    by: Band | Check
    word: Word
    value: str
    """As it is shown, with its unit."""
    camera: str = ""
    """Empty: of all cameras."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a calibration amounts to."""

    word: Word
    lead: str
    reasons: tuple[str, ...]
    """The decisive ones first."""
    remedies: tuple[str, ...]
    """What to do; none where all is good."""


def headline(judged: Sequence[Judged], good: str = LEADS["good"]) -> Headline:
    """The worst counts; what is good is said only where nothing is worse.

    Args:
        judged: all figures, the telling ones first.
        good: what to say first where all are good.
    """
    word = worst(judged)
    told = [one for one in judged if one.word != "good"] or list(judged)
    told.sort(key=lambda one: -WORDS.index(one.word))
    names = list(dict.fromkeys(one.by for one in told))
    reasons = [_reason([one for one in told if one.by is by]) for by in names]
    if word == "good" and len(names) > 1:
        others = ", ".join(by.name[0].lower() + by.name[1:] for by in names[1:])
        reasons = [reasons[0], f"Also good: {others}."]
    remedies = tuple(by.remedy for by in names) if word != "good" else ()
    return Headline(word, good if word == "good" else LEADS[word], tuple(reasons), remedies)


def worst(judged: Sequence[Judged]) -> Word:
    """The worst of the words; nothing judged is nothing to rely on."""
    return WORDS[max((WORDS.index(one.word) for one in judged), default=len(WORDS) - 1)]


def _reason(judged: Sequence[Judged]) -> str:
    """One sentence of a figure, with the cameras it is of."""
    by, each = judged[0].by, sorted(judged, key=lambda one: bool(one.camera))
    whole = "all " if len(each) > 1 else ""
    values = ", ".join(
        f"{one.camera} {one.value}" if one.camera else whole + one.value for one in each
    )
    if isinstance(by, Band) and any(one.word != "good" for one in judged):
        return f"{by.name}: {values}; good is {by.limits()[0]}."
    return f"{by.name}: {values}."


def share(error_px: float, size_px: tuple[int, int]) -> float:
    """An error as percent of the picture's longer side."""
    return 100 * error_px / max(size_px)
