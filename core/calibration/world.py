"""Where found cameras lie in the world, and how well they are known there.

A frame is a way of putting the whole rig somewhere: what it rests on (a board on the floor, one
camera, all of them) is exact by definition, and the standard deviations of the others are relative
to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration import place, poses, rigid
from core.calibration.bundle import moved
from core.calibration.extrinsics import Fitted
from core.calibration.place import Similarity
from core.cameras import Rig
from core.errors import CalibrationError

F64 = NDArray[np.float64]
_POSE = 6
_STEP = 1e-5
_EXACT_PX = 1e6  # no error is gross
_LYING = np.diag([1.0, -1.0, -1.0])
"""From a board's axes (columns, rows, into the board) to z up."""
_LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From a camera's axes (right, down, forward) to right, forward, up."""
_LEAST_SINE = 0.05


@dataclass(frozen=True, slots=True)
class Frame:
    """A world."""

    says: str
    """What it rests on."""
    put: Callable[[Rig], Rig]
    """The same cameras there; the same for rigs that differ by where the whole lies."""
    body: str = ""
    """The body that it rests on, if it is one."""
    size_free: bool = False
    """Whether the bodies do not tell the size, and ``put`` gives it."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A camera's standard deviations; the lens counts as exact."""

    position_sd_mm: F64  # (3,) along the axes of the world
    orientation_sd_deg: F64  # (3,) about the camera's own axes
    covariance: F64  # (6, 6) of a turn (rad) and a shift (m) in the camera's own axes


def on_body(fitted: Fitted, body: str, *, lying: bool) -> Frame:
    """The axes of a body; of a board that lies on the floor x along columns, z up.

    Raises:
        CalibrationError: that body has no place.
    """
    if body not in {one.body for one in fitted.used}:
        raise CalibrationError(f"{body}: was not used, so nothing can rest on it")
    world_from_body = fitted.scene.world_from_body[fitted.bodies.index(body)]
    rotation = world_from_body[:, :3].T
    change = Similarity(1.0, rotation, -rotation @ world_from_body[:, 3])
    if lying:
        change = Similarity(1.0, _LYING @ rotation, _LYING @ change.shift_m)
    says = f"the board of {body} on the floor" if lying else body
    return Frame(says, change.of_rig, body=body)


def on_camera(name: str, up: F64 | None = None) -> Frame:
    """The first camera at the origin, x to its right, y forwards, z its own up or a given one.

    Args:
        name: of the camera.
        up: (3,) direction of up in its axes (right, down, forward); None: it stands level.
    """
    turn = _LEVEL if up is None else _upright(up)

    def put(rig: Rig) -> Rig:
        cam_from_world = rig.cam_from_world[rig.index(name)]
        rotation = turn @ cam_from_world[:, :3]
        return Similarity(1.0, rotation, turn @ cam_from_world[:, 3]).of_rig(rig)

    return Frame(f"{name}, {'taken as level' if up is None else 'upright as said'}", put)


def _upright(up: F64) -> F64:
    """World axes in those of a camera whose up is given: y is forward, as far as it is level."""
    z = up / np.linalg.norm(up)
    x = np.cross([0.0, 0.0, 1.0], z)
    if np.linalg.norm(x) < _LEAST_SINE:  # it looks straight down or up
        x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def turned_up(frame: Frame, name: str, up: F64) -> Frame:
    """The same place, but upright so that ``up`` (3,) in the axes of a camera is z."""
    z = up / np.linalg.norm(up)

    def put(rig: Rig) -> Rig:
        there = frame.put(rig)
        ours = z @ there.cam_from_world[there.index(name), :, :3]
        turn = Rotation.align_vectors([[0.0, 0.0, 1.0]], [ours])[0].as_matrix()
        return Similarity(1.0, turn, np.zeros(3)).of_rig(there)

    return replace(frame, says=f"{frame.says}, {name} upright as said", put=put)


def like(before: Rig, *, sized: bool) -> Frame:
    """Where the cameras, or some of them, were before; their distances too where ``sized``."""

    def put(rig: Rig) -> Rig:
        rows = [rig.names.index(name) for name in before.names]
        part = place.part(rig, rows)
        return place.similarity(part, before, scaled=sized).of_rig(rig)

    return Frame("the cameras as they were", put, size_free=sized)


