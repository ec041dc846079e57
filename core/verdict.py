"""What a recording's quality means, in words: good, usable or doubtful, and why.

The limits. A joint that is off by e tilts a segment of 0.43 m (thigh, shank) by atan(e / 0.43 m):
5 degrees are 38 mm, 10 degrees 76 mm. Angle errors under 5 degrees are what a review of gait
laboratories calls acceptable, more than that may mislead (McGinley et al. 2009, Gait & Posture 29,
360-369). A person who is seen whole from 4.5 m by a lens of 1400 px covers about 3.2 mm a pixel of
a picture 1920 px long, so the limits are 12 and 24 px, or 0.625 and 1.25 % of the picture's longer
side. The error in a held-out camera is that of one camera against the others; a point made of all
of them is better, so the limits lie on the safe side.
Missing points: up to 2 % are gaps of a frame or two, which change no range of motion; above 10 %
whole parts of a movement may be gone.
"""

import math
from dataclasses import dataclass
from typing import Literal

Word = Literal["good", "usable", "doubtful"]

GOOD_HELD_OUT, USABLE_HELD_OUT = 0.00625, 0.0125
"""Median error in a held-out camera, as a part of the picture's longer side."""
GOOD_MISSING, USABLE_MISSING = 0.02, 0.10
"""Part of the marker positions that are missing."""
USUAL_PICTURE_PX = 1920
_ODD_ONE_OUT = 2.0
_WORDS: tuple[Word, ...] = ("good", "usable", "doubtful")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One word, and the sentences that give the reasons; the decisive ones first."""

    word: Word
    reasons: tuple[str, ...]


def judge(
    held_out_px: float,
    n_points: int,
    n_missing: int,
    picture_px: int = USUAL_PICTURE_PX,
    per_camera_px: dict[str, float] | None = None,
) -> Verdict:
    """Judge a recording; the worse of error and missing points counts.

    Args:
        held_out_px: median error in a held-out camera; NaN where it could not be measured, which
            is doubtful.
        n_points: marker positions found.
        n_missing: marker positions that are missing.
        picture_px: longer side of the cameras' pictures.
        per_camera_px: the same error of each camera; one that stands out is named.
    """
    if n_points == 0:
        return Verdict("doubtful", ("No marker position was found.",))
    found = [_of_error(held_out_px, picture_px), _of_gaps(n_missing / (n_points + n_missing))]
    found.sort(key=lambda one: -one[0])
    reasons = [reason for _, reason in found] + _odd_cameras(per_camera_px or {}, held_out_px)
    return Verdict(_WORDS[found[0][0]], tuple(reasons))


def _of_error(held_out_px: float, picture_px: int) -> tuple[int, str]:
    if math.isnan(held_out_px):
        return 2, "The error cannot be measured: that takes a third camera that sees the person."
    rank = _rank(held_out_px / picture_px, GOOD_HELD_OUT, USABLE_HELD_OUT)
    said = (
        "The cameras agree: a camera left out of the computation is {px} off.",
        "The cameras agree fairly well: a camera left out of the computation is {px} off. "
        "Read differences of ten degrees and more.",
        "The cameras disagree: a camera left out of the computation is {px} off. Check calibration "
        "and synchronisation before reading any angle.",
    )
    share = held_out_px / picture_px
    return rank, said[rank].format(px=f"{held_out_px:.1f} px ({100 * share:.1f} % of the picture)")


def _of_gaps(missing: float) -> tuple[int, str]:
    rank = _rank(missing, GOOD_MISSING, USABLE_MISSING)
    said = (
        "Hardly a marker is missing ({part}).",
        "Some markers are missing ({part}): look for gaps in the curves.",
        "Many markers are missing ({part}): parts of the movement were not seen.",
    )
    part = (
        "none" if missing == 0 else "under 0.1 %" if missing < 0.001 else f"{100 * missing:.1f} %"
    )
    return rank, said[rank].format(part=part)


def _odd_cameras(per_camera_px: dict[str, float], median_px: float) -> list[str]:
    odd = [name for name, px in per_camera_px.items() if px > _ODD_ONE_OUT * median_px]
    return [f"{name} is off by {per_camera_px[name]:.1f} px: look at it first." for name in odd]


def _rank(value: float, good: float, usable: float) -> int:
    """0 good, 1 usable, 2 doubtful; a limit belongs to the better side."""
    return 0 if value <= good else 1 if value <= usable else 2
