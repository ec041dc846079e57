"""What inverse kinematics is to do: a body model bound to the markers that will come.

Made once a run; the steps then compute with arrays only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import ModelError
from core.kinematics import forward
from core.kinematics.machine import Machine, machine
from core.kinematics.marker_weights import core_of
from core.kinematics.settings import IkConfig as IkConfig
from core.kinematics.tree import F64, N_AXES, ROTATIONAL, Bools, Ints, Tree

_HEADINGS_RAD = (0.0, np.pi / 2, np.pi, -np.pi / 2)
_VERTICAL = 0.9  # share of an axis that stands upright
_NEUTRAL_RAD = (  # slightly bent, arms off the trunk: away from stretched joints
    ("knee_angle", np.deg2rad(30.0)),
    ("elbow_flex", np.deg2rad(30.0)),
    ("arm_add", np.deg2rad(-45.0)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A body model bound to markers (M,) that come in this order."""

    tree: Tree
    machine: Machine
    markers: tuple[str, ...]
    weight: F64
    """(M,)"""
    core: Bools
    """(M,) markers without which the body cannot be found."""
    bounds: F64
    """(2, N)"""
    pull: F64
    """(N,) coordinate weights."""
    root: Bools
    """(N,) coordinates of joints that hang on the ground."""
    neutral: F64
    """(S, N) poses to begin a search from, one a heading."""


def bind(tree: Tree, weights: Mapping[str, float], config: IkConfig) -> Task:
    """Bind a model to markers of given weights, in that order.

    Raises:
        ModelError: no marker, or one that the model lacks.
    """
    markers = tuple(weights)
    if not markers:
        raise ModelError("no marker that counts is in the model; give a marker set that fits it")
    m = machine(tree, markers)
    names = tree.free_names
    pull = np.array([config.coordinate_weights.get(name, 0.0) for name in names])
    sources = tree.axis_source[tree.parent == 0]
    root = np.isin(np.arange(len(names)), sources)
    return Task(
        tree,
        m,
        markers,
        np.array(list(weights.values()), dtype=np.float64),
        np.array(core_of(markers)),
        np.array([tree.lower, tree.upper]),
        pull,
        root,
        _neutral(tree, m),
    )


def _neutral(tree: Tree, m: Machine) -> F64:
    """Neutral poses (S, N): one for each heading, or one where the body cannot be turned."""
    pose = tree.free_default
    for c, name in enumerate(tree.free_names):
        for prefix, angle_rad in _NEUTRAL_RAD:
            if name.startswith(prefix):
                pose[c] = angle_rad
    pose = np.clip(pose, tree.lower, tree.upper)
    heading = _heading(m, pose)
    if heading < 0:
        return pose[None]
    turned = np.tile(pose, (len(_HEADINGS_RAD), 1))
    turned[:, heading] += _HEADINGS_RAD
    return turned


def _heading(m: Machine, free: F64) -> int:
    """The coordinate that turns the whole body about the vertical; -1 where there is none."""
    pose = forward.pose_of(m, free)
    on_ground = np.flatnonzero(m.parent == 0)
    for k in on_ground[: 1 if len(on_ground) else 0]:
        upright = np.abs(pose.axis[k, :3, 1]) * (m.axis_source[k, :3] >= 0)
        if upright.max() > _VERTICAL:
            return int(m.axis_source[k, upright.argmax()])
    return -1


def near(task: Task, free: F64, previous: F64) -> F64:
    """The same pose (N,) with unbounded turns of the whole body within half a turn of others."""
    turns = (task.tree.coordinate_kind[task.tree.free] == ROTATIONAL) & task.root
    whole = np.round((free - previous) / (2.0 * np.pi))
    unbounded = turns & ~np.isfinite(task.bounds).any(axis=0)
    return np.where(unbounded, free - 2.0 * np.pi * whole, free)


def shifted(task: Task, free: F64, points_m: F64, present: Bools) -> F64:
    """A pose (N,) moved so that the body's markers lie around those that were seen."""
    m = task.machine
    pose = forward.pose_of(m, free)
    off_m = (points_m - forward.markers_m(m, free))[present].mean(axis=0)
    out = free.copy()
    sources: Ints = m.axis_source[0]
    for a in range(3, N_AXES):
        if sources[a] >= 0 and pose.rate[0, a] != 0.0:
            out[sources[a]] += pose.axis[0, a] @ off_m / pose.rate[0, a]
    return np.clip(out, *task.bounds)
