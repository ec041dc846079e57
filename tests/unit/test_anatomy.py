"""The process noise of each keypoint follows from its name, in every keypoint set."""

import numpy as np
import pytest

from core import anatomy
from core.skeletons import SKELETONS

FUSABLE = [name for name in SKELETONS if not anatomy.objection(name)]


@pytest.mark.parametrize("name", FUSABLE)
def test_every_keypoint_has_its_agility(name):
    parts = anatomy.anatomy_of(name)
    assert parts.agility.shape == (parts.n_keypoints,)
    assert (parts.agility > 0).all()
    np.testing.assert_array_equal(parts.agility, parts.agility[parts.partner])


def test_limbs_are_swung_and_the_trunk_is_not():
    assert anatomy.agility("LHip") < anatomy.agility("RKnee") < anatomy.agility("RWrist")
    assert anatomy.agility("RIndex4") == anatomy.agility("LIndex")
    assert anatomy.agility("Tail") == 1.0
