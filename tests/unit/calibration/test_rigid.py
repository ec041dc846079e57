"""The adjustment with rigid bodies: its derivatives, and the same steps as a dense solution."""

import numpy as np
import pytest

from core import synthetic
from core import synthetic_boards as scenes
from core.calibration import bundle, rigid
from core.calibration.board import Board
from core.calibration.rigid import Scene
from core.calibration.sights import pixels_of
from core.synthetic_scenes import miscalibrated

BOARD = Board(4, 7, 60.0)
TRUE = synthetic.ring(4)
KNOCKED = miscalibrated(TRUE, 1.0, 0.02, seed=1)
POSES = scenes.shown(BOARD, 12)
STEP = 1e-6


def pixels():
    sights = scenes.sights(TRUE, BOARD, POSES)
    weight = np.linspace(0.2, 1.0, len(sights))
    return pixels_of(sights, TRUE.names, [f"{number:03d}" for number in range(12)], weight)[0]


def slope(change):
    """Of the cost along a change of the scene, by differences."""
    there, back = (rigid._Task(pixels(), 1.0).cost(change(sign * STEP)) for sign in (1, -1))
    return (there - back) / (2 * STEP)


@pytest.mark.parametrize("number", range(6))
def test_gradient_is_that_of_the_cost(number):
    parts = rigid.equations(Scene(KNOCKED, POSES), pixels())
    seen = sorted(set(pixels().index[:, 1]))[1]

    def camera(step):
        change = np.zeros((4, 6))
        change[2, number] = step
        return Scene(bundle.moved(KNOCKED, change), POSES)

    def body(step):
        change = np.zeros(6)
        change[number] = step
        turn = bundle.Rotation.from_rotvec(change[:3]).as_matrix()
        poses = POSES.copy()
        poses[seen, :, 3] += poses[seen, :, :3] @ change[3:]
        poses[seen, :, :3] = poses[seen, :, :3] @ turn
        return Scene(KNOCKED, poses)

    assert parts[1][2, number] == pytest.approx(slope(camera), rel=1e-4, abs=1e-2)
    assert parts[3][seen, number] == pytest.approx(slope(body), rel=1e-4, abs=1e-2)


def test_taking_the_bodies_out_changes_nothing():
    u_cc, u_c, v_bb, v_b, w_cb = parts = rigid.equations(Scene(KNOCKED, POSES), pixels())
    damping, n_bodies = 1e-2, len(v_b)
    full = np.zeros((24 + 6 * n_bodies, 24 + 6 * n_bodies))
    for c in range(4):
        full[6 * c : 6 * c + 6, 6 * c : 6 * c + 6] = u_cc[c]
    for b in range(n_bodies):
        at = slice(24 + 6 * b, 30 + 6 * b)
        full[at, at] = v_bb[b] if v_bb[b].any() else np.eye(6)
        full[:24, at] = w_cb[b].reshape(24, 6)
        full[at, :24] = full[:24, at].T
    full[np.diag_indices(len(full))] *= 1 + damping
    dense = np.linalg.solve(full, -np.concatenate([u_c.ravel(), v_b.ravel()]))
    system, right, inverse = rigid.reduced(*parts, damping)
    cameras = np.linalg.solve(system, right)
    np.testing.assert_allclose(cameras, dense[:24], rtol=1e-5, atol=1e-10)
    bodies = -np.einsum(
        "bij,bj->bi", inverse, v_b + np.einsum("bcij,ci->bj", w_cb, cameras.reshape(4, 6))
    )
    np.testing.assert_allclose(bodies.ravel(), dense[24:], rtol=1e-5, atol=1e-10)


def test_what_a_body_cannot_tell_stays_as_it_is():
    """A ball has no turn, and no fewer rounds than it takes are wasted on it."""
    seen = pixels()
    ball = rigid.Pixels(seen.index, np.zeros_like(seen.local_m), seen.seen_px, seen.weight)
    done = rigid.adjust(Scene(KNOCKED, POSES), ball, max_rounds=5)
    np.testing.assert_allclose(done.world_from_body[:, :, :3], POSES[:, :, :3], atol=1e-12)
    assert np.isfinite(done.rig.cam_from_world).all()
