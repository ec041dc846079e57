"""A camera that moves is named within seconds; one that was always off is not."""

import numpy as np
import pytest

from core import synthetic, watch
from core.cameras import CameraModel, Rig, project
from core.quality import HeldOutViews, hold_out
from core.watch_time import Clocks, lateness

RATE_HZ = 10
RIG = synthetic.ring(4)
UNKNOWN = lateness(Clocks(), 4)


def turned(rig: Rig, name: str, angle_deg: float) -> Rig:
    """The rig with one camera turned about its own upright."""
    angle = np.radians(angle_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    poses = rig.cam_from_world.copy()
    poses[rig.index(name)] = turn @ poses[rig.index(name)]
    models = [
        CameraModel(n, 1920, 1080, rig.image_from_cam[i], rig.distortion[i], poses[i])
        for i, n in enumerate(rig.names)
    ]
    return Rig.of(models)


def watched(real_rigs: list[Rig], noise_px: float = 2.0) -> watch.Watch:
    """Watch a walker with the calibration of ``RIG`` while the cameras really stand elsewhere."""
    rng = np.random.default_rng(0)
    walk_m = synthetic.walk_m(len(real_rigs), RATE_HZ)
    state = watch.start(4, 26, 0)
    for frame, rig in enumerate(real_rigs):
        pixels = project(rig, walk_m[frame])
        pixels = pixels + rng.normal(0.0, noise_px, pixels.shape)
        views = hold_out(RIG, pixels, np.full((4, 26), 0.9), 0.3)
        state = watch.step(state, round(frame * 1e9 / RATE_HZ), [views])
    return state


def said(state: watch.Watch) -> dict[str, str]:
    return {one.camera: one.says for one in watch.report(state, RIG, UNKNOWN) if one.says}


def test_nothing_is_said_of_cameras_that_stand_still():
    assert said(watched([RIG] * 150)) == {}


@pytest.mark.parametrize("name", RIG.names)
def test_a_knocked_camera_is_named_within_three_seconds_with_its_angle(name):
    state = watched([RIG] * 100 + [turned(RIG, name, 2.0)] * 30)
    assert list(said(state)) == [name]
    one = next(one for one in watch.report(state, RIG, UNKNOWN) if one.camera == name)
    assert one.turned_deg == pytest.approx(2.0, abs=0.7)


def test_a_camera_that_was_off_from_the_beginning_is_not_accused():
    """A poor calibration shows as held-out error, not as movement."""
    state = watched([turned(RIG, "cam02", 1.0)] * 150)
    assert said(state) == {}
    assert max(watch.report(state, RIG, UNKNOWN), key=lambda one: one.held_out_px).held_out_px > 10


def test_while_nobody_is_there_nothing_changes():
    state = watched([RIG] * 100)
    nothing = HeldOutViews(np.full((4, 26, 2), np.nan), np.full(4, np.nan))
    empty = watch.step(state, state.last_ns + 1_000_000_000, [nothing])
    np.testing.assert_array_equal(empty.offset_px, state.offset_px)
    assert said(empty) == {}
