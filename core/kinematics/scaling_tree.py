"""A body model scaled body by body, as OpenSim's ScaleTool does it (checked against OpenSim 4.6).

Frames and markers move by their body's factors, axis by axis. What a CustomJoint shifts by along an
axis is multiplied by |axis| . factors of the parent, the axis as long as it is written: a quirk
that matters where axes are oblique. The other kinds of joint keep their shifts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.errors import ModelError
from core.kinematics.tree import F64, TRANSLATIONAL, Tree


def scale(tree: Tree, factors: Mapping[str, Sequence[float] | F64]) -> Tree:
    """The model with bodies scaled by factors (3,), along their own X, Y, Z; others as they are.

    Raises:
        ModelError: no such body; a factor that is not positive; a coupled shift on a scaled body.
    """
    named = _checked(tree, factors)
    _refuse_coupled_shifts(tree, named)
    body = np.ones((len(tree.bodies), 3))
    for name, values in named.items():
        body[tree.bodies.index(name)] = values
    return replace(
        tree,
        parent_offset=tree.parent_offset * body[tree.parent, None, :],
        child_offset=tree.child_offset * body[1:, None, :],
        marker_offset=tree.marker_offset * body[tree.marker_body, None, :],
        axis_scale=tree.axis_scale * _shift_factors(tree, named),
    )


def _checked(tree: Tree, factors: Mapping[str, Sequence[float] | F64]) -> dict[str, F64]:
    named = {name: np.asarray(values, dtype=np.float64) for name, values in factors.items()}
    for name, values in named.items():
        if name not in tree.bodies[1:]:
            raise ModelError(f"no body {name} to scale; there are {', '.join(tree.bodies[1:])}")
        if values.shape != (3,) or not (np.isfinite(values) & (values > 0)).all():
            raise ModelError(f"body {name}: scale factors must be three positive numbers")
    return named


def _shift_factors(tree: Tree, named: Mapping[str, F64]) -> F64:
    """(K, 6): what the shifts along each axis are multiplied by."""
    out = np.ones(tree.axis_scale.shape)
    for k, kind in enumerate(tree.joint_kinds):
        parent = tree.bodies[tree.parent[k]]
        if kind == "CustomJoint" and parent in named:
            out[k, 3:] = np.abs(tree.axes[k, 3:]) @ named[parent]
    return out


def _refuse_coupled_shifts(tree: Tree, named: Mapping[str, F64]) -> None:
    for c, name in enumerate(tree.coordinates):
        coupled = tree.coordinate_source[c] >= 0 and c not in tree.free
        parent = tree.bodies[tree.parent[tree.coordinate_joint[c]]]
        if coupled and tree.coordinate_kind[c] == TRANSLATIONAL and parent in named:
            raise ModelError(
                f"{name}: a shift that follows another coordinate cannot be scaled; uncouple it, or"
                f" leave {parent} as it is"
            )
