"""A body model as plain arrays: bodies hung on each other by joints, and markers on the bodies.

``tools.opensim_model`` reads one from an .osim. Apart from it, so that a live process computes with
the model and never loads OpenSim.

Letters: K joints, B = K + 1 bodies, Q coordinates, N free coordinates, F functions, M markers.
Joint k carries body k + 1 and hangs on body ``parent[k]`` <= k; body 0 is the ground, Y up.

A joint turns about its axes 0, 1, 2 one after the other and shifts along its axes 3, 4, 5, which
stand in the frame on the parent (Simbody's function-based mobilizer; OpenSim's other joints are
special cases of it). By how much says a function of one free coordinate: coordinates that the
model couples to others are put into the functions, those that are locked are numbers in them.

Places on a body are kept as (3, 3) matrices that give the place for scale factors (3,) of the body:
``offset @ factors``, so a row sum at factors of one. This way frames that stand on turned frames
scale as OpenSim scales them.
"""

from dataclasses import dataclass, fields
from typing import Any, Final, get_type_hints

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError

F64 = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Names = tuple[str, ...]

N_AXES: Final = 6  # of a joint: three it turns about, three it shifts along
POLYNOMIAL: Final = 0
HERMITE: Final = 1
ROTATIONAL: Final = 1
TRANSLATIONAL: Final = 2
COUPLED: Final = 3
_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A body model. Made by a reader or by ``core.kinematics.scaling_tree``."""

    bodies: Names
    """(B,), the ground first."""
    joints: Names
    """(K,)"""
    joint_kinds: Names
    """(K,) OpenSim's class of the joint, such as CustomJoint."""
    parent: Ints
    """(K,) body the joint hangs on."""
    parent_rotation: F64
    """(K, 3, 3) body_from_frame of the frame on the parent."""
    parent_offset: F64
    """(K, 3, 3) m, place of the frame on the parent, by the parent's scale factors."""
    child_rotation: F64
    """(K, 3, 3) body_from_frame of the frame on the child."""
    child_offset: F64
    """(K, 3, 3) m, place of the frame on the child, by the child's scale factors."""
    axes: F64
    """(K, 6, 3) directions in the frame on the parent; their lengths count only in scaling."""
    axis_function: Ints
    """(K, 6) which function gives the angle or the shift; -1 where there is none."""
    axis_source: Ints
    """(K, 6) free coordinate the function is of; -1 for a constant."""
    axis_scale: F64
    """(K, 6) the function's value is multiplied by it."""
    function_kind: Ints
    """(F,) POLYNOMIAL or HERMITE."""
    function_inner: F64
    """(F, 2) the function is taken at inner[0] * x + inner[1]."""
    function_size: Ints
    """(F,) coefficients or knots."""
    function_values: F64
    """(F, S) coefficients, constant first; or values at the knots."""
    function_knots: F64
    """(F, S) of a HERMITE function."""
    function_slopes: F64
    """(F, S) of a HERMITE function at its knots; the first and last hold outside, too."""
    coordinates: Names
    """(Q,) in the model's order."""
    coordinate_kind: Ints
    """(Q,) ROTATIONAL (rad), TRANSLATIONAL (m), or COUPLED: neither by OpenSim's judgement."""
    coordinate_joint: Ints
    """(Q,)"""
    coordinate_function: Ints
    """(Q,) which function of which free coordinate the coordinate is."""
    coordinate_source: Ints
    """(Q,) free coordinate; -1 for one that is locked."""
    default: F64
    """(Q,) rad, m"""
    limits: F64
    """(Q, 2) rad, m; the range as written, whether clamped or not."""
    clamped: Bools
    """(Q,) whether the limits bind."""
    locked: Bools
    """(Q,)"""
    free: Ints
    """(N,) coordinates that are neither coupled nor locked."""
    lower: F64
    """(N,) bound that binds, by its own limits and those of coordinates coupled to it; or -inf."""
    upper: F64
    """(N,)"""
    markers: Names
    """(M,)"""
    marker_body: Ints
    """(M,)"""
    marker_offset: F64
    """(M, 3, 3) m, place of the marker, by its body's scale factors."""

    @property
    def free_names(self) -> Names:
        """Names (N,) of the free coordinates."""
        return tuple(self.coordinates[number] for number in self.free)

    @property
    def free_default(self) -> F64:
        """Default values (N,) of the free coordinates."""
        return self.default[self.free]


def pack(tree: Tree) -> dict[str, NDArray[Any]]:
    """Arrays by name, as .npz keeps them."""
    packed: dict[str, NDArray[Any]] = {"version": np.array(_VERSION)}
    for name, kind in _fields():
        value = getattr(tree, name)
        packed[name] = np.array(value, dtype=np.str_) if kind == Names else value
    return packed


def unpack(arrays: dict[str, NDArray[Any]]) -> Tree:
    """Read what ``pack`` gave.

    Raises:
        ModelError: it is not a tree of this version.
    """
    lacking = [name for name in ("version", *(name for name, _ in _fields())) if name not in arrays]
    if lacking or int(arrays["version"]) != _VERSION:
        why = f"lacks {', '.join(lacking)}" if lacking else f"has version {arrays['version']}"
        raise ModelError(f"not a body model of version {_VERSION}: {why}; read the .osim again")
    values: dict[str, Any] = {
        name: tuple(map(str, arrays[name])) if kind == Names else arrays[name]
        for name, kind in _fields()
    }
    return Tree(**values)


def _fields() -> list[tuple[str, Any]]:
    hints = get_type_hints(Tree)
    return [(field.name, hints[field.name]) for field in fields(Tree)]
