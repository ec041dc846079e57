"""People before cameras of which one is knocked, and what the fusion makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core import fusion, mending_state
from core.calibration.place import with_poses
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import CameraPlace, Keypoints2D, PlaceDecision, Pose3D, view
from core.synthetic_scenes import START_NS, Faults, seen

F64 = NDArray[np.float64]
RATE_HZ = 30
USUAL = Faults(noise_px=3.0, outlier_share=0.03, missing_share=0.05)


def knocked(rig: Rig, camera: str, turn_deg: float, shift_m: float, seed: int = 0) -> Rig:
    """The rig with one camera turned about some axis and shifted some way."""
    rng = np.random.default_rng(seed)
    axis, shift = rng.normal(size=3), rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(turn_deg) * axis / np.linalg.norm(axis)).as_matrix()
    poses = rig.cam_from_world.copy()
    place = rig.index(camera)
    poses[place] = turn @ poses[place]
    poses[place, :, 3] += shift_m * shift / np.linalg.norm(shift)
    return with_poses(rig, poses)


def filmed(
    rigs: Mapping[int, Rig], people_m: F64, faults: Faults = USUAL, seed: int = 0
) -> list[Keypoints2D]:
    """Keypoints of people (P, T, 26, 3) by cameras that stand as ``rigs`` says from a second on."""
    ends = [*list(rigs)[1:], np.inf]
    messages = list[Keypoints2D]()
    for number, (since_s, rig) in enumerate(rigs.items()):
        messages += [
            one
            for one in seen(rig, people_m, faults, seed=seed + number, rate_hz=RATE_HZ)
            if since_s <= one.frame / RATE_HZ < ends[number]
        ]
    return messages


@dataclass
class Watched:
    """What the fusion said, second by second."""

    rig: Rig
    people_m: F64
    config: FusionConfig = field(default_factory=FusionConfig)
    state: FusionState = field(default_factory=FusionState)
    poses: list[Pose3D] = field(default_factory=list)
    told: list[tuple[float, tuple[CameraPlace, ...]]] = field(default_factory=list)
    """Second and places, where they changed."""

    def feed(
        self, messages: list[Keypoints2D], decisions: tuple[PlaceDecision, ...] = ()
    ) -> "Watched":
        for one in messages:
            self.state, poses = fusion.step(self.state, one, self.rig, self.config, decisions)
            self.poses += poses
            places = mending_state.report(self.state.mending, self.rig)
            if poses and places != (self.told[-1][1] if self.told else ()):
                self.told.append((second(poses[-1]), places))
        return self

    @property
    def states(self) -> list[tuple[str, ...]]:
        """What was said of the cameras, one after the other, each once."""
        words = [tuple(f"{p.camera} {p.state}" for p in places) for _, places in self.told]
        return [one for i, one in enumerate(words) if i == 0 or words[i - 1] != one]

    def error_mm(self, from_s: float, to_s: float) -> float:
        """Mean distance of measured keypoints from the nearest person's."""
        off = [
            np.nanmean(
                np.linalg.norm(self.people_m[:, frame] - view(one, "measured_m"), axis=-1), 1
            )
            for pose in self.poses
            if from_s <= second(pose) < to_s
            for frame in [round(second(pose) * RATE_HZ)]
            for one in pose.persons
        ]
        return 1000 * float(np.mean([one.min() for one in off]))


def second(pose: Pose3D) -> float:
    """Time of an instant since the beginning."""
    return (pose.t_ns - START_NS) * 1e-9
