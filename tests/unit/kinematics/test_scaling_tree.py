"""A scaled tree against a model that OpenSim scaled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ModelError
from core.kinematics import forward
from core.kinematics.machine import machine
from core.kinematics.scaling_tree import scale
from core.kinematics.tree import Tree
from tests.unit.kinematics.bodies import (
    MARKER_SETS,
    MODELS,
    Truth,
    chain,
    custom,
    published,
    random_poses,
    simple,
    spline,
)
from tools.opensim_model import open_model, read_model
from tools.quiet_opensim import opensim

Factors = dict[str, list[float]]


def opensim_scaled(model: Any, factors: Factors) -> Any:
    """The model after OpenSim's own scaling with given factors."""
    scales = opensim.ScaleSet()
    for body, values in factors.items():
        one = opensim.Scale()
        one.setSegmentName(body)
        one.setScaleFactors(opensim.Vec3(*values))
        one.setApply(True)
        scales.cloneAndAppend(one)
    assert model.scale(model.initSystem(), scales, False)
    return model


def random_factors(tree: Tree, seed: int) -> Factors:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.7, 1.4, 3).tolist() for name in tree.bodies[1:]}


def worst_m(scaled: Tree, truth: Truth, n_poses: int) -> float:
    m, worst = machine(scaled), 0.0
    for free in random_poses(scaled, n_poses):
        values, _ = forward.all_coordinates(m, free)
        off_m = forward.markers_m(m, free) - truth.markers_m(values)
        worst = max(worst, float(np.abs(off_m).max()))
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("osim", MODELS)
def test_the_shipped_models_scale_as_in_opensim(osim: str):
    model, markers = published(osim), published(MARKER_SETS[1])
    tree = read_model(model, markers)
    for seed in range(3):
        factors = random_factors(tree, seed)
        truth = Truth(opensim_scaled(open_model(model, markers), factors))
        assert worst_m(scale(tree, factors), truth, 30) < 1e-12


def test_oblique_and_backward_axes_scale_as_in_opensim(tmp_path: Path):
    line, curve = opensim.LinearFunction(0.7, 0.2), spline((-1.0, 0.0), (0.5, 0.3), (2.0, -0.2))
    joint = custom(
        ("a", (1.0, 0.0, 0.0), opensim.LinearFunction(1.0, 0.0)),
        ("", (0.0, 1.0, 0.0), opensim.Constant(0.0)),
        ("", (0.0, 0.0, 1.0), opensim.Constant(0.1)),
        ("b", (0.6, 0.0, 1.4), line),
        ("b", (0.0, -1.0, 0.0), curve),
        ("", (1.0, -0.5, 0.0), opensim.Constant(0.2)),
    )
    builders = [simple("FreeJoint"), joint, simple("SliderJoint"), simple("PinJoint")]
    model, path = chain(tmp_path, builders)
    tree = read_model(path)
    factors = random_factors(tree, 1)
    del factors["body2"]
    assert worst_m(scale(tree, factors), Truth(opensim_scaled(model, factors)), 20) < 1e-12
    once = read_model(path)
    assert np.array_equal(tree.axis_scale, once.axis_scale), "the argument was written into"


def test_wrong_factors_are_refused(tmp_path: Path):
    tree = read_model(chain(tmp_path, [simple("FreeJoint")])[1])
    with pytest.raises(ModelError, match="no body tail"):
        scale(tree, {"tail": [1.0, 1.0, 1.0]})
    with pytest.raises(ModelError, match="three positive"):
        scale(tree, {"body0": [1.0, -1.0, 1.0]})
