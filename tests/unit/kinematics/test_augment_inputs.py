import numpy as np
import pytest

from core import synthetic
from core.kinematics import augment_inputs
from core.kinematics.augment_inputs import HALVES, INPUTS, LOWER, MARKERS, PARENT, UPPER
from core.skeletons import HALPE_26, SKELETONS

TOES = ("RSmallToe", "LSmallToe")
DERIVED = {
    "HALPE_26": (),
    "COCO_133": ("Hip", "Neck"),
    "COCO_133_WRIST": ("Hip", "Neck"),
    "BODY_25B": ("Hip",),
    "BODY_25": ("Hip",),
    "BODY_135": ("Hip",),
    "HALPE_136": (),
    "BLAZEPOSE": ("Hip", "Neck", *TOES),
    "COCO_17": ("Hip", "Neck"),
}


def test_there_are_twenty_inputs_and_43_markers():
    assert len(INPUTS) == 20
    assert (len(LOWER.gives), len(UPPER.gives), len(set(MARKERS))) == (35, 8, 43)
    assert all(name.endswith("_study") for name in MARKERS)
    assert (PARENT[1:] < np.arange(1, 20)).all()


@pytest.mark.parametrize("name", DERIVED)
def test_sets_are_used_by_name(name):
    source = augment_inputs.source_of_set(name)
    assert source.derived == DERIVED[name]
    lacking = [source.lacking_for(half) for half in HALVES]
    feet = tuple(f"{side}{part}" for part in ("Heel", "SmallToe", "BigToe") for side in "RL")
    assert lacking == [feet if name == "COCO_17" else (), ()]


def test_places_are_those_of_the_set():
    for skeleton in SKELETONS.values():
        points_m = np.arange(len(skeleton.names) * 3, dtype=float).reshape(-1, 3)
        inputs = augment_inputs.gather(augment_inputs.source_of_set(skeleton.name), points_m)
        for number, name in enumerate(INPUTS):
            if name in skeleton.names:
                np.testing.assert_array_equal(inputs[number], points_m[skeleton.index(name)])


def without(*names: str) -> np.ndarray:
    """Inputs (20, 3) of a stride, derived from a set that lacks some names."""
    kept = [name for name in HALPE_26.names if name not in names]
    points_m = synthetic.walk_m(10)[-1][[HALPE_26.index(name) for name in kept]]
    return augment_inputs.gather(augment_inputs.source_of(kept), points_m)


def test_midpoints_are_midpoints():
    inputs = without("Hip", "Neck")
    for name, part in (("Hip", "Hip"), ("Neck", "Shoulder")):
        ends = [inputs[INPUTS.index(side + part)] for side in "RL"]
        np.testing.assert_allclose(inputs[INPUTS.index(name)], np.mean(ends, axis=0))


def test_a_small_toe_is_derived_to_a_centimetre_or_so():
    far_mm = 1e3 * np.linalg.norm(without(*TOES) - without(), axis=1)
    print({name: round(float(far_mm[INPUTS.index(name)]), 1) for name in TOES})
    assert (far_mm <= np.where(np.isin(INPUTS, TOES), 20, 0)).all()


def test_a_foot_without_extent_gives_no_small_toe():
    source = augment_inputs.source_of_set("BLAZEPOSE")
    inputs = augment_inputs.gather(source, np.zeros((33, 3)))
    assert np.isnan(inputs[INPUTS.index("RSmallToe")]).all()


def test_what_cannot_be_derived_is_said():
    source = augment_inputs.source_of(["RHip", "LHip", "RShoulder", "LShoulder", "RWrist"])
    assert source.lacking_for(UPPER) == ("RElbow", "LElbow", "LWrist")
    assert set(TOES) <= set(source.lacking_for(LOWER))
    assert augment_inputs.source_of(["RHip"]).lacking_for(UPPER)[0] == "Hip"


def test_small_toes_that_are_never_given_count_as_not_in_the_set():
    names = SKELETONS["HALPE_26"].names
    points_m = np.random.default_rng(0).normal(size=(5, 26, 3))
    assert augment_inputs.given(names, points_m) == names
    points_m[:, [names.index("LSmallToe"), names.index("RSmallToe")]] = np.nan
    source = augment_inputs.source_of(augment_inputs.given(names, points_m))
    assert source.derived == ("RSmallToe", "LSmallToe")
    assert np.isfinite(augment_inputs.gather(source, points_m)).all()
