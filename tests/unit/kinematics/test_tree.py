"""The body model as arrays against OpenSim's own forward kinematics."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.kinematics import forward, tree
from core.kinematics.machine import machine
from core.kinematics.tree import Tree
from tests.unit.kinematics.bodies import (
    MARKER_SETS,
    MODELS,
    Truth,
    chain,
    custom,
    multiplied,
    published,
    random_poses,
    simple,
    spline,
)
from tools import model_files
from tools.opensim_model import open_model, read_model
from tools.quiet_opensim import opensim

PLAIN_JOINTS = (
    "FreeJoint", "PinJoint", "UniversalJoint", "BallJoint", "SliderJoint", "GimbalJoint",
    "PlanarJoint", "WeldJoint",
)  # fmt: skip
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
OBLIQUE = (0.6, 0.0, 1.4)


def worst_m(ours: Tree, truth: Truth, n_poses: int) -> float:
    m, worst = machine(ours), 0.0
    for free in random_poses(ours, n_poses):
        values, _ = forward.all_coordinates(m, free)
        off_m = forward.markers_m(m, free) - truth.markers_m(values)
        worst = max(worst, float(np.abs(off_m).max()))
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("osim", MODELS)
@pytest.mark.parametrize("markers", MARKER_SETS)
def test_markers_are_where_opensim_has_them(osim: str, markers: str):
    model, set_ = published(osim), published(markers)
    truth = Truth(open_model(model, set_))
    off_m = worst_m(read_model(model, set_), truth, 200)
    print(f"{osim}, {markers}: {off_m:.1e} m")
    assert off_m < 1e-12


@pytest.mark.parametrize("kind", PLAIN_JOINTS)
def test_plain_joints_are_opensims(kind: str, tmp_path: Path):
    model, path = chain(tmp_path, [simple(kind), simple("PinJoint"), simple(kind)])
    assert worst_m(read_model(path), Truth(model), 20) < 1e-12


def test_functions_of_custom_joints_are_opensims(tmp_path: Path):
    polynomial = opensim.PolynomialFunction(opensim.Vector.createFromMat(np.array([0.3, -1, 0.2])))
    points = ((-1.0, 0.0), (0.0, 0.3), (0.7, -0.2), (2.0, 0.5))
    line, still = opensim.LinearFunction(0.7, 0.2), opensim.Constant(0.3)
    joint = custom(
        ("a", OBLIQUE, line),
        ("a", Y, polynomial),
        ("", (0.0, 0.2, 0.4), still),
        ("b", X, multiplied(spline(*points), 1.7)),
        ("b", (0.0, 2.0, 0.5), spline(*points)),
        ("", Z, multiplied(opensim.Constant(0.2), 2.0)),
    )
    model, path = chain(tmp_path, [joint, simple("PinJoint")])
    assert worst_m(read_model(path), Truth(model), 50) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("osim", MODELS)
def test_the_jacobian_is_the_derivative(osim: str):
    ours = read_model(published(osim), published(MARKER_SETS[1]))
    m, step = machine(ours), 1e-6
    for free in random_poses(ours, 10):
        nudges = step * np.eye(len(free))
        ahead, behind = forward.markers_m(m, free + nudges), forward.markers_m(m, free - nudges)
        slope = np.moveaxis(ahead - behind, 0, -1) / (2 * step)  # (M, 3, N)
        np.testing.assert_allclose(forward.jacobian(m, free), slope, rtol=0, atol=1e-8)


def test_a_tree_survives_its_file(tmp_path: Path):
    _, path = chain(tmp_path, [simple("FreeJoint"), simple("PinJoint")])
    here, there = read_model(path), model_files.load(path)
    for name, value in tree.pack(here).items():
        np.testing.assert_array_equal(tree.pack(there)[name], value)
    with pytest.raises(ModelError, match="lacks free"):
        tree.unpack({name: value for name, value in tree.pack(here).items() if name != "free"})


def test_reading_leaves_no_log_and_brings_no_opensim(tmp_path: Path):
    _, path = chain(tmp_path, [simple("FreeJoint")])
    code = (
        "import sys; from pathlib import Path; from tools import model_files\n"
        f"model_files.load(Path({str(path)!r})); assert 'opensim' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path.cwd(), check=False)
    assert done.returncode == 0
    assert not (Path.cwd() / "opensim.log").exists()


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(ModelError, match="no such file"):
        model_files.load(tmp_path / "nothing.osim")
    (tmp_path / "bad.osim").write_text("<OpenSimDocument")
    with pytest.raises(ModelError, match="OpenSim cannot use it"):
        model_files.load(tmp_path / "bad.osim")
