"""How tall a person is and how long the segments are, from upright frames, better as time goes on.

The height is known first (the marker networks need it), then the distances between markers. The
model is scaled when enough upright frames were seen, again at twice, four times as many, and then
left alone: numbers that are compared with each other should be of one model. On request it is left
alone before, or measured anew.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import segments
from core.errors import ModelError
from core.kinematics import scaling
from core.kinematics.body_model import BodyModel
from core.kinematics.scaling import Lengths, Pair
from core.kinematics.settings import KinematicsConfig
from core.messages import BodySize, SizeRequest
from core.skeletons import Skeleton

F64 = NDArray[np.float64]

_HEIGHTS_M = (0.5, 2.6)
_FIRST_SHARE = 4  # the height is first told from a quarter of the frames for the first scaling
_LEAST_KNOWN = 0.5  # of the distances, for a frame to count


class Size(msgspec.Struct, frozen=True):
    """What is known of one person's size."""

    heights_m: tuple[float, ...] = ()
    """Of upright frames, until the height is settled."""
    height_m: float = float("nan")
    """The one in force."""
    lengths: Lengths = scaling.no_lengths(0)
    seen: int = 0
    """Upright frames whose distances were taken in."""
    scaled_at: int = 0
    """``seen`` at the last scaling; 0: not yet."""
    factors: F64 = msgspec.field(default_factory=lambda: np.empty((0, 3)))
    """(B, 3) of the bodies in force; empty until scaled."""
    heard: int = 0
    """Number of the last request that was granted or refused; 0: none."""
    held: bool = False
    """Frozen on request."""
    refused: bool = False
    """Freezing was asked for before there was a model; until there is one."""

    @property
    def is_scaled(self) -> bool:
        """Whether the model is this person's."""
        return self.scaled_at > 0


def hear(size: Size, request: SizeRequest) -> Size:
    """Grant or refuse a request, once: a number that was heard before changes nothing.

    Freezing keeps the factors in force, and is refused where there are none; a refused one is not
    made up for later. Whoever is measured anew is not known at all.
    """
    if request.number == size.heard:
        return size
    if request.wish == "measure":
        return Size(heard=request.number)
    scaled = size.is_scaled
    return msgspec.structs.replace(size, heard=request.number, held=scaled, refused=not scaled)


def told(size: Size, config: KinematicsConfig) -> BodySize:
    """Say how far measuring is."""
    complete = size.is_scaled and size.seen >= config.scale_frames
    return BodySize(
        state="frozen" if complete else "frozen on request" if size.held else "measuring",
        frames=size.seen,
        wanted_frames=config.scale_frames,
        model_frames=size.scaled_at,
        lacking_frames=_lacking_frames(size, config) if size.refused else 0,
    )


def _lacking_frames(size: Size, config: KinematicsConfig) -> int:
    """Upright frames before the first scaling: those for the lengths, first those for the height,
    of which the last one is good for both."""
    lengths = min(config.scale_after_frames, config.scale_frames) - size.seen
    if not config.augment or not np.isnan(size.height_m) or config.height_m > 0:
        return lengths
    return lengths + max(0, _first_heights(config) - 1 - len(size.heights_m))


def _first_heights(config: KinematicsConfig) -> int:
    return max(1, config.scale_after_frames // _FIRST_SHARE)


def is_upright(points_m: F64, skeleton: Skeleton) -> bool:
    """Whether hips and knees of keypoints (J, 3) are bent little; False where one is not seen."""
    return bool(segments.bend_rad(points_m[None], skeleton)[0] < segments.LARGE_ANGLE_RAD)


def with_height(size: Size, points_m: F64, skeleton: Skeleton, config: KinematicsConfig) -> Size:
    """Take in the keypoints (J, 3) of an upright frame."""
    if size.held:
        return size
    if config.height_m > 0:
        return msgspec.structs.replace(size, height_m=config.height_m)
    if len(size.heights_m) >= config.scale_frames:
        return size
    height_m = segments.height_m(points_m[None], skeleton)
    if not _HEIGHTS_M[0] <= height_m <= _HEIGHTS_M[1]:
        return size
    size = msgspec.structs.replace(size, heights_m=(*size.heights_m, height_m))
    return _settled_height(size) if len(size.heights_m) == _first_heights(config) else size


def _settled_height(size: Size) -> Size:
    if not size.heights_m:
        return size
    height_m = segments.trimmed_mean(np.array(size.heights_m))
    return msgspec.structs.replace(size, height_m=height_m)


def with_lengths(
    size: Size,
    distances_m: F64,
    pairs: tuple[Pair, ...],
    model_m: Mapping[Pair, float],
    model: BodyModel,
    config: KinematicsConfig,
) -> Size:
    """Take in the distances (P,) of an upright frame, and scale where it is time.

    Distances that no person has are forgotten, all of them: measuring begins anew.
    """
    if (
        size.held
        or size.seen >= config.scale_frames
        or np.isfinite(distances_m).mean() < _LEAST_KNOWN
    ):
        return size
    before = size.lengths if size.seen else scaling.no_lengths(len(pairs))
    lengths = scaling.measured(before, distances_m, config.scale_frames)
    size = msgspec.structs.replace(size, lengths=lengths, seen=size.seen + 1)
    due = 2 * size.scaled_at if size.is_scaled else config.scale_after_frames
    if size.seen < min(due, config.scale_frames):
        return size
    person_m = dict(zip(pairs, scaling.typical_m(lengths.seen_m).tolist(), strict=True))
    try:
        named = scaling.body_factors(
            model.measurements, person_m, model_m, symmetric=config.symmetric
        )
    except ModelError:
        return msgspec.structs.replace(size, lengths=scaling.no_lengths(len(pairs)), seen=0)
    factors = np.array([named.get(body, np.ones(3)) for body in model.tree.bodies])
    settled = size if config.height_m > 0 else _settled_height(size)
    return msgspec.structs.replace(settled, scaled_at=size.seen, factors=factors, refused=False)
