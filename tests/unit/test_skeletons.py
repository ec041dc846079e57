import pytest

from core.errors import ConfigError
from core.skeletons import HALPE_26, SKELETONS, of_pose_model

N_MARKERS = {
    "HALPE_26": 22, "HALPE_26_LOWER": 13, "COCO_133": 131, "COCO_133_WRIST": 27, "COCO_17": 13,
    "HAND_21": 21, "FACE_106": 96, "ANIMAL2D_17": 17, "BODY_25B": 21, "BODY_25": 21,
    "BODY_135": 27, "BLAZEPOSE": 25, "HALPE_68": 27, "HALPE_136": 27, "COCO": 14, "MPII": 15,
}  # fmt: skip
BODY_25B_MARKERS = """RHip RKnee RAnkle RBigToe RSmallToe RHeel LHip LKnee LAnkle LBigToe
    LSmallToe LHeel Neck Head Nose RShoulder RElbow RWrist LShoulder LElbow LWrist"""


def test_all_keypoint_models_have_as_many_markers_as_pose2sim_triangulates():
    assert {one.name: len(one.markers) for one in SKELETONS.values()} == N_MARKERS


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda one: one.name)
def test_a_skeleton_holds_together(skeleton):
    n = len(skeleton.names)
    assert len(set(skeleton.names)) == n
    assert len(set(skeleton.marker_places)) == len(skeleton.markers)
    assert [skeleton.partner[other] for other in skeleton.partner] == list(range(n))
    assert all(a != b and max(a, b) < n for a, b in skeleton.bones)


def test_body_25b_is_in_the_order_of_its_trc():
    skeleton = SKELETONS["BODY_25B"]
    assert skeleton.markers == tuple(BODY_25B_MARKERS.split())
    assert skeleton.marker_places == [
        12, 14, 16, 22, 23, 24, 11, 13, 15, 19, 20, 21, 17, 18, 0, 6, 8, 10, 5, 7, 9
    ]  # fmt: skip
    assert skeleton.names[1:5] == ("LEye", "REye", "LEar", "REar")
    assert skeleton.partner[22] == 19


def test_ranges_are_numbered_through():
    skeleton = SKELETONS["COCO_133"]
    assert skeleton.names[23] == "Jaw1"
    assert skeleton.names[90] == "Mouth20"
    assert skeleton.names[91] == "Keypoint91"
    assert skeleton.index("RPinky4") == 132


@pytest.mark.parametrize("name", ["Body_with_feet", "HALPE_26", "body_with_feet"])
def test_pose_models_have_two_names(name):
    assert of_pose_model(name) is HALPE_26


def test_an_unknown_pose_model_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'CUSTOM' is not known.*Body_with_feet.*BODY_25B"):
        of_pose_model("CUSTOM")
