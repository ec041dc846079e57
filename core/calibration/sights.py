"""What a camera saw of one rigid body in one picture, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.calibration.rigid import Pixels

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Points of a body in a picture."""

    camera: str
    body: str
    """The board of an instant, the wand of one, or the measured scene."""
    picture: str
    """File or frame, or what it is called there: for people."""
    local_m: F64  # (n, 3) on the body
    seen_px: F64  # (n, 2) with the lens


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A sight after the fit: what a report draws."""

    sight: Sight
    reprojected_px: F64  # (n, 2), NaN where the body has no place
    used: bool
    why: str = ""
    """Where it was not used."""
    weight: float = 1.0
    """Its squares count so much: less for points that were marked by hand, if they scatter more."""

    @property
    def rms_px(self) -> float:
        """Root mean square distance of seen and reprojected, NaN without a place."""
        return rms(self.reprojected_px - self.sight.seen_px)


def rms(error_px: F64) -> float:
    """Root mean square length of errors (n, 2)."""
    return float(np.sqrt((error_px**2).sum(axis=-1).mean()))


def pixels_of(
    sights: Sequence[Sight],
    cameras: Sequence[str],
    bodies: Sequence[str],
    weight: F64 | None = None,
) -> tuple[Pixels, NDArray[np.intp]]:
    """All points of some sights of weights (n,), and (M,) of which sight each is."""
    counts = [len(one.seen_px) for one in sights]
    camera = {name: number for number, name in enumerate(cameras)}
    body = {name: number for number, name in enumerate(bodies)}
    index = np.array([(camera[one.camera], body[one.body]) for one in sights], dtype=np.intp)
    pixels = Pixels(
        index.reshape(-1, 2).repeat(counts, axis=0),
        np.concatenate([one.local_m for one in sights] or [np.empty((0, 3))]),
        np.concatenate([one.seen_px for one in sights] or [np.empty((0, 2))]),
        (np.ones(len(sights)) if weight is None else weight).repeat(counts),
    )
    return pixels, np.arange(len(sights)).repeat(counts)
