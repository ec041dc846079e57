"""Several people: found, told apart, followed through crossings, lost and found again."""

import numpy as np
import pytest

from core import associate, bodies, fusion, synthetic, synthetic_scenes
from core.anatomy import anatomy_of
from core.associate import Detections
from core.cameras import project, undistort
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.synthetic_scenes import Faults

CONFIG = FusionConfig()
HALPE = anatomy_of("HALPE_26")
FAR_M = 0.5


def run(rig, messages: list[Keypoints2D]) -> list[Pose3D]:
    state, poses = fusion.FusionState(), []
    for message in messages:
        state, done = fusion.step(state, message, rig, CONFIG)
        poses += done
    return poses


class Score:
    """Poses against the truth (P, T, J, 3): who was taken for whom, and how far off."""

    def __init__(self, poses: list[Pose3D], truth_m: np.ndarray) -> None:
        self.switches, self.strangers, self.missing = 0, 0, 0
        self.error_m: list[float] = []
        self.worst_m = 0.0
        who_is: dict[int, int] = {}
        for pose in poses:
            there = truth_m[:, pose.frames[0]]
            met = set()
            for person in pose.persons:
                points_m = view(person, "keypoints_m")
                away = np.nanmean(np.linalg.norm(points_m - there, axis=-1), axis=1)
                who = int(np.argmin(away))
                if away[who] > FAR_M:
                    self.strangers += 1
                    continue
                met.add(who)
                self.switches += who_is.setdefault(who, person.id) != person.id
                who_is[who] = person.id
                self.error_m.append(float(away[who]))
            self.missing += len(truth_m) - len(met)


@pytest.mark.parametrize(("n_cameras", "n_people"), [(2, 1), (2, 2), (3, 2), (4, 3), (8, 4)])
def test_everybody_is_found_and_nobody_is_taken_for_somebody_else(n_cameras, n_people):
    rig = synthetic.ring(n_cameras, radius_m=5.0)
    truth_m = synthetic_scenes.crossing_m(n_people, 240)
    messages = synthetic_scenes.seen(rig, truth_m, Faults(noise_px=2.0))
    score = Score(run(rig, messages), truth_m)
    assert (score.switches, score.strangers) == (0, 0)
    assert score.missing <= n_people  # two cameras need a second look to believe it


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_people_cross_for_a_minute_without_a_switch():
    """Who stands behind somebody is not seen; noise, outliers and gaps on top."""
    rig = synthetic.ring(4, radius_m=5.0)
    truth_m = synthetic_scenes.crossing_m(3, 900, rate_hz=15.0)
    faults = Faults(noise_px=2.0, outlier_share=0.05, missing_share=0.05, occlusion=True)
    poses = run(rig, synthetic_scenes.seen(rig, truth_m, faults, rate_hz=15.0))
    score = Score(poses, truth_m)
    print(f"{len(poses)} instants, {score.switches} switches, mean {np.mean(score.error_m):.4f} m")
    assert (score.switches, score.strangers) == (0, 0)


def test_left_and_right_are_put_right_for_each_person():
    rig = synthetic.ring(4, radius_m=5.0)
    truth_m = synthetic_scenes.crossing_m(2, 120)
    poses = run(rig, synthetic_scenes.seen(rig, truth_m, Faults(swap_share=0.1)))
    swapped = sum(bin(person.swapped).count("1") for pose in poses for person in pose.persons)
    assert 50 < swapped < 150  # of 960 detections
    score = Score(poses, truth_m)
    assert np.mean(score.error_m) < 0.02


def test_each_detection_is_used_once():
    rig = synthetic.ring(4, radius_m=5.0)
    truth_m = synthetic_scenes.crossing_m(3, 60)
    for pose in run(rig, synthetic_scenes.seen(rig, truth_m, Faults(noise_px=2.0))):
        for camera in range(len(pose.cameras)):
            used = [person.detections[camera] for person in pose.persons]
            used = [place for place in used if place >= 0]
            assert len(used) == len(set(used))


