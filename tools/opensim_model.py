"""Read an .osim into plain arrays, as a process of its own.

``python -m tools.opensim_model MODEL.osim [--markers SET.xml] OUT.npz``. ``tools.model_files.load``
runs that and gives the tree; nothing else of OpenSim comes into the caller's process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

from core.errors import ModelError
from core.kinematics import tree
from core.kinematics.tree import N_AXES, Tree
from tools import own_process
from tools.opensim_coordinates import Coordinates, read_coordinates
from tools.opensim_functions import IDENTITY, Function, polynomial, read, stacked
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]

_X, _Y, _Z = np.eye(3)
_GROUND = "ground"
_AXES_OF: dict[str, tuple[tuple[int, F64], ...]] = {  # per coordinate: place among the six, axis
    "WeldJoint": (),
    "PinJoint": ((0, _Z),),
    "SliderJoint": ((3, _X),),
    "UniversalJoint": ((0, _X), (1, _Y)),
    "BallJoint": ((0, _X), (1, _Y), (2, _Z)),
    "GimbalJoint": ((0, _X), (1, _Y), (2, _Z)),
    "PlanarJoint": ((0, _Z), (3, _X), (4, _Y)),
    "FreeJoint": ((0, _X), (1, _Y), (2, _Z), (3, _X), (4, _Y), (5, _Z)),
}
_OF_CUSTOM = ("rotation1", "rotation2", "rotation3")
_OF_CUSTOM += ("translation1", "translation2", "translation3")


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a frame or a marker is on its body."""

    body: str
    rotation: F64
    """(3, 3) body_from_frame."""
    offset: F64
    """(3, 3) m, by the body's scale factors."""


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """One axis of a joint that turns or shifts."""

    joint: int
    number: int
    direction: F64
    function: Function
    source: int


def read_model(osim: Path, markers: Path | None = None) -> Tree:
    """Read a body model; ``markers``: a marker set whose markers are added or replaced.

    Raises:
        ModelError: a file that cannot be read, or a part of the model that is not handled.
    """
    model = open_model(osim, markers)
    model.updForceSet().clearAndDestroy()  # positions need no muscles
    model.updContactGeometrySet().clearAndDestroy()
    model.finalizeConnections()
    state = model.initSystem()
    coordinates = read_coordinates(model, state)
    joints, bodies = _in_order(model)
    return _tree(model, joints, bodies, coordinates)


def open_model(osim: Path, markers: Path | None = None) -> Any:
    """OpenSim's own model, with the markers of a set put in.

    Raises:
        ModelError: a file that is not there, or that OpenSim cannot read.
    """
    for path in filter(None, (osim, markers)):
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
    try:
        model = opensim.Model(str(osim))
        if markers is not None:
            model.updateMarkerSet(opensim.MarkerSet(str(markers)))
        model.finalizeConnections()
        model.initSystem()
    except RuntimeError as error:
        said = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise ModelError(f"{osim}: OpenSim cannot use it: {said}") from error
    return model


