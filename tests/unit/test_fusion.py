"""The fusion step against a synthetic truth."""

import itertools
import tracemalloc

import msgspec
import numpy as np
import pytest

from core import fusion, synthetic
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Keypoints2D, Person2D, Pose3D, view
from core.skeletons import HALPE_26, SKELETONS

CONFIG = FusionConfig()
RIG = synthetic.ring(4)
WALK_M = synthetic.walk_m(90)


def run(messages: list[Keypoints2D], rig=RIG, config=CONFIG) -> tuple[FusionState, list[Pose3D]]:
    state, poses = FusionState(), []
    for message in messages:
        state, done = fusion.step(state, message, rig, config)
        poses += done
    return state, poses


def stacked(poses: list[Pose3D], field: str) -> np.ndarray:
    return np.stack([view(pose.persons[0], field) for pose in poses])


def error_mm(poses: list[Pose3D], field: str = "measured_m") -> np.ndarray:
    return np.linalg.norm(stacked(poses, field) - WALK_M[: len(poses)], axis=-1) * 1e3


def test_without_noise_the_walker_is_exact():
    _, poses = run(synthetic.seen(RIG, WALK_M))
    assert len(poses) == len(WALK_M)
    assert error_mm(poses).max() < 0.01


@pytest.mark.parametrize("n_cameras", [4, 8])
def test_with_noise_the_error_is_small_and_printed(n_cameras, record_property):
    rig = synthetic.ring(n_cameras)
    _, poses = run(synthetic.seen(rig, WALK_M, noise_px=2.0), rig)
    measured, filtered = error_mm(poses), error_mm(poses, "keypoints_m")[10:]
    record_property("measured_mm", float(measured.mean()))
    print(
        f"{n_cameras} cameras, 2 px noise: measured {measured.mean():.1f} mm mean, "
        f"filtered {filtered.mean():.1f} mm mean"
    )
    assert measured.mean() < 10
    assert filtered.mean() < measured.mean()


def test_stamps_are_capture_times_and_travel_along():
    messages = synthetic.seen(RIG, WALK_M)
    _, poses = run(messages)
    assert {pose.t_ns for pose in poses} == {message.t_ns for message in messages}
    assert poses[0].stamps["pose"] == messages[0].stamps["pose"]


def test_each_instant_names_what_was_consumed_for_it():
    messages = synthetic.seen(RIG, WALK_M[:10])
    _, poses = run(messages)
    told = [member for pose in poses for member in pose.consumed]
    assert told == [(message.camera, message.frame) for message in messages]
    assert poses[3].frames == (3, 3, 3, 3)


def test_the_same_input_gives_the_same_bits():
    messages = synthetic.seen(RIG, WALK_M, noise_px=3.0)
    assert run(messages)[1] == run(messages)[1]


@pytest.mark.parametrize(
    "config", [CONFIG, FusionConfig(motion_model="constant_acceleration")], ids=["cv", "ca"]
)
def test_a_frozen_state_goes_on_with_the_same_bits(config):
    messages = synthetic.seen(RIG, WALK_M, noise_px=3.0)
    half = len(messages) // 2
    state, first = run(messages[:half], config=config)
    state = fusion.thaw(fusion.freeze(state))
    second = []
    for message in messages[half:]:
        state, done = fusion.step(state, message, RIG, config)
        second += done
    assert first + second == run(messages, config=config)[1]


def exchanged(message: Keypoints2D) -> Keypoints2D:
    """The same picture with left and right taken for each other."""
    person = message.persons[0]
    swapped = view(person, "keypoints_px")[list(HALPE_26.partner)].tobytes()
    return msgspec.structs.replace(
        message, persons=(msgspec.structs.replace(person, keypoints_px=swapped),)
    )


@pytest.mark.parametrize("first_frame", [0, 30])
def test_left_and_right_are_put_right(first_frame):
    messages = [
        exchanged(m) if m.camera == "cam02" and m.frame >= first_frame else m
        for m in synthetic.seen(RIG, WALK_M)
    ]
    _, poses = run(messages)
    assert error_mm(poses).max() < 0.1
    assert all(pose.persons[0].swapped == 0b10 for pose in poses[first_frame:])


