"""Who is who in a whole recording, and who of them is a subject."""

import msgspec
import numpy as np
import pytest

from core import offline, offline_people, offline_subjects, process_config, synthetic
from core import synthetic_scenes as scenes
from core.cameras import Rig, project
from core.config import FusionConfig
from core.errors import ConfigError
from core.messages import Keypoints2D, Person2D, view
from core.offline_people import Pictures
from core.offline_subjects import Subjects
from core.skeletons import HALPE_26, SKELETONS
from core.synthetic_scenes import Faults

RIG = synthetic.ring(4, radius_m=5.0)
FUSION = FusionConfig()
RATE_HZ = 60.0
NEAR = Faults(noise_px=1.0)


def pictures_of(messages: list[Keypoints2D], rig: Rig = RIG) -> Pictures:
    people = {
        (one.frame, rig.index(one.camera)): [keypoints(person) for person in one.persons]
        for one in messages
    }
    rows = {(one.camera, one.frame): one.frame for one in messages}
    frames = np.arange(1 + max(one.frame for one in messages))
    return Pictures(rig, HALPE_26, RATE_HZ, frames, people, messages, rows)


def keypoints(person: Person2D) -> np.ndarray:
    points_px = view(person, "keypoints_px").astype(np.float64)
    return np.column_stack([points_px, view(person, "confidence").astype(np.float64)])


def found(pictures: Pictures, *assignments: str) -> Subjects:
    return offline_subjects.find(pictures, FUSION, process_config.build({}, assignments))


def truth_of(pictures: Pictures, truth_m: np.ndarray, seen: tuple[int, int, int]) -> int:
    """Who (of P) a detection really is."""
    row, camera, place = seen
    expected_px = project(pictures.rig, truth_m[:, row])[camera]
    away_px = np.linalg.norm(expected_px - pictures.people[seen[:2]][place][:, :2], axis=-1)
    return int(np.nanmedian(away_px, axis=1).argmin())


def without(messages: list[Keypoints2D], who: int, truth_m: np.ndarray, keep) -> list[Keypoints2D]:
    """One person only where ``keep(camera, frame)``."""
    pictures = pictures_of(messages)
    kept = []
    for one in messages:
        camera = RIG.index(one.camera)
        people = tuple(
            person
            for place, person in enumerate(one.persons)
            if keep(camera, one.frame)
            or truth_of(pictures, truth_m, (one.frame, camera, place)) != who
        )
        kept.append(msgspec.structs.replace(one, persons=people))
    return kept


@pytest.fixture(scope="module")
def two() -> tuple[np.ndarray, list[Keypoints2D]]:
    truth_m = scenes.crossing_m(2, 90)
    return truth_m, scenes.seen(RIG, truth_m, NEAR)


@pytest.mark.parametrize("occlusion", [False, True])
def test_every_detection_goes_to_the_one_it_is_of(occlusion):
    truth_m = scenes.crossing_m(3, 240)
    faults = Faults(noise_px=2.0, outlier_share=0.03, missing_share=0.03, occlusion=occlusion)
    pictures = pictures_of(scenes.seen(RIG, truth_m, faults))
    tracks = offline_people.associate(pictures, FUSION)
    owners = [{truth_of(pictures, truth_m, seen) for seen in one.detections()} for one in tracks]
    assert sorted(owners, key=min) == [{0}, {1}, {2}]
    given = [seen for one in tracks for seen in one.detections()]
    there = sum(len(one) for one in pictures.people.values())
    print(f"{len(given)} of {there} detections given")
    assert len(given) == len(set(given)) >= 0.99 * there


def test_the_first_pictures_are_given_too():
    """Two cameras: live, somebody is believed at the second sight only."""
    rig = synthetic.ring(2, radius_m=5.0)
    pictures = pictures_of(scenes.seen(rig, scenes.crossing_m(2, 60), NEAR), rig)
    tracks = offline_people.associate(pictures, FUSION)
    assert [min(one.sightings) for one in tracks] == [0, 0]
    assert [len(one.sightings) for one in tracks] == [60, 60]


def test_who_comes_later_has_the_higher_number(two):
    truth_m, messages = two
    pictures = pictures_of(without(messages, 0, truth_m, lambda _, frame: frame >= 30))
    subjects = found(pictures)
    assert list(subjects.recordings) == [1, 2]
    assert [one.frames[0] for one in subjects.recordings.values()] == [0, 30]
    assert len(subjects.recordings[2].frames) == len(subjects.recordings[2].points_px) == 60


def test_a_fragment_is_left_out_and_named(two):
    truth_m, messages = two
    pictures = pictures_of(without(messages, 1, truth_m, lambda _, frame: 20 <= frame < 32))
    subjects = found(pictures)
    assert list(subjects.recordings) == [1]
    (note,) = subjects.notes
    assert note == (
        "left out: somebody in 12 of frames 20-31: seen for 0.20 s (association.min_seconds=0.5)"
    )
    assert list(found(pictures, "association.min_seconds=0.1").recordings) == [1, 2]


