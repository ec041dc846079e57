"""Fused people as one camera should see them."""

import numpy as np
import pytest

from core import cameras, synthetic
from core.cameras import CameraModel
from core.messages import Pose3D
from core.pose import blazepose, guidance
from core.skeletons import HALPE_26

SIZE = 960, 540


class Model:
    """As much of a backend as guidance needs."""

    skeleton = HALPE_26
    derived = 0
    provider = "CPU"

    def detect(self, pictures, *, thorough=False):
        raise NotImplementedError

    def estimate(self, jobs):
        raise NotImplementedError

    def region(self, points_px):
        return blazepose.region(points_px)


RIG = synthetic.ring(4)
T_NS = 10_000_000_000


def camera(place: int = 0) -> CameraModel:
    return synthetic.models(RIG)[place]


def seen(pose: Pose3D | None, t_ns: int = T_NS, place: int = 0):
    return guidance.expected(pose, t_ns, camera(place), SIZE, Model())


def standing(place_m: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return synthetic.at(0.0, np.array(place_m), 0.0)


def test_projection_is_the_common_one_to_rounding():
    points = np.random.default_rng(1).uniform([-1, -1, 0], [1, 1, 2], (26, 3))
    everywhere = cameras.project(RIG, points)
    for place in range(4):
        np.testing.assert_allclose(
            guidance.project(camera(place), points), everywhere[place], atol=1e-9
        )


def test_behind_the_camera_and_far_outside_is_nowhere():
    centre = -RIG.cam_from_world[0][:, :3].T @ RIG.cam_from_world[0][:, 3]
    outward = centre * 1.5
    aside = centre * 0.9 + np.cross(centre, [0, 0, 1]) * 2
    assert np.isnan(guidance.project(camera(), np.stack([outward, aside]))).all()


def test_a_person_is_expected_where_the_picture_shows_it():
    """In the reduced picture, half of the captured size, in continuous coordinates."""
    points_m = standing()
    (one,) = seen(synthetic.pose(0, T_NS, {5: points_m}))
    pixels = cameras.project(RIG, points_m)[0]
    np.testing.assert_allclose(one.points_px, (pixels + 0.5) / 2, atol=1e-3)
    assert one.person == 5
    hip = one.points_px[HALPE_26.index("Hip")]
    np.testing.assert_allclose([one.roi.x_px, one.roi.y_px], hip)


def test_people_are_carried_on_to_the_time_of_the_frame():
    moving = {1: np.tile([1.0, 0.0, 0.0], (26, 1))}
    (one,) = seen(synthetic.pose(0, T_NS, {1: standing()}, moving), T_NS + 100_000_000)
    (there,) = seen(synthetic.pose(0, T_NS, {1: standing((0.1, 0.0))}))
    np.testing.assert_allclose(one.points_px, there.points_px, atol=1e-3)


def test_stale_poses_and_those_of_the_future_guide_nobody():
    pose = synthetic.pose(0, T_NS, {1: standing()})
    assert not seen(None)
    assert not seen(pose, T_NS + guidance.STALE_NS + 1)
    assert not seen(pose, T_NS - 1)


@pytest.mark.parametrize("place_m", [(30.0, 0.0), (4.0, 6.0)])
def test_people_out_of_the_picture_are_not_expected(place_m):
    assert not seen(synthetic.pose(0, T_NS, {1: standing(place_m)}))


def test_a_person_half_known_is_expected_and_one_without_trunk_is_not():
    points_m = standing()
    points_m[HALPE_26.index("LWrist")] = np.nan
    assert len(seen(synthetic.pose(0, T_NS, {1: points_m}))) == 1
    points_m[HALPE_26.index("Neck")] = np.nan
    assert not seen(synthetic.pose(0, T_NS, {1: points_m}))