def test_a_dead_camera_does_not_stop_the_rest():
    messages = [m for m in synthetic.seen(RIG, WALK_M) if m.camera != "cam03" or m.frame < 20]
    _, poses = run(messages)
    assert len(poses) >= len(WALK_M) - 10
    assert error_mm(poses).max() < 0.01
    assert poses[-1].cameras == ("cam01", "cam02", "cam04")


def test_nobody_there_is_an_answer_too():
    empty = [msgspec.structs.replace(m, persons=()) for m in synthetic.seen(RIG, WALK_M[:5])]
    _, poses = run(empty)
    assert [pose.persons for pose in poses] == [()] * 5


def gone_between(first: int, last: int) -> list[Keypoints2D]:
    return [
        msgspec.structs.replace(m, persons=()) if first <= m.frame < last else m
        for m in synthetic.seen(RIG, WALK_M)
    ]


def test_a_short_absence_is_bridged_with_growing_uncertainty():
    _, poses = run(gone_between(30, 35))
    spread = [float(view(pose.persons[0], "covariance_m2")[0, 0]) for pose in poses[29:35]]
    assert all(before < after for before, after in itertools.pairwise(spread))
    assert {pose.persons[0].id for pose in poses} == {1}


def test_who_comes_back_soon_is_the_same_person():
    _, poses = run(gone_between(10, 80))
    assert poses[60].persons == ()
    assert poses[-1].persons[0].id == 1


def test_after_a_long_absence_it_is_somebody_else():
    config = FusionConfig(forget_after_ms=1000)
    _, poses = run(gone_between(10, 80), config=config)
    assert poses[60].persons == ()
    assert poses[9].persons[0].id == 1
    assert poses[-1].persons[0].id == 2


def test_a_cut_in_the_footage_is_followed_at_once():
    """The body jumps by metres: the filter begins again instead of sliding there."""
    jump = np.concatenate([WALK_M[:30], WALK_M[30:60] + np.array([0.9, 0.9, 0.0])])
    _, poses = run(synthetic.seen(RIG, jump))
    error = np.linalg.norm(stacked(poses, "keypoints_m") - jump, axis=-1)
    assert error[30].max() < 0.02


def test_a_keypoint_of_confidence_zero_is_missing_not_zero():
    def without_toes(message: Keypoints2D) -> Keypoints2D:
        confidence = view(message.persons[0], "confidence").copy()
        confidence[[22, 23]] = 0.0
        person = msgspec.structs.replace(message.persons[0], confidence=confidence.tobytes())
        return msgspec.structs.replace(message, persons=(person,))

    _, poses = run([without_toes(m) for m in synthetic.seen(RIG, WALK_M[:5])])
    assert np.isnan(stacked(poses, "keypoints_m")[:, 22:24]).all()
    assert (stacked(poses, "confidence")[:, 22:24] == 0).all()
    assert (stacked(poses, "n_views")[:, 22:24] == 0).all()


def test_pixels_whose_lens_cannot_be_undone_are_not_seen():
    def far_out(message: Keypoints2D) -> Keypoints2D:
        points_px = view(message.persons[0], "keypoints_px").copy()
        points_px[10] = 1e30
        person = msgspec.structs.replace(message.persons[0], keypoints_px=points_px.tobytes())
        return msgspec.structs.replace(message, persons=(person, person))

    _, poses = run([far_out(m) for m in synthetic.seen(RIG, WALK_M[:10])])
    assert (stacked(poses, "n_views")[:, 10] == 0).all()
    assert np.delete(error_mm(poses), 10, axis=1).max() < 0.01


def test_a_camera_that_is_not_in_the_rig_is_refused():
    stranger = msgspec.structs.replace(synthetic.seen(RIG, WALK_M[:1])[0], camera="cam99")
    with pytest.raises(ValueError, match="cam99: not in the rig"):
        fusion.step(FusionState(), stranger, RIG, CONFIG)


