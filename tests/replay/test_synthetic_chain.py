"""RTMPose and YOLOX from pictures to 3D, with networks that really measure and a known truth."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from core import fusion, synthetic_scenes
from core.cameras import Rig
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.skeletons import HALPE_26
from core.synthetic_pictures import render, with_large_head
from services.backend_rtmpose import open_rtmpose
from services.following import Follower, View, person2d
from tests.services import pose_scenes as scenes

F64 = NDArray[np.float64]
RATE_HZ = 30
N_INSTANTS = 150
START_NS = 1_000_000_000


@dataclass
class Chain:
    """What came of two people whose ways cross, and the truth."""

    poses: list[Pose3D]
    people_m: F64  # (P, T, J, 3)
    error_px: F64
    """Of all keypoints in the pictures that nothing hides, to the nearer person's."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    files = scenes.write_networks(tmp_path_factory.mktemp("networks"))
    backend = open_rtmpose(files["detector"], files["pose"], HALPE_26, scenes.CONFIG, scenes.CPU)
    models = {model.name: model for model in scenes.cameras()}
    rig = Rig.of(list(models.values()))
    people_m = with_large_head(synthetic_scenes.crossing_m(2, N_INSTANTS, RATE_HZ))
    follower = Follower(backend, scenes.CONFIG, list(models), models)
    state, poses, errors = fusion.FusionState(), list[Pose3D](), list[F64]()
    for frame in range(N_INSTANTS):
        t_ns = START_NS + frame * 1_000_000_000 // RATE_HZ
        seen = [render(model, people_m[:, frame]) for model in models.values()]
        views = [View(n, t_ns, one.picture) for n, one in zip(models, seen, strict=True)]
        found = follower.follow(views, poses[-1] if poses else None)
        for one, truth, people in zip(views, seen, found, strict=True):
            size = one.picture.shape[1], one.picture.shape[0]
            message = Keypoints2D(
                t_ns=t_ns,
                stamps={},
                camera=one.camera,
                frame=frame,
                skeleton="HALPE_26",
                model="custom",
                provider="CPU",
                persons=tuple(person2d(number, each, size, size) for number, each in people),
            )
            errors += [_off_px(person, truth) for person in message.persons]
            state, fused = fusion.step(state, message, rig, FusionConfig())
            poses += fused
    return Chain(poses, people_m, np.concatenate(errors))


def _off_px(person, truth) -> F64:
    points, sure = view(person, "keypoints_px"), view(person, "confidence")
    off = np.linalg.norm(truth.points_px - points, axis=-1)  # (P, J)
    mine = np.nanmedian(off, axis=1).argmin()
    return off[mine][(sure >= 0.3) & truth.visible[mine]]


def test_keypoints_are_measured_within_a_pixel(chain):
    assert np.nanmedian(chain.error_px) < 1.0


def test_two_people_keep_their_numbers_and_there_is_no_phantom(chain):
    kept = Counter(person.id for pose in chain.poses for person in pose.persons)
    assert set(kept) == {1, 2}
    assert min(kept.values()) >= len(chain.poses) - 3  # a person is shown when it is sure


def test_points_are_within_5_mm(chain):
    error_mm = []
    who: dict[int, int] = {}
    for instant, pose in enumerate(chain.poses):
        for person in pose.persons:
            off = np.linalg.norm(
                chain.people_m[:, instant] - view(person, "measured_m"), axis=-1
            )  # (P, J)
            mine = int(np.nanmedian(off, axis=1).argmin())
            assert who.setdefault(person.id, mine) == mine
            error_mm.append(1000 * off[mine])
    assert np.nanmedian(np.concatenate(error_mm)) < 5.0


def test_an_empty_scene_stays_empty(tmp_path):
    files = scenes.write_networks(tmp_path)
    backend = open_rtmpose(files["detector"], files["pose"], HALPE_26, scenes.CONFIG, scenes.CPU)
    models = {model.name: model for model in scenes.cameras()}
    follower = Follower(backend, scenes.CONFIG, list(models), models)
    nobody = np.empty((0, 26, 3))
    for frame in range(10):
        t_ns = START_NS + frame * 1_000_000_000 // RATE_HZ
        views = [View(name, t_ns, render(one, nobody).picture) for name, one in models.items()]
        assert follower.follow(views, None) == [(), (), (), ()]
