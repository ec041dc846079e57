"""The markers of one person of a pose: anatomical ones by the networks, or the keypoints.

Here, and only here, the live chain's world with Z up becomes the model's with Y up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from core import trc
from core.kinematics import augment, augment_inputs, marker_keypoints
from core.kinematics.augment import AugmentState, Networks, Subject
from core.kinematics.augment_inputs import LOWER, MARKERS, Source
from core.kinematics.ik import Observed
from core.kinematics.settings import KinematicsConfig
from core.kinematics.tree import F64, Ints
from core.messages import Person3D, view
from core.skeletons import Skeleton

_FULL = ((0, 3, 4), (3, 1, 5), (4, 5, 2))  # places of xx yy zz xy xz yz in a matrix
_LIMBS = tuple(side + name for name in ("Shoulder", "Hip", "Knee", "Ankle") for side in "RL")


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """Markers of one person at one instant, keypoints among them; world, Z up."""

    names: tuple[str, ...]
    points_m: F64  # (M, 3)
    covariance_m2: F64  # (M, 3, 3)


@cache
def objection(skeleton: Skeleton, *, augment: bool) -> str:
    """Say why a keypoint set gives no joint angles; empty where it does."""
    lacking = [name for name in _LIMBS if name not in skeleton.names]
    if augment:
        lacking += _source(skeleton.names).lacking_for(LOWER)
    names = ", ".join(dict.fromkeys(lacking))
    return f"no joint angles: the keypoints {skeleton.name} have no {names}" if names else ""


@cache
def _source(keypoints: tuple[str, ...]) -> Source:
    return augment_inputs.source_of(keypoints)


@cache
def _nearest(names: tuple[str, ...], keypoints: tuple[str, ...]) -> Ints:
    return marker_keypoints.places(names, keypoints).astype(np.int64)


def step(
    state: AugmentState,
    t_ns: int,
    person: Person3D,
    height_m: float,
    skeleton: Skeleton,
    networks: Networks | None,
    config: KinematicsConfig,
) -> tuple[AugmentState, Marked | None]:
    """Markers of a person; None while the height is not known."""
    if not np.isfinite(height_m):
        return state, None
    points_m = view(person, "keypoints_m").astype(np.float64)
    covariance_m2 = view(person, "covariance_m2").astype(np.float64)[:, _FULL]
    if networks is None:
        return state, Marked(skeleton.names, points_m, covariance_m2)
    body, given = Subject(height_m, config.mass_kg), augment_inputs.given(skeleton.names, points_m)
    inputs_m = augment_inputs.gather(_source(given), points_m)
    state, found = augment.step(state, t_ns, inputs_m, networks, body, config.augmentation)
    kept = tuple(name for name in skeleton.names if name not in MARKERS)
    places = [skeleton.names.index(name) for name in kept]
    names = (*MARKERS, *kept)
    all_m2 = marker_keypoints.covariances(_nearest(names, given), covariance_m2)
    return state, Marked(names, np.concatenate([found.markers_m, points_m[places]]), all_m2)


def for_model(marked: Marked, chosen: Sequence[int]) -> Observed:
    """Some of the markers, in that order, as the inverse kinematics takes them: Y up."""
    turned_m2 = trc.from_world(trc.from_world(marked.covariance_m2[chosen]).swapaxes(1, 2))
    return Observed(
        np.ascontiguousarray(trc.from_world(marked.points_m[chosen])),
        np.ascontiguousarray(turned_m2),
    )
