"""Coordinates that follow others, are locked, or cannot be handled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ModelError
from core.kinematics import forward
from core.kinematics.machine import machine
from tests.unit.kinematics.bodies import Truth, chain, custom, random_poses, simple, spline
from tools.opensim_model import read_model
from tools.quiet_opensim import opensim


def a_model(folder: Path, function: Any, bend: Any = None) -> tuple[Any, Path]:
    """A coordinate b that follows a by a function; b's joint turns by ``bend`` of b."""
    one, two = (custom(*_axes(name, f)) for name, f in (("a", None), ("b", bend)))
    model, path = chain(folder, [simple("FreeJoint"), one, two])
    coupler = opensim.CoordinateCouplerConstraint()
    coupler.setName("coupler")
    names = opensim.ArrayStr()
    names.append("a")
    coupler.setIndependentCoordinateNames(names)
    coupler.setDependentCoordinateName("b")
    coupler.setFunction(function)
    coupler.this.disown()
    model.addConstraint(coupler)
    model.finalizeConnections()
    model.printToXML(str(path))
    return opensim.Model(str(path)), path


def _axes(name: str, function: Any) -> list[tuple[str, tuple[float, float, float], Any]]:
    still = opensim.Constant(0.0)
    turning = function or opensim.LinearFunction(1.0, 0.0)
    axes = [(name, (0.2, 0.3, 1.0), turning)]
    directions = np.eye(3)[[1, 0, 0, 1, 2]].tolist()
    return axes + [("", (x, y, z), still) for x, y, z in directions]


CURVE = ((-3.5, -1.0), (-1.0, 0.3), (1.0, 0.9), (3.5, 1.2))


@pytest.mark.parametrize("curved", [False, True])
def test_a_coupled_coordinate_follows(curved: bool, tmp_path: Path):
    function = spline(*CURVE) if curved else opensim.LinearFunction(0.6, 0.1)
    model, path = a_model(tmp_path, function)
    tree, truth = read_model(path), Truth(model)
    m = machine(tree)
    assert "b" not in tree.free_names
    for free in random_poses(tree, 20):
        values, _ = forward.all_coordinates(m, free)
        np.testing.assert_allclose(forward.markers_m(m, free), truth.markers_m(values), atol=1e-12)
        a, b = (values[tree.coordinates.index(name)] for name in "ab")
        expected = function.calcValue(opensim.Vector(1, float(a)))
        assert b == pytest.approx(expected, abs=1e-12)


def test_bounds_of_a_coupled_coordinate_bind_the_one_it_follows(tmp_path: Path):
    model, path = a_model(tmp_path, opensim.LinearFunction(-0.5, 0.0))
    for name, end in (("a", 1.0), ("b", 0.2)):
        coordinate = model.getCoordinateSet().get(name)
        coordinate.setRangeMin(-end)
        coordinate.setRangeMax(end)
        coordinate.setDefaultClamped(True)
    model.printToXML(str(path))
    tree = read_model(path)
    n = tree.free_names.index("a")
    assert (tree.lower[n], tree.upper[n]) == pytest.approx((-0.4, 0.4))


def test_a_locked_coordinate_is_a_number(tmp_path: Path):
    model, path = chain(tmp_path, [simple("FreeJoint"), simple("PinJoint"), simple("PinJoint")])
    coordinate = model.getJointSet().get(1).get_coordinates(0)
    coordinate.setDefaultValue(0.7)
    coordinate.setDefaultLocked(True)
    model.printToXML(str(path))
    tree, truth = read_model(path), Truth(model)
    m, free = machine(tree), random_poses(read_model(path), 1)[0]
    assert len(tree.free) == len(tree.coordinates) - 1
    values, rates = forward.all_coordinates(m, free)
    assert values[tree.locked] == pytest.approx([0.7])
    assert not rates[tree.locked].any()
    np.testing.assert_allclose(forward.markers_m(m, free), truth.markers_m(values), atol=1e-12)


def test_what_is_not_handled_is_told(tmp_path: Path):
    with pytest.raises(ModelError, match="itself follows a curve"):
        read_model(a_model(tmp_path, spline(*CURVE), spline(*CURVE))[1])
    sizes = opensim.Vec3(0.1, 0.2, 0.3)
    _, path = chain(tmp_path, [lambda *ends: opensim.EllipsoidJoint(*ends, sizes)])
    with pytest.raises(ModelError, match="EllipsoidJoint"):
        read_model(path)
    with pytest.raises(ModelError, match="Sine"):
        read_model(chain(tmp_path, [custom(*_axes("a", opensim.Sine(1.0, 1.0, 0.0)))])[1])
