import numpy as np

from core import angles, fusion, synthetic
from core.config import FusionConfig
from core.messages import view
from core.skeletons import HALPE_26


def bend_deg(points):
    return dict(zip(angles.COORDINATES, np.degrees(angles.bend_rad(points)), strict=True))


def test_a_straight_limb_has_angle_zero():
    points = synthetic.standing_m()
    for name, z in (("RHip", 0.9), ("RKnee", 0.5), ("RAnkle", 0.1)):
        points[HALPE_26.index(name)] = (0.0, -0.1, z)
    assert bend_deg(points)["knee_flexion_r"] == 0


def test_a_right_angle_is_ninety_degrees():
    points = synthetic.standing_m()
    points[HALPE_26.index("LAnkle")] = points[HALPE_26.index("LKnee")] + [-0.4, 0, 0]
    points[HALPE_26.index("LHip")] = points[HALPE_26.index("LKnee")] + [0, 0, 0.4]
    np.testing.assert_allclose(bend_deg(points)["knee_flexion_l"], 90)


def test_a_missing_keypoint_makes_its_angles_missing():
    points = synthetic.standing_m()
    points[HALPE_26.index("RWrist")] = np.nan
    found = bend_deg(points)
    assert np.isnan(found["elbow_flexion_r"])
    assert np.isfinite(found["elbow_flexion_l"])


def test_each_person_of_an_instant_gets_its_angles():
    rig, state, poses = synthetic.ring(4), fusion.FusionState(), []
    for message in synthetic.seen(rig, synthetic.walk_m(1)):
        state, poses = fusion.step(state, message, rig, FusionConfig())
    found = angles.step(poses[0])
    assert found.t_ns == poses[0].t_ns
    assert [person.id for person in found.persons] == [1]
    assert view(found.persons[0], "angle_rad").shape == (len(angles.COORDINATES),)