def whole(fitted: Fitted) -> Frame:
    """The rig as a whole: mean place and orientation; for standard deviations only."""
    return replace(like(fitted.scene.rig, sized=False), says="the mean of the cameras")


def known(fitted: Fitted, frame: Frame) -> dict[str, Known]:
    """How well each camera is known in a frame, by name.

    The inverse of the normal equations without the bodies, times the variance of the pixels as
    they scatter. What the frame holds is taken out by its derivative.
    """
    rig = frame.put(fitted.scene.rig)
    n_cameras = len(rig.names)
    parts = rigid.equations(fitted.scene, fitted.pixels, _EXACT_PX)
    if frame.body:
        parts[4][fitted.bodies.index(frame.body)] = 0.0
        covariance = _inverse(rigid.reduced(*parts)[0], n_free=0)
    else:
        free = _inverse(rigid.reduced(*parts)[0], n_free=7 if frame.size_free else 6)
        slope = _slope(fitted.scene.rig, frame.put)
        covariance = slope @ free @ slope.T
    covariance = covariance * _variance_px2(fitted, frame)
    blocks = covariance.reshape(n_cameras, _POSE, n_cameras, _POSE)
    return {
        name: _known(blocks[number, :, number], rig.cam_from_world[number])
        for number, name in enumerate(rig.names)
    }


def _known(block: F64, cam_from_world: F64) -> Known:
    in_world = cam_from_world[:, :3].T @ block[3:, 3:] @ cam_from_world[:, :3]
    return Known(
        position_sd_mm=1e3 * np.sqrt(np.maximum(in_world.diagonal(), 0.0)),
        orientation_sd_deg=np.degrees(np.sqrt(np.maximum(block.diagonal()[:3], 0.0))),
        covariance=block,
    )


def _inverse(system: F64, n_free: int) -> F64:
    """Generalised inverse of equations that leave so many directions free."""
    size = np.sqrt(np.maximum(system.diagonal(), 1e-300))
    values, vectors = np.linalg.eigh(system / np.outer(size, size))
    told = np.arange(len(values)) >= n_free
    values = np.where(told, 1 / np.maximum(values, 1e-15), 0.0)
    return (vectors * values) @ vectors.T / np.outer(size, size)


def _slope(rig: Rig, put: Callable[[Rig], Rig]) -> F64:
    """Derivative (6C, 6C) of the cameras' steps in a frame by their steps before it."""
    there, n_unknown = put(rig), _POSE * len(rig.names)
    columns = []
    for number in range(n_unknown):
        step = np.zeros(n_unknown)
        step[number] = _STEP
        ends = [steps(put(moved(rig, sign * step.reshape(-1, _POSE))), there) for sign in (1, -1)]
        columns.append((ends[0] - ends[1]).ravel() / (2 * _STEP))
    return np.stack(columns, axis=1)


def steps(rig: Rig, before: Rig) -> F64:
    """Turn (rad) and shift (m) of each camera from where it was, in its own axes; (C, 6)."""
    change = poses.joined(rig.cam_from_world, poses.inverse(before.cam_from_world))
    turn = Rotation.from_matrix(change[:, :, :3]).as_rotvec()
    return np.concatenate([turn, change[:, :, 3]], axis=1)


def _variance_px2(fitted: Fitted, frame: Frame) -> float:
    """Of a pixel's coordinate: what is left, over what the numbers sought do not explain."""
    pixels = fitted.pixels
    off_px = rigid.errors_px(fitted.scene, pixels)
    sought = _POSE * len(fitted.scene.rig.names) - (7 if frame.size_free else 6)
    for body in np.unique(pixels.index[:, 1]):
        local_m = pixels.local_m[pixels.index[:, 1] == body]
        sides = np.linalg.matrix_rank(local_m - local_m[0], tol=1e-9)
        sought += (3, 5, 6, 6)[int(sides)]
    square = (pixels.weight[:, None] * off_px**2).sum()
    return float(square / max(off_px.size - sought, 1))
