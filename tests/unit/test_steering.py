"""Free-running cameras whose clocks are off: found, put right, and nothing else."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from core import fusion, steering, synthetic
from core.config import FusionConfig, build
from core.errors import ConfigError
from core.fusion import FusionState
from core.lateness import Answer, Late, against_median, agreed
from core.messages import CameraQuality, Keypoints2D, Pose3D, view
from core.steering import Shift, Steering
from core.synthetic_sync import START_NS, free_running, truth_m
from services.foresight import Foresight

RIG = synthetic.ring(4)
CONFIG = FusionConfig(alignment="interpolated")
OFF = FusionConfig(alignment="interpolated", steer_time="off")
TELL = FusionConfig(alignment="interpolated", steer_time="tell")
DRIFTS_PPM = (0.0, 50.0, 0.0, -50.0)
MS = 1_000_000


@dataclass
class Run:
    """What came of a recording."""

    state: FusionState = field(default_factory=FusionState)
    poses: list[Pose3D] = field(default_factory=list)
    windows: int = 0
    right_s: float = np.inf
    """From which capture time on all cameras stayed within 4.5 ms of the median one."""
    largest_ms: float = 0.0

    @property
    def steering(self) -> Steering:
        return self.state.steering


def run(messages: list[Keypoints2D], truth_ms=(0.0,) * 4, drifts=(0.0,) * 4, config=CONFIG) -> Run:
    found = Run()
    for message in messages:
        before = found.steering
        found.state, poses = fusion.step(found.state, message, RIG, config)
        found.poses += poses
        found.windows += found.steering.answers is not before.answers
        t_s = (message.t_ns - START_NS) * 1e-9
        shifts_ms = np.array([found.steering.shift_ns(name) / MS for name in RIG.names])
        left_ms = np.array(truth_ms) + np.array(drifts) * t_s * 1e-3 + shifts_ms
        is_right = np.abs(left_ms - np.median(left_ms)).max() < 4.5
        found.right_s = min(found.right_s, t_s) if is_right else np.inf
        found.largest_ms = max(found.largest_ms, float(np.abs(shifts_ms).max()))
    return found


def steered(messages: list[Keypoints2D]) -> Steering:
    state = Steering()
    for message in messages:
        state = steering.step(state, message, RIG, CONFIG)
    return state


def errors_ms(known: dict[str, Late], truth_ms) -> np.ndarray:
    late = np.array([known[name].late_ms for name in RIG.names])
    return np.abs(late - np.median(late) - (np.array(truth_ms) - np.median(truth_ms)))


def error_mm(poses: list[Pose3D], middle_ms: float) -> float:
    """Over the last ten seconds, at the time that the median camera has."""
    found = [
        np.linalg.norm(
            view(pose.persons[0], "measured_m") - truth_m(pose.t_ns - round(middle_ms * MS)), axis=1
        )
        for pose in poses[-300:]
        if pose.persons
    ]
    return float(np.nanmean(found)) * 1e3


@pytest.mark.parametrize("late_ms", [(0, 5, -5, 0), (0, -150, 40, 0), (-150, 150, 0, 12)])
def test_offsets_and_drift_are_found_and_put_right(late_ms, capsys):
    messages = free_running(RIG, 45, late_ms, drift_ppm=DRIFTS_PPM)
    found = run(messages, late_ms, DRIFTS_PPM)
    at_end_ms = np.array(late_ms) + np.array(DRIFTS_PPM) * 0.045
    middle_ms = float(np.median(at_end_ms))
    off_ms = errors_ms(found.steering.known, at_end_ms)
    wide_ms = np.array([found.steering.known[name].wide_ms for name in RIG.names])
    before = error_mm(run(messages[-12 * 4 * 30 :], config=OFF).poses, middle_ms)
    after = error_mm(found.poses, middle_ms)
    with capsys.disabled():
        print(
            f"\n{late_ms} ms, drift {DRIFTS_PPM} ppm: off by {off_ms.max():.2f} ms "
            f"(stated ± {wide_ms.max():.1f}), right from {found.right_s:.1f} s on, "
            f"3D error {before:.1f} -> {after:.1f} mm"
        )
    assert (off_ms < np.minimum(wide_ms, 3.0)).all()
    assert found.right_s < 15
    assert after < min(before, 12.0)


@pytest.mark.parametrize("seed", range(3))
def test_cameras_in_time_are_left_alone(seed, capsys):
    found = run(free_running(RIG, 40, (0.0,) * 4, noise_px=4.0, seed=seed))
    with capsys.disabled():
        print(f"\nlargest shift of cameras in time: {found.largest_ms:.2f} ms")
    assert found.windows >= 3
    assert found.largest_ms == 0.0


def test_who_stands_still_tells_nothing():
    messages = free_running(RIG, 20, (0, 30, 0, 0), lambda _: synthetic.standing_m())
    state = steered(messages)
    assert state.known == {}
    assert state.shifts == {}


def test_telling_changes_no_time():
    messages = free_running(RIG, 12, (0, 40, 0, 0))
    told = run(messages, config=TELL)
    assert told.steering.known["cam02"].late_ms == pytest.approx(40, abs=3)
    assert told.steering.shifts == {}
    assert told.poses == run(messages, config=OFF).poses


def test_triggered_cameras_are_not_looked_at_unless_asked_for():
    assert not steering.is_on(FusionConfig())
    assert steering.is_on(FusionConfig(steer_time="tell"))
    told = run(free_running(RIG, 12, (0, 40, 0, 0)), config=FusionConfig(steer_time="tell"))
    assert told.steering.known["cam02"].late_ms == pytest.approx(40, abs=3)
    assert told.steering.shifts == {}
    cameras = tuple(CameraQuality(name, 1.0, 0.0, "") for name in RIG.names)
    says = [one.says for one in steering.told(told.steering, cameras, TELL)]
    assert says == ["", "cam02 is 40 ms late", "", ""]


def test_a_state_in_between_goes_on_to_the_same_bits():
    """Frozen while a window is gathered, while a question waits, and while a shift is under way."""
    messages = free_running(RIG, 16, (0, -8, 60, 0))
    whole = run(messages)
    state, again = FusionState(), list[Pose3D]()
    for number, message in enumerate(messages):
        if number % 97 == 0:
            state = fusion.thaw(fusion.freeze(state))
        state, done = fusion.step(state, message, RIG, CONFIG)
        again += done
    assert again == whole.poses
    assert fusion.freeze(state) == fusion.freeze(whole.state)
    assert set(state.steering.shifts) >= {"cam02", "cam03"}


@pytest.mark.parametrize("pieces_a_message", [0, 1, 5])
def test_working_ahead_changes_no_bit(pieces_a_message):
    messages = free_running(RIG, 14, (0, -8, 60, 0))
    state, ahead = Steering(), Foresight()
    for message in messages:
        state = steering.step(state, message, RIG, CONFIG, ahead.answer)
        for _ in range(pieces_a_message):
            ahead.advance(state, RIG, CONFIG)
    assert state == steered(messages)


def test_the_order_of_arrival_does_not_matter():
    messages = free_running(RIG, 16, (0, -8, 60, 0))
    slow = {"cam01": 0, "cam02": 70 * MS, "cam03": 20 * MS, "cam04": 120 * MS}
    shuffled = sorted(messages, key=lambda one: one.t_ns + slow[one.camera])
    in_order, otherwise = steered(messages), steered(shuffled)
    assert otherwise.known == in_order.known
    assert otherwise.shifts == in_order.shifts


def test_a_small_correction_is_spread_and_a_large_one_is_a_jump():
    small = Shift(target_ns=-8 * MS, since_ns=1000 * MS)
    state = Steering(shifts={"cam01": small, "cam02": Shift(60 * MS, 1000 * MS, at_once=True)})
    shifts = []
    for frame in range(60):
        for name in ("cam01", "cam02"):
            seen = synthetic.keypoints(name, frame, 900 * MS + frame * 33 * MS, np.zeros((26, 2)))
            state = steering.step(state, seen, RIG, CONFIG)
            assert steering.in_time(state, seen).t_ns == seen.t_ns + state.shift_ns(name)
        shifts.append([state.shift_ns("cam01"), state.shift_ns("cam02")])
    slow, quick = np.array(shifts).T
    assert (np.abs(np.diff(slow)) <= 0.34 * MS).all()
    assert slow[3] == quick[3] == 0
    assert slow[-1] == -8 * MS
    assert set(quick) == {0, 60 * MS}


def test_a_clock_that_leaps_is_followed():
    """A camera that came back with another clock: first unsure, then right."""
    messages = [
        msgspec.structs.replace(one, t_ns=one.t_ns + 35 * MS)
        if one.camera == "cam03" and one.frame >= 600
        else one
        for one in free_running(RIG, 55, (0.0,) * 4)
    ]
    state = steered(messages)
    assert state.shift_ns("cam03") / MS == pytest.approx(-35, abs=2.5)
    assert {name for name in RIG.names if state.shift_ns(name)} == {"cam03"}


def answer(begun_s: float, **late_ms: float) -> Answer:
    late = {name: Late(value, 2.0) for name, value in late_ms.items()}
    return Answer(round(begun_s * 1e9), "a", late | {"a": Late(0.0, 0.0)})


def test_two_windows_must_agree():
    assert agreed((answer(0, b=10.0),)) == {}
    assert agreed((answer(0, b=10.0), answer(4, b=20.0))).keys() == {"a"}
    found = agreed((answer(0, b=-90.0), answer(4, b=10.0), answer(8, b=11.0)))
    assert found["b"].late_ms == pytest.approx(10.5)
    assert found["b"].wide_ms == 2.0


def test_the_median_camera_is_right():
    late = {name: Late(ms, wide) for name, ms, wide in
            (("a", 0.0, 0.0), ("b", 30.0, 2.0), ("c", 31.0, 3.0))}  # fmt: skip
    found = against_median(late, ("a", "b", "c"))
    assert [one.late_ms for one in found.values()] == [-30.0, 0.0, 1.0]
    assert [one.wide_ms for one in found.values()] == [2.5, 2.0, 3.0]


@pytest.mark.parametrize("value", ["yes", "Auto", 1, True])
def test_other_settings_are_refused(value):
    tree = {"cameras": [{"name": "a"}], "calibration": "x", "fusion": {"steer_time": value}}
    with pytest.raises(ConfigError, match="steer_time"):
        build(tree, "run.toml")
