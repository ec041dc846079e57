"""A body model as the kernels take it: arrays only, as they are used most directly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from core.errors import ModelError
from core.jit import plain
from core.kinematics.tree import F64, N_AXES, Ints, Tree


class Machine(NamedTuple):
    """See ``core.kinematics.tree.Tree`` for what has the same name."""

    parent: Ints
    parent_rotation: F64
    parent_m: F64
    """(K, 3) place of the joint's frame on the parent."""
    frame_from_child: F64
    """(K, 3, 3)"""
    child_m: F64
    """(K, 3) place of the child in the joint's frame on it."""
    axes: F64
    """(K, 6, 3) unit vectors; zero where there is none."""
    axis_function: Ints
    axis_source: Ints
    axis_scale: F64
    function_kind: Ints
    function_inner: F64
    function_size: Ints
    function_values: F64
    function_knots: F64
    function_slopes: F64
    coordinate_function: Ints
    coordinate_source: Ints
    marker_body: Ints
    marker_m: F64
    """(M, 3) place of the marker on its body."""


class Pose(NamedTuple):
    """Where everything is for one choice of coordinates, filled by ``kernels.forward``."""

    rotation: F64
    """(B, 3, 3) ground_from_body."""
    position: F64
    """(B, 3) m"""
    axis: F64
    """(K, 6, 3) the joint's axes in the ground."""
    centre: F64
    """(K, 3) m, what the joint turns about."""
    rate: F64
    """(K, 6) derivative of angle or shift by the axis's free coordinate."""
    bend: F64
    """(K, 6) the second one."""


def machine(tree: Tree, markers: Sequence[str] | None = None) -> Machine:
    """Arrays for the kernels; ``markers`` names those wanted, in order, None is all.

    Raises:
        ModelError: the model lacks a marker.
    """
    wanted = tree.markers if markers is None else markers
    lacking = [name for name in wanted if name not in tree.markers]
    if lacking:
        raise ModelError(f"the model has no marker {', '.join(lacking)}; give a marker set with it")
    chosen = np.array([tree.markers.index(name) for name in wanted], dtype=np.int64)
    frame_from_child = tree.child_rotation.transpose(0, 2, 1)
    child_m = -np.einsum("kij,kj->ki", frame_from_child, tree.child_offset.sum(axis=-1))
    length = np.linalg.norm(tree.axes, axis=-1, keepdims=True)
    return Machine(
        tree.parent,
        plain(tree.parent_rotation),
        plain(tree.parent_offset.sum(axis=-1)),
        plain(frame_from_child),
        plain(child_m),
        plain(tree.axes / np.where(length > 0, length, 1.0)),
        tree.axis_function,
        tree.axis_source,
        plain(tree.axis_scale),
        tree.function_kind,
        plain(tree.function_inner),
        tree.function_size,
        plain(tree.function_values),
        plain(tree.function_knots),
        plain(tree.function_slopes),
        tree.coordinate_function,
        tree.coordinate_source,
        tree.marker_body[chosen],
        plain(tree.marker_offset[chosen].sum(axis=-1)),
    )


def empty_pose(n_joints: int) -> Pose:
    """Memory for a pose; the ground is at the origin."""
    rotation, position = np.zeros((n_joints + 1, 3, 3)), np.zeros((n_joints + 1, 3))
    rotation[0] = np.eye(3)
    return Pose(
        rotation,
        position,
        np.zeros((n_joints, N_AXES, 3)),
        np.zeros((n_joints, 3)),
        np.zeros((n_joints, N_AXES)),
        np.zeros((n_joints, N_AXES)),
    )
