"""What gives a rig its size, as said on the command line: keep, height=M, or baseline=A-B=M."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import segments
from core.calibration import place
from core.calibration.checks import centre_m
from core.cameras import Rig
from core.errors import CalibrationError, ConfigError
from core.skeletons import Skeleton

F64 = NDArray[np.float64]
KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Scale:
    """A length that is known: none, somebody's height, or a distance between two cameras."""

    known_m: float = math.nan
    cameras: str = ""
    """``A-B``; empty: it is the height."""

    @property
    def is_kept(self) -> bool:
        """Whether the size stays as it was."""
        return math.isnan(self.known_m)

    def __str__(self) -> str:
        if self.is_kept:
            return KEEP
        what = f"baseline={self.cameras}" if self.cameras else "height"
        return f"{what}={self.known_m:g}"


def parse(text: str) -> Scale:
    """Read ``keep``, ``height=1.75`` or ``baseline=cam01-cam02=3.2``; ConfigError for others."""
    if text == KEEP:
        return Scale()
    what, _, rest = text.partition("=")
    pair, _, number = rest.rpartition("=")
    try:
        known_m = float(number)
    except ValueError:
        known_m = math.nan
    if what not in ("height", "baseline") or bool(pair) != (what == "baseline"):
        known_m = math.nan
    if not 0 < known_m < math.inf:
        raise ConfigError(f"--scale {text}: keep, height=M or baseline=CAMERA-CAMERA=M, in metres")
    if what == "height" and not 0.5 < known_m < 2.5:
        raise ConfigError(f"--scale {text}: a height in metres, such as height=1.75")
    return Scale(known_m, pair)


def put_on(rig: Rig, scale: Scale, points_m: F64, skeleton: Skeleton) -> Rig:
    """Give a rig its size, about the origin of the world.

    Args:
        rig: C cameras.
        scale: what is known.
        points_m: (T, J, 3) of the person whose height is known, as these cameras have them.
        skeleton: of J keypoints.

    Raises:
        CalibrationError: cameras that are not in the rig, or a person whose height cannot be told.
    """
    if scale.is_kept:
        return rig
    if scale.cameras:
        return on_baseline(rig, scale)
    height_m = segments.height_m(points_m, skeleton)
    if not height_m > 0:
        raise CalibrationError("no height: legs, hips and shoulders are never seen at once")
    return place.scaled(rig, scale.known_m / height_m)


def on_baseline(rig: Rig, scale: Scale) -> Rig:
    """Give a rig its size by a distance between two cameras, about the origin of the world.

    Raises:
        CalibrationError: cameras that are not in the rig.
    """
    a, b = _pair(scale.cameras, rig.names)
    places_m = centre_m(rig.cam_from_world)
    return place.scaled(rig, scale.known_m / float(np.linalg.norm(places_m[a] - places_m[b])))


def _pair(text: str, names: Sequence[str]) -> tuple[int, int]:
    """Names may have hyphens themselves."""
    for at in (number for number, letter in enumerate(text) if letter == "-"):
        a, b = text[:at], text[at + 1 :]
        if a in names and b in names and a != b:
            return names.index(a), names.index(b)
    raise CalibrationError(f"baseline {text}: two of {', '.join(names)} with - between them")