def test_the_end_of_a_recording_is_fused_too():
    messages = [m for m in synthetic.seen(RIG, WALK_M[:3]) if (m.camera, m.frame) != ("cam04", 2)]
    state, poses = run(messages)
    assert len(poses) == 2
    _, rest = fusion.finish(state, RIG, CONFIG)
    assert [pose.cameras for pose in rest] == [("cam01", "cam02", "cam03")]


def test_the_velocity_predicts_where_the_walker_will_be():
    """Fifty milliseconds ahead: far nearer than the place it was at."""
    _, poses = run(synthetic.seen(RIG, WALK_M, noise_px=2.0))
    now_m = stacked(poses, "keypoints_m")[20:-3]
    ahead_m = now_m + 0.05 * stacked(poses, "velocity_m_s")[20:-3]
    truth_m = WALK_M[23:]
    held = np.linalg.norm(now_m - truth_m, axis=-1).mean()
    predicted = np.linalg.norm(ahead_m - truth_m, axis=-1).mean()
    print(f"50 ms ahead: held {held * 1e3:.0f} mm, predicted {predicted * 1e3:.0f} mm")
    assert predicted < 0.5 * held


def test_memory_does_not_grow_with_the_instants():
    """The looks kept for cameras that may move have a limit of their own."""
    config = FusionConfig(mend_cameras=False)
    messages = synthetic.seen(RIG, synthetic.walk_m(60), noise_px=2.0)
    state = FusionState()

    def again(state: FusionState, rounds: int, first: int) -> FusionState:
        for turn in range(first, first + rounds):
            for message in messages:
                later = msgspec.structs.replace(
                    message, t_ns=message.t_ns + turn * 10**9, frame=message.frame + 60 * turn
                )
                state, _ = fusion.step(state, later, RIG, config)
        return state

    state = again(state, 10, 0)
    size = len(fusion.freeze(state))
    tracemalloc.start()
    state = again(state, 5, 10)
    before, _ = tracemalloc.get_traced_memory()
    state = again(state, 10, 15)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000
    assert len(fusion.freeze(state)) < size + 100


def of_set(message: Keypoints2D, skeleton: str) -> Keypoints2D:
    """The same keypoints in the order of another set; what HALPE_26 lacks is not seen."""
    names = SKELETONS[skeleton].names
    person = message.persons[0]
    points_px, confidence = view(person, "keypoints_px"), view(person, "confidence")
    here = [HALPE_26.names.index(name) if name in HALPE_26.names else -1 for name in names]
    there = np.array(here) >= 0
    moved = Person2D(
        id=person.id,
        keypoints_px=np.where(there[:, None], points_px[here], np.nan).astype("<f4").tobytes(),
        confidence=np.where(there, confidence[here], 0.0).astype("<f4").tobytes(),
    )
    return msgspec.structs.replace(message, skeleton=skeleton, persons=(moved,))


@pytest.mark.parametrize("skeleton", ["COCO_17", "BODY_25B", "BODY_25", "BLAZEPOSE", "COCO_133"])
def test_any_keypoint_set_with_limbs_is_fused(skeleton):
    messages = [of_set(one, skeleton) for one in synthetic.seen(RIG, WALK_M[:30])]
    _, poses = run(messages)
    found_m = view(poses[-1].persons[0], "measured_m")
    assert poses[-1].skeleton == skeleton
    for name in ("LKnee", "RWrist", "RAnkle"):
        truth_m = WALK_M[29, HALPE_26.index(name)]
        away_m = np.linalg.norm(found_m[SKELETONS[skeleton].index(name)] - truth_m)
        assert away_m < 1e-5


def test_what_cannot_be_fused_is_refused_with_the_reason():
    coco, halpe = of_set(synthetic.seen(RIG, WALK_M[:1])[0], "COCO_17"), synthetic.seen(RIG, WALK_M)
    assert "RElbow" in fusion.refusal(
        FusionState(), msgspec.structs.replace(coco, skeleton="HAND_21"), RIG
    )
    state, _ = run(halpe[:4])
    assert "began with HALPE_26" in fusion.refusal(state, coco, RIG)
    with pytest.raises(ValueError, match="same pose model"):
        fusion.step(state, coco, RIG, CONFIG)
