import pytest

from core.coordinate_table import CAUTIONS, GROUPS, describe


@pytest.mark.parametrize(
    ("name", "group", "title", "side", "unit"),
    [
        ("knee_angle_r", "Knee", "Knee flexion", "right", "°"),
        ("hip_flexion_l", "Hip", "Hip flexion", "left", "°"),
        ("pelvis_ty", "Position", "Pelvis height", "", "m"),
        ("L5_S1_Flex_Ext", "Trunk", "Lumbar flexion", "", "°"),
        ("knee_angle_r_beta", "Other", "knee angle beta", "right", "°"),
        ("something", "Other", "something", "", "°"),
    ],
)
def test_names_in_plain_words(name, group, title, side, unit):
    found = describe(name)
    assert (found.group, found.title, found.side, found.unit) == (group, title, side, unit)


def test_groups_are_known():
    assert set(CAUTIONS) < set(GROUPS)
    assert describe("anything").group in GROUPS


def test_says_why_a_coordinate_is_not_seen():
    assert "axis" in describe("pro_sup_l").unseen
    assert describe("hip_rotation_r").unseen
