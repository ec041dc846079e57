import math

import numpy as np

from core import fusion, quality, synthetic
from core.config import FusionConfig

RIG = synthetic.ring(4)


def held_out(messages):
    state, errors = fusion.FusionState(), []
    frames = {(m.camera, m.frame): m for m in messages}
    for message in messages:
        state, poses = fusion.step(state, message, RIG, FusionConfig())
        errors += [quality.of_pose(pose, frames, RIG, 0.3) for pose in poses]
    return quality.gather(errors, RIG.names)


def test_a_perfect_rig_has_no_error_in_a_held_out_camera():
    assert held_out(synthetic.seen(RIG, synthetic.walk_m(10))).table()["median"] < 1e-3


def test_noise_shows():
    found = held_out(synthetic.seen(RIG, synthetic.walk_m(10), noise_px=3.0))
    assert set(found.table()) == {"median", "mean", "p90", *RIG.names}
    assert 3 < found.table()["median"] < 12


def test_a_camera_that_is_off_shows_in_its_own_row():
    off = [
        synthetic.keypoints(m.camera, m.frame, m.t_ns, shifted(m))
        for m in synthetic.seen(RIG, synthetic.walk_m(10))
    ]
    table = held_out(off).table()
    assert max(RIG.names, key=table.__getitem__) == "cam02"


def shifted(message):
    pixels = np.frombuffer(message.persons[0].keypoints_px, "<f4").reshape(26, 2).astype(float)
    return pixels + (20.0 if message.camera == "cam02" else 0.0)


def test_nothing_seen_is_not_a_number_rather_than_zero():
    assert math.isnan(quality.gather([], RIG.names).table()["median"])
