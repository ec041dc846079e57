"""Which keypoint each anatomical marker lies nearest to, for its uncertainty.

The marker networks say nothing of how sure they are. A marker is taken to be as uncertain as the
keypoint it lies nearest to: an approximation, which leaves out the networks' own error (that is
``IkConfig.marker_sd_m``) and that they smooth.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_UNKNOWN_SD_M: Final = 0.1
"""Of a marker whose keypoint was not seen: the networks went on with one from a moment ago."""
_NEAREST: Final = {
    "Hip": "ASIS PSIS HJC thigh1 thigh2",
    "Knee": "knee mknee thigh3 sh1",
    "Ankle": "ankle mankle sh2 sh3",
    "BigToe": "toe",
    "SmallToe": "5meta",
    "Heel": "calc",
    "Shoulder": "shoulder",
    "Elbow": "lelbow melbow",
    "Wrist": "lwrist mwrist",
}
_KEYPOINT: Final = {
    f"{side}{join}{part}_study": side.upper() + keypoint
    for keypoint, parts in _NEAREST.items()
    for part in parts.split()
    for side in "rRL"
    for join in ("_", ".", "")
} | {"C7_study": "Neck"}


def places(markers: Sequence[str], keypoints: Sequence[str]) -> NDArray[np.intp]:
    """(M,) number of the keypoint nearest to each marker; -1 where the set has none."""
    names = [_KEYPOINT.get(marker, marker) for marker in markers]
    names = [
        name.replace("SmallToe", "BigToe") if name not in keypoints else name for name in names
    ]
    return np.array([keypoints.index(name) if name in keypoints else -1 for name in names])


def covariances(nearest: NDArray[np.intp], keypoints_m2: F64) -> F64:
    """Covariances (M, 3, 3) of markers from those of the keypoints (J, 3, 3), NaN where missing."""
    found = np.where(nearest[:, None, None] >= 0, keypoints_m2[nearest], np.nan)
    known = np.isfinite(found).all(axis=(1, 2), keepdims=True)
    return np.where(known, found, _UNKNOWN_SD_M**2 * np.eye(3))
