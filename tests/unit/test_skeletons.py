import pytest

from core import skeletons
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


def test_a_set_of_ones_own_is_known_by_its_name():
    names = ("Nose", "LHip", "RHip", "LKnee", "RKnee", "Tail")
    mine = skeletons.of_keypoints(names)
    assert skeletons.find(mine.name) == mine
    assert skeletons.named(mine.name).names == names
    assert mine.partner == (0, 2, 1, 4, 3, 5)
    assert (1, 3) in mine.bones
    assert skeletons.find("keypoints:Nose,Nose") is None
    assert skeletons.find("nothing") is None
    with pytest.raises(KeyError):
        skeletons.named("nothing")


def test_a_known_list_of_keypoints_is_the_known_set():
    assert skeletons.of_keypoints(HALPE_26.names) is HALPE_26


@pytest.mark.parametrize(
    ("names", "says"),
    [((), "0 keypoints"), (("A", "A"), "twice"), (("A,B",), "no names"), (("LKnee ",), "no names")],
)
def test_what_no_keypoint_set_can_be(names, says):
    with pytest.raises(ConfigError, match=says):
        skeletons.of_keypoints(names)
