"""OpenSim's word on body models, and small models of every kind of joint, for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.kinematics.tree import Tree
from services import models
from tools.quiet_opensim import opensim

F64 = NDArray[np.float64]

MODELS = ("Model_Pose2Sim_simple.osim", "Model_Pose2Sim_muscles_flex.osim")
MARKER_SETS = ("Markers_Halpe26.xml", "Markers_LSTM.xml")


def published(name: str) -> Path:
    """A file of the asset group opensim."""
    return models.ensure("opensim")[name]


class Truth:
    """Places of markers as OpenSim computes them."""

    def __init__(self, model: Any) -> None:
        model.updForceSet().clearAndDestroy()
        model.updContactGeometrySet().clearAndDestroy()
        model.finalizeConnections()
        self.model = model
        self.state = model.initSystem()
        markers, coordinates = model.getMarkerSet(), model.getCoordinateSet()
        self.markers = [markers.get(i) for i in range(markers.getSize())]
        self.coordinates = [coordinates.get(i) for i in range(coordinates.getSize())]

    def markers_m(self, values: F64) -> F64:
        """Places (M, 3) for all coordinates (Q,), locked ones left alone."""
        for coordinate, value in zip(self.coordinates, values.tolist(), strict=True):
            if not coordinate.getLocked(self.state):
                coordinate.setValue(self.state, value, False)
        self.model.realizePosition(self.state)
        places = [marker.getLocationInGround(self.state) for marker in self.markers]
        return np.array([[place.get(i) for i in range(3)] for place in places])


def random_poses(tree: Tree, n: int, seed: int = 0) -> F64:
    """Free coordinates (n, N) within their ranges and a little beyond, 3 at most."""
    lower, upper = np.clip(tree.limits[tree.free].T, -3.0, 3.0)
    rng = np.random.default_rng(seed)
    return rng.uniform(lower - 0.1, upper + 0.1, (n, len(tree.free)))


Builder = Callable[..., Any]
"""Makes a joint: name, parent, place and turn of the frame on it, and the same of the child."""


def chain(folder: Path, builders: list[Builder]) -> tuple[Any, Path]:
    """A model of bodies hung on each other, on turned and shifted frames, three markers on each."""
    model = opensim.Model()
    parent = model.getGround()
    for number, build in enumerate(builders):
        body = opensim.Body(f"body{number}", 1.0, opensim.Vec3(0), opensim.Inertia(1, 1, 1))
        model.addBody(body)
        on, of = (
            (end, opensim.Vec3(*_three(side + number)), opensim.Vec3(*_three(side + number + 7)))
            for side, end in enumerate((parent, body))
        )
        model.addJoint(build(f"joint{number}", *on, *of))
        for corner in range(3):
            place = opensim.Vec3(*_three(3 * number + corner))
            marker = opensim.Marker(f"m{number}{corner}", body, place)
            model.addMarker(marker)
        parent = body
    model.finalizeConnections()
    path = folder / "chain.osim"
    model.printToXML(str(path))
    return opensim.Model(str(path)), path


def _three(seed: int) -> list[float]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, 3).tolist()


def spline(*points: tuple[float, float]) -> Any:
    """A SimmSpline through points."""
    function = opensim.SimmSpline()
    for x, y in points:
        function.addPoint(x, y)
    return function


def multiplied(function: Any, factor: float) -> Any:
    """A MultiplierFunction of a function that nothing else uses: it becomes the owner."""
    function.this.disown()
    return opensim.MultiplierFunction(function, factor)


def custom(*axes: tuple[str, tuple[float, float, float], Any]) -> Builder:
    """A CustomJoint: for each of its axes, in order, a coordinate or "", direction, function."""

    def build(*ends: Any) -> Any:
        transform = opensim.SpatialTransform()
        for number, (coordinate, direction, function) in enumerate(axes):
            axis = transform.updTransformAxis(number)
            names = opensim.ArrayStr()
            if coordinate:
                names.append(coordinate)
            axis.setCoordinateNames(names)
            axis.setAxis(opensim.Vec3(*direction))
            axis.set_function(function)
        return opensim.CustomJoint(*ends, transform)

    return build


def simple(kind: str) -> Builder:
    """A joint of one of OpenSim's plain kinds."""
    return lambda *ends: getattr(opensim, kind)(*ends)