def _in_order(model: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Joints so that parents come before children, and the bodies in that order, ground first."""
    joints = model.getJointSet()
    waiting = [joints.get(i) for i in range(joints.getSize())]
    ordered: list[Any] = []
    bodies = [_GROUND]
    while waiting:
        hangs = next((one for one in waiting if _place(one.getParentFrame()).body in bodies), None)
        if hangs is None or _place(hangs.getChildFrame()).body in bodies:
            names = ", ".join(one.getName() for one in waiting)
            raise ModelError(
                f"joints {names}: the bodies do not hang on the ground as a tree, each by one"
                " joint; turn round or remove joints in the model, or use `--solver opensim`"
            )
        waiting.remove(hangs)
        ordered.append(hangs)
        bodies.append(_place(hangs.getChildFrame()).body)
    return ordered, tuple(bodies)


def _place(frame: Any, at_m: F64 | None = None) -> _Place:
    """Where a frame, or a point (3,) in it, is on the body that the frame stands on."""
    chain: list[tuple[F64, F64]] = []
    while (on := opensim.PhysicalOffsetFrame.safeDownCast(frame)) is not None:
        transform = on.getOffsetTransform()
        turned = transform.R().asMat33()
        rotation = np.array([[turned.get(i, j) for j in range(3)] for i in range(3)])
        chain.append((rotation, _vector(transform.p())))
        frame = on.getParentFrame()
    rotation, offset = np.eye(3), np.zeros((3, 3))
    for turn, shift in reversed(chain):
        offset = offset + rotation * shift  # a column for each axis of the frame it stands on
        rotation = rotation @ turn
    if at_m is not None:
        offset = offset + rotation * at_m
    return _Place(frame.getName(), rotation, offset)


def _vector(vector: Any) -> F64:
    return np.array([vector.get(i) for i in range(3)])


def _axes(joint: Any, number: int, coordinates: Coordinates) -> list[_Axis]:
    """The axes of one joint that do something."""
    kind = joint.getConcreteClassName()
    if kind == "CustomJoint":
        transform = opensim.CustomJoint.safeDownCast(joint).getSpatialTransform()
        asked = [_custom_axis(transform, place, joint.getName()) for place in range(N_AXES)]
    elif kind in _AXES_OF:
        asked = [
            (place, direction, IDENTITY, joint.get_coordinates(i).getName())
            for i, (place, direction) in enumerate(_AXES_OF[kind])
        ]
    else:
        raise ModelError(
            f"joint {joint.getName()}: the kind {kind} is not handled; use `--solver opensim`"
        )
    axes = []
    for place, direction, function, name in asked:
        source = -1
        if name and not function.is_constant:
            expression = coordinates.expressions[name]
            source = expression.source
            function = function.after(expression.function, f"joint {joint.getName()}, {name}")
        if not function.is_constant or function.values[0] != 0.0:
            axes.append(_Axis(number, place, direction, function, source))
    return axes


def _custom_axis(transform: Any, place: int, joint: str) -> tuple[int, F64, Function, str]:
    axis = getattr(transform, f"get_{_OF_CUSTOM[place]}")()
    names = axis.getCoordinateNamesInArray()
    if names.getSize() > 1:
        raise ModelError(
            f"joint {joint}, {_OF_CUSTOM[place]}: a function of {names.getSize()} coordinates is"
            " not handled; use `--solver opensim`"
        )
    what = f"joint {joint}, {_OF_CUSTOM[place]}"
    function = read(axis.getFunction(), what) if axis.hasFunction() else polynomial(0.0)
    name = names.get(0) if names.getSize() else ""
    return place, _vector(axis.getAxis()), function, name


def _tree(model: Any, joints: Sequence[Any], bodies: tuple[str, ...], of: Coordinates) -> Tree:
    parents = [_place(joint.getParentFrame()) for joint in joints]
    children = [_place(joint.getChildFrame()) for joint in joints]
    axes = [axis for number, joint in enumerate(joints) for axis in _axes(joint, number, of)]
    expressions = [of.expressions[name] for name in of.names]
    lower, upper = of.bounds()
    names, places = _markers(model)
    return Tree(
        bodies=bodies,
        joints=tuple(joint.getName() for joint in joints),
        joint_kinds=tuple(joint.getConcreteClassName() for joint in joints),
        parent=np.array([bodies.index(place.body) for place in parents], dtype=np.int64),
        parent_rotation=_stacked([place.rotation for place in parents]),
        parent_offset=_stacked([place.offset for place in parents]),
        child_rotation=_stacked([place.rotation for place in children]),
        child_offset=_stacked([place.offset for place in children]),
        **_axis_arrays(axes, len(joints)),
        **stacked([one.function for one in (*axes, *expressions)]),
        coordinates=of.names,
        coordinate_kind=np.array([one.getMotionType() for one in of.each], dtype=np.int64),
        coordinate_joint=_joint_of(joints, of.names),
        coordinate_function=len(axes) + np.arange(len(expressions)),
        coordinate_source=np.array([one.source for one in expressions], dtype=np.int64),
        default=np.array([one.getDefaultValue() for one in of.each]),
        limits=np.array([(one.getRangeMin(), one.getRangeMax()) for one in of.each]).reshape(-1, 2),
        clamped=of.clamped,
        locked=of.locked,
        free=np.array([of.names.index(name) for name in of.free], dtype=np.int64),
        lower=lower,
        upper=upper,
        markers=names,
        marker_body=np.array([_body(place, bodies) for place in places], dtype=np.int64),
        marker_offset=_stacked([place.offset for place in places]),
    )


def _stacked(matrices: list[F64]) -> F64:
    return np.array(matrices, dtype=np.float64).reshape(-1, 3, 3)


def _body(place: _Place, bodies: tuple[str, ...]) -> int:
    if place.body not in bodies:
        raise ModelError(f"body {place.body}: no joint holds it; give it one in the model")
    return bodies.index(place.body)


def _markers(model: Any) -> tuple[tuple[str, ...], list[_Place]]:
    markers = model.getMarkerSet()
    each = [markers.get(i) for i in range(markers.getSize())]
    places = [_place(one.getParentFrame(), _vector(one.get_location())) for one in each]
    return tuple(one.getName() for one in each), places


def _joint_of(joints: Sequence[Any], names: tuple[str, ...]) -> NDArray[np.int64]:
    owner = {
        joint.get_coordinates(i).getName(): number
        for number, joint in enumerate(joints)
        for i in range(joint.numCoordinates())
    }
    return np.array([owner[name] for name in names], dtype=np.int64)


def _axis_arrays(axes: list[_Axis], n_joints: int) -> dict[str, Any]:
    shape = (n_joints, N_AXES)
    directions = np.zeros((*shape, 3))
    function, source = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
    for number, axis in enumerate(axes):
        directions[axis.joint, axis.number] = axis.direction
        function[axis.joint, axis.number] = number
        source[axis.joint, axis.number] = axis.source
    return {
        "axes": directions,
        "axis_function": function,
        "axis_source": source,
        "axis_scale": np.ones(shape),
    }


def main(
    osim: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    markers: Path | None = None,
) -> int:
    """Read a body model into plain arrays.

    Args:
        osim: the model.
        out: file to write (.npz).
        markers: a marker set (.xml) to put into the model.
    """
    arrays: dict[str, Any] = tree.pack(read_model(osim, markers))
    with out.open("wb") as file:
        np.savez(file, **arrays)
    return 0


if __name__ == "__main__":
    own_process.run(main)
