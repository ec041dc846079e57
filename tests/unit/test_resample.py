"""Free-running cameras: instants by interpolation, whatever the order of arrival."""

import random

import msgspec
import numpy as np
import pytest

from core import fusion, resample, synthetic
from core.cameras import project
from core.config import FusionConfig
from core.messages import Keypoints2D, view
from core.resample import Resampling

RIG = synthetic.ring(4)
CONFIG = FusionConfig(alignment="interpolated", instant_hz=30.0)
MS = 1_000_000
START_NS = 1_700_000_000_000_000_000


def truth_at(t_ns: int) -> np.ndarray:
    t_s = (t_ns - START_NS) * 1e-9
    return synthetic.at(t_s, np.array([np.sin(t_s), -np.cos(t_s)]), t_s)


def free_running(n_frames: int, periods_ms=(16.67, 16.71, 20.0, 33.3)) -> list[Keypoints2D]:
    """Each camera with a period and a phase of its own."""
    messages = []
    for place, (name, period_ms) in enumerate(zip(RIG.names, periods_ms, strict=True)):
        for frame in range(round(n_frames * 16.67 / period_ms)):
            t_ns = START_NS + round((frame + 0.23 * place) * period_ms * MS)
            pixels = project(RIG, truth_at(t_ns))[place]
            messages.append(synthetic.keypoints(name, frame, t_ns, pixels))
    return sorted(messages, key=lambda one: one.t_ns)


def run(messages: list[Keypoints2D], config=CONFIG):
    state, instants = Resampling(), []
    for message in messages:
        state, ready = resample.add(state, message, RIG.names, config)
        instants += ready
    return state, instants


def test_instants_lie_on_the_grid_and_hold_all_cameras():
    state, instants = run(free_running(120))
    period_ns = round(1e9 / 30)
    assert all(one.t_ns % period_ns == 0 for one in instants)
    assert {len(one.views) for one in instants} == {4}
    assert len(instants) >= 55
    assert 0 < state.waited_ns / state.instants < 50 * MS


def test_keypoints_are_where_they_were_at_the_instant():
    """Against the nearest frame: an order of magnitude nearer the truth."""
    _, instants = run(free_running(120))
    errors = []
    for instant in instants:
        expected = project(RIG, truth_at(instant.t_ns))
        for one in instant.views:
            place = RIG.index(one.camera)
            pixels = view(one.persons[0], "keypoints_px")
            errors.append(np.linalg.norm(pixels - expected[place], axis=1).mean())
    print(f"interpolated: {np.mean(errors):.2f} px mean")
    assert np.mean(errors) < 0.5


@pytest.mark.parametrize("seed", range(5))
def test_arrival_order_does_not_matter(seed):
    messages = free_running(60)
    rng = random.Random(seed)
    queues = {name: [m for m in messages if m.camera == name] for name in RIG.names}
    shuffled = []
    while any(queues.values()):
        oldest = min(queue[0].t_ns for queue in queues.values() if queue)
        may = [n for n, queue in queues.items() if queue and queue[0].t_ns - oldest < 60 * MS]
        shuffled.append(queues[rng.choice(may)].pop(0))
    assert run(shuffled)[1] == run(messages)[1]


def test_a_camera_that_fell_silent_is_left_out_after_a_while():
    messages = [m for m in free_running(240) if m.camera != "cam02" or m.frame < 60]
    _, instants = run(messages)
    assert len(instants[-1].views) == 3
    assert len(instants) >= 110


def test_a_long_gap_is_not_bridged():
    messages = [m for m in free_running(120) if m.camera != "cam01" or not 40 <= m.frame < 60]
    _, instants = run(messages)
    missing = [one for one in instants if len(one.views) == 3]
    assert 5 <= len(missing) <= 12


def test_out_of_order_frames_are_counted():
    messages = free_running(20)
    state, _ = run([*messages, messages[0]])
    assert state.late == 1


def test_interpolated_keypoints_are_less_sure_the_wider_the_gap():
    slow = run(free_running(120, (16.67, 16.67, 16.67, 100.0)))[1]
    sure = {
        camera: np.mean(
            [view(v.persons[0], "confidence").mean() for i in slow for v in i.views
             if v.camera == camera]
        )
        for camera in ("cam01", "cam04")
    }  # fmt: skip
    assert sure["cam04"] < 0.7 * sure["cam01"]


def with_covariance(message: Keypoints2D, px2: float) -> Keypoints2D:
    raw = np.tile(np.array([px2, px2, 0.0], "<f4"), 26).tobytes()
    person = msgspec.structs.replace(message.persons[0], covariance_px2=raw)
    return msgspec.structs.replace(message, persons=(person,))


def test_covariances_are_interpolated_and_grow_with_the_gap():
    first, second = (
        synthetic.keypoints("cam01", n, n * 40 * MS, np.full((26, 2), 5.0)) for n in (0, 1)
    )
    told = with_covariance(first, 4.0), with_covariance(second, 8.0)
    middle = resample.at(told, 20 * MS, CONFIG)
    assert middle is not None
    found = view(middle.persons[0], "covariance_px2")
    bent = 1 + (40 / 60) ** 2
    np.testing.assert_allclose(found, np.tile([6 * bent**2, 6 * bent**2, 0.0], (26, 1)), rtol=1e-6)
    half = resample.at((first, told[1]), 20 * MS, CONFIG)
    assert half is not None
    assert half.persons[0].covariance_px2 == b""


def fused(config: FusionConfig, messages: list[Keypoints2D]):
    state, poses = fusion.FusionState(), []
    for number, message in enumerate(messages):
        if number == 200:
            state = fusion.thaw(fusion.freeze(state))
        state, done = fusion.step(state, message, RIG, config)
        poses += done
    return poses


def error_mm(poses) -> float:
    errors = [
        np.linalg.norm(view(pose.persons[0], "measured_m") - truth_at(pose.t_ns), axis=1)
        for pose in poses[10:]
        if pose.persons
    ]
    return float(np.mean(errors)) * 1e3


def test_the_fusion_of_free_running_cameras_is_nearer_the_truth(capsys):
    """All cameras at 60 Hz with phases of their own; grouped with a window of half a frame."""
    messages = free_running(180, (16.67, 16.71, 16.65, 16.69))
    grouped = FusionConfig(window_ms=8.3)
    interpolated = FusionConfig(alignment="interpolated", instant_hz=60.0)
    ours, plain = fused(interpolated, messages), fused(grouped, messages)
    with capsys.disabled():
        print(f"\ninterpolated {error_mm(ours):.1f} mm, grouped {error_mm(plain):.1f} mm")
    assert len(ours) > 150
    assert {len(pose.cameras) for pose in ours[5:]} == {4}
    assert error_mm(ours) < 0.5 * error_mm(plain)


def test_instants_do_not_depend_on_the_order_in_which_cameras_arrive():
    messages = free_running(60)
    shuffled = sorted(messages, key=lambda one: one.t_ns + (7 * MS if one.camera == "cam02" else 0))
    first, second = fused(CONFIG, messages), fused(CONFIG, shuffled)
    persons = [[pose.persons for pose in poses] for poses in (first, second)]
    assert persons[0][: len(persons[1])] == persons[1][: len(persons[0])]