def test_a_second_person_gets_an_id_of_its_own_and_keeps_the_first():
    rig = synthetic.ring(4, radius_m=5.0)
    truth_m = synthetic_scenes.crossing_m(2, 90)
    alone = synthetic_scenes.seen(rig, truth_m[:1], Faults())
    both = synthetic_scenes.seen(rig, truth_m, Faults())
    messages = [a if a.frame < 40 else b for a, b in zip(alone, both, strict=True)]
    poses = run(rig, messages)
    assert [person.id for person in poses[30].persons] == [1]
    assert [person.id for person in poses[-1].persons] == [1, 2]


def detections(rig, points_m: np.ndarray) -> Detections:
    """All people (P, J, 3) in all cameras, camera by camera."""
    pixels = project(rig, points_m)  # (C, P, J, 2)
    n_cameras, n_people = pixels.shape[:2]
    camera = np.repeat(np.arange(n_cameras), n_people)
    flat = pixels.reshape(-1, *pixels.shape[2:])
    ideal = undistort(rig.image_from_cam[camera], rig.distortion[camera], flat)
    return Detections(camera, ideal, np.full(flat.shape[:2], 0.9), HALPE)


def test_rays_of_one_person_meet_and_of_two_do_not():
    rig = synthetic.ring(4, radius_m=5.0)
    two = np.stack([synthetic.standing_m(), synthetic.standing_m() + [0.0, 0.8, 0.0]])
    seen = detections(rig, two)
    between = associate.ray_distances_m(rig, seen)
    person = np.tile([0, 1], 4)
    same = person[:, None] == person[None]
    other_camera = seen.camera[:, None] != seen.camera[None]
    assert between[same & other_camera].max() < 1e-6
    assert between[~same & other_camera].min() > 0.03
    assert np.isinf(between[~other_camera]).all()


def test_cameras_that_face_each_other_are_compared_without_dividing_by_nothing():
    rig = synthetic.ring(2, radius_m=5.0)
    middle = np.repeat([[[0.0, 0.0, 1.2]]], 26, axis=1) + np.linspace(0, 0.3, 26)[:, None]
    between = associate.ray_distances_m(rig, detections(rig, middle))
    assert np.isfinite(between[0, 1])
    assert between[0, 1] < 0.05


def test_clusters_hold_one_detection_a_camera():
    rig = synthetic.ring(4, radius_m=5.0)
    three = np.stack([synthetic.standing_m() + [x, 0.0, 0.0] for x in (-0.9, 0.0, 0.9)])
    groups = associate.cluster(rig, detections(rig, three), 0.1)
    assert len(groups) == 3
    for group in groups:
        assert [int(member) % 3 for member in group] == [int(group[0]) % 3] * 4


def test_nothing_to_claim_is_no_trouble():
    assert associate.claim(np.empty((0, 2)), np.empty(0, int), 0.3).size == 0
    assert associate.claim(np.empty((3, 0)), np.array([0, 1, 2]), 0.3).tolist() == [-1] * 3


def test_a_person_is_a_body_and_a_post_is_not():
    standing = synthetic.standing_m()
    assert bodies.is_plausible(standing, HALPE)
    assert bodies.stature_m(standing, HALPE) == pytest.approx(1.7, abs=0.15)
    assert bodies.is_plausible(0.6 * standing, HALPE)  # a child
    assert not bodies.is_plausible(8.0 / 1.75 * standing, HALPE)
    assert not bodies.is_plausible(0.2 * standing, HALPE)
    post = np.zeros((26, 3))
    post[:, 2] = np.random.default_rng(0).uniform(0, 2, 26)
    assert not bodies.is_plausible(post, HALPE)
    assert not bodies.is_plausible(np.full((26, 3), np.nan), HALPE)


def test_who_lies_down_is_still_a_person():
    turned = synthetic.standing_m() @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    assert bodies.is_plausible(turned, HALPE)
