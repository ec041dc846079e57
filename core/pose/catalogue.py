"""The pose models there are: what kind each is, which keypoints it gives, where it is listed.

Where the files come from is not said here: rtmlib has tables of that, and ``services.pose_weights``
reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from core import anatomy, skeletons
from core.errors import ConfigError
from core.pose.crops import Size
from core.skeletons import SKELETONS, Skeleton

Kind = Literal["blazepose", "rtmpose", "rtmo"]
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class PoseModel:
    """One that can be asked for by name."""

    name: str
    kind: Kind
    skeleton: Skeleton
    table: tuple[str, str, str] = ("", "", "")
    """Class and table of rtmlib, and its entry there."""
    detector: Size | None = None
    """Input of its detector; None where it has none of that kind."""
    pose: Size | None = None
    """Input of its pose network."""


class Asked(Protocol):
    """What a run says of its pose model: ``core.config.PoseConfig``."""

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def detector_path(self) -> str: ...  # noqa: D102
    @property
    def pose_path(self) -> str: ...  # noqa: D102
    @property
    def skeleton(self) -> str: ...  # noqa: D102
    @property
    def keypoints(self) -> tuple[str, ...]: ...  # noqa: D102


_SMALL, _LARGE = Size(192, 256), Size(288, 384)
_MODES = {
    "lightweight": (Size(416, 416), _SMALL),
    "balanced": (Size(640, 640), _SMALL),
    "performance": (Size(640, 640), _LARGE),
}
_FAMILIES = (
    ("rtmpose", "BodyWithFeet", "HALPE_26"),
    ("rtmpose_coco17", "Body", "COCO_17"),
    ("rtmpose_wholebody", "Wholebody", "COCO_133"),
)


def _all() -> list[PoseModel]:
    top_down = [
        PoseModel(f"{family}_{mode}", "rtmpose", SKELETONS[keypoints], (of, "MODE", mode), *sizes)
        for family, of, keypoints in _FAMILIES
        for mode, sizes in _MODES.items()
    ]
    coco = SKELETONS["COCO_17"]
    one_stage = [
        PoseModel(f"rtmo_{mode}", "rtmo", coco, ("Body", "RTMO_MODE", mode), None, Size(640, 640))
        for mode in _MODES
    ]
    blazepose = [
        PoseModel(f"blazepose_{size}", "blazepose", skeletons.HALPE_26)
        for size in ("lite", "full", "heavy")
    ]
    return [*blazepose, *top_down, *one_stage]


MODELS: Mapping[str, PoseModel] = {one.name: one for one in _all()}


def objection(asked: Asked) -> str:
    """Say why a run cannot have the pose model it asks for, and what to do; empty where it can."""
    if asked.model != CUSTOM:
        return _of_listed(asked)
    if not asked.pose_path:
        return (
            "pose.model = 'custom' needs pose.pose_path, the ONNX file of the network, "
            "and pose.detector_path unless the network is one-stage"
        )
    if bool(asked.skeleton) == bool(asked.keypoints):
        return (
            "pose.model = 'custom' needs either pose.skeleton, a known keypoint set "
            f"({', '.join(SKELETONS)}), or pose.keypoints, the names of the network's keypoints"
        )
    return _of_keypoints(asked)


def _of_listed(asked: Asked) -> str:
    if asked.model not in MODELS:
        known = ", ".join([*MODELS, CUSTOM])
        return f"pose.model = {asked.model!r} is not known; these are: {known}"
    own = ("detector_path", "pose_path", "skeleton", "keypoints")
    if given := [name for name in own if getattr(asked, name)]:
        settings = ", ".join(f"pose.{name}" for name in given)
        return f"{settings}: only with pose.model = 'custom'; it is {asked.model!r}"
    return ""


def _of_keypoints(asked: Asked) -> str:
    if asked.skeleton:
        said = anatomy.objection(asked.skeleton)
        return f"pose.skeleton: {said}" if said else ""
    try:
        mine = skeletons.of_keypoints(asked.keypoints)
    except ConfigError as error:
        return f"pose.keypoints: {error}"
    if not anatomy.objection(mine.name):
        return ""
    lacking = ", ".join(anatomy.limbs_missing(mine))
    return (
        f"pose.keypoints has no {lacking}, without which nobody can be fused; if the network has "
        "them under other names, call them so"
    )


def skeleton_of(asked: Asked) -> Skeleton:
    """Find the keypoint set of a model to which there is no objection."""
    if asked.model != CUSTOM:
        return MODELS[asked.model].skeleton
    if asked.keypoints:
        return skeletons.of_keypoints(asked.keypoints)
    return skeletons.named(asked.skeleton)
