"""Forward kinematics: bodies, markers and their derivatives from free coordinates."""

import numpy as np

from core.jit import plain
from core.kinematics import kernels
from core.kinematics.machine import Machine, Pose, empty_pose
from core.kinematics.tree import F64


def pose_of(m: Machine, free: F64) -> Pose:
    """Where all bodies are for free coordinates (N,)."""
    pose = empty_pose(len(m.parent))
    kernels.forward(m, plain(free), pose)
    return pose


def markers_m(m: Machine, free: F64) -> F64:
    """Places (..., M, 3) of the markers for free coordinates (..., N)."""
    rows = plain(free).reshape(-1, free.shape[-1])
    out = np.empty((len(rows), len(m.marker_body), 3))
    pose = empty_pose(len(m.parent))
    for row, places_m in zip(rows, out, strict=True):
        kernels.forward(m, row, pose)
        kernels.markers(m, pose, places_m)
    return out.reshape(*free.shape[:-1], *out.shape[1:])


def jacobian(m: Machine, free: F64) -> F64:
    """Derivatives (M, 3, N) of the markers' places by the free coordinates (N,)."""
    out = np.empty((len(m.marker_body), 3, len(free)))
    kernels.jacobian(m, pose_of(m, free), out)
    return out


def all_coordinates(m: Machine, free: F64) -> tuple[F64, F64]:
    """All coordinates (Q,) for free ones (N,), and the derivative of each by the one it follows."""
    values, rates = np.empty(len(m.coordinate_source)), np.empty(len(m.coordinate_source))
    kernels.coordinates(m, plain(free), values, rates)
    return values, np.where(m.coordinate_source >= 0, rates, 0.0)