def test_who_is_only_half_seen_is_a_bystander(two):
    truth_m, messages = two
    pictures = pictures_of(messages)
    shoulder = HALPE_26.index("RShoulder")
    for one in messages:
        where = one.frame, RIG.index(one.camera)
        for place, person in enumerate(pictures.people[where]):
            if truth_of(pictures, truth_m, (*where, place)) == 1:
                person[shoulder] = np.nan, np.nan, 0.0
    hidden = [
        msgspec.structs.replace(
            one,
            persons=tuple(
                Person2D(0, each[:, :2].astype("<f4").tobytes(), each[:, 2].astype("<f4").tobytes())
                for each in pictures.people[one.frame, RIG.index(one.camera)]
            ),
        )
        for one in messages
    ]
    subjects = found(pictures_of(hidden))
    assert len(subjects.recordings) == 1
    assert "shoulders and hips known together in 0% of them" in subjects.notes[0]
    assert len(found(pictures_of(hidden), "association.min_trunk=0").recordings) == 2


def test_what_grows_into_a_giant_is_no_person(two):
    truth_m, _ = two
    size = np.interp(np.arange(90), [0, 30], [1.0, 1.7])[:, None, None]
    middle_m = truth_m[1].mean(axis=1, keepdims=True)
    grown_m = np.stack([truth_m[0], middle_m + size * (truth_m[1] - middle_m)])
    pictures = pictures_of(scenes.seen(RIG, grown_m, NEAR))
    subjects = found(pictures)
    assert len(subjects.recordings) == 1
    assert "the proportions of a body in" in subjects.notes[0]


def test_the_main_person_is_the_one_most_seen_not_the_first(two):
    truth_m, messages = two
    late = without(messages, 0, truth_m, lambda _, frame: frame >= 10)
    pictures = pictures_of(without(late, 1, truth_m, lambda camera, _: camera < 2))
    assert list(found(pictures).recordings) == [1, 2]
    main = found(pictures, "association.persons=main")
    assert list(main.recordings) == [2]
    assert "person 2 is seen most; not written: person 1 (5" in main.notes[-1]


def test_only_the_people_asked_for(two):
    pictures = pictures_of(two[1])
    assert list(found(pictures, "association.subjects=[2]").recordings) == [2]
    with pytest.raises(ConfigError, match="no person 3; found: 1, 2"):
        found(pictures, "association.subjects=[1, 3]")


def test_without_association_the_surest_are_taken_and_it_is_said(two):
    pictures = pictures_of(two[1])
    subjects = found(pictures, "association.enabled=false")
    np.testing.assert_array_equal(subjects.recordings[1].points_px, pictures.surest().points_px)
    assert "association is off" in subjects.notes[0]


def test_one_person_a_picture_loses_no_detection():
    """Even one that association would not take: it may be the calibration that is off."""
    messages = scenes.seen(RIG, scenes.crossing_m(1, 60), NEAR)
    pictures = pictures_of(messages)
    pictures.people[7, 2][0][:, :2] += 300.0
    subjects = found(pictures)
    assert subjects.notes == ()
    np.testing.assert_array_equal(subjects.recordings[1].points_px, pictures.surest().points_px)


def test_cameras_that_look_at_different_people_are_told_apart(two):
    truth_m, messages = two
    messages = without(messages, 0, truth_m, lambda camera, _: camera < 2)
    messages = without(messages, 1, truth_m, lambda camera, _: camera >= 2)
    pictures = pictures_of(messages)
    assert not pictures.is_crowded
    subjects = found(pictures)
    assert "taken for different people" in subjects.notes[0]
    errors_m = []
    for one in subjects.recordings.values():
        points_m = offline.triangulate_all(one, process_config.build({}).triangulation).points_m
        away_m = np.linalg.norm(points_m - truth_m[:, one.frames], axis=-1)
        errors_m.append(np.nanmedian(away_m, axis=(1, 2)).min())
    assert len(errors_m) == 2
    assert max(errors_m) < 0.02


def test_keypoints_that_cannot_be_fused_are_not_told_apart():
    hand = SKELETONS["HAND_21"]
    people = {(0, camera): [np.full((21, 3), 0.5)] * 2 for camera in range(4)}
    pictures = Pictures(RIG, hand, RATE_HZ, np.arange(1), people, [], {})
    (note,) = found(pictures).notes
    assert "association is off" in note
    assert "HAND_21" in note
    with pytest.raises(ConfigError, match=r"association\.enabled=true: keypoint set 'HAND_21'"):
        found(pictures, "association.enabled=true")
