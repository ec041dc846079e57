import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core import align, synthetic
from core.align import Alignment
from core.config import FusionConfig

CAMERAS = ("cam01", "cam02", "cam03")
CONFIG = FusionConfig()
MS = 1_000_000
NOWHERE = np.zeros((26, 2))


def view(camera: str, frame: int, t_ns: int):
    return synthetic.keypoints(camera, frame, t_ns, NOWHERE)


def frames(n: int, jitter_ns: int = 0, seed: int = 0):
    rng = random.Random(seed)
    for frame in range(n):
        for camera in CAMERAS:
            yield view(camera, frame, frame * 16 * MS + rng.randint(0, jitter_ns))


def run(messages, config=CONFIG):
    state, instants = Alignment(), []
    for message in messages:
        state, ready = align.add(state, message, CAMERAS, config)
        instants += ready
    return state, instants


def contents(instants):
    return [(one.t_ns, [(v.camera, v.frame) for v in one.views]) for one in instants]


def test_an_instant_is_given_out_when_all_cameras_have_delivered():
    state, instants = run(frames(5))
    assert [len(one.views) for one in instants] == [3] * 5
    assert not state.waiting


def shuffled(messages, seed: int, reach: int):
    """Cameras keep their own order, as sockets do; between cameras anything goes within reach."""
    rng = random.Random(seed)
    queues = {c: [m for m in messages if m.camera == c] for c in CAMERAS}
    done: dict[str, int] = dict.fromkeys(CAMERAS, 0)
    while any(done[c] < len(queues[c]) for c in CAMERAS):
        behind = min(done[c] for c in CAMERAS)
        may = [c for c in CAMERAS if done[c] < len(queues[c]) and done[c] <= behind + reach]
        camera = rng.choice(may)
        yield queues[camera][done[camera]]
        done[camera] += 1


@settings(max_examples=50, deadline=None)
@given(strategies.integers(0, 10_000), strategies.integers(0, 5), strategies.integers(0, 3 * MS))
def test_arrival_order_does_not_matter(seed, reach, jitter_ns):
    messages = list(frames(30, jitter_ns, seed))
    expected = contents(run(messages)[1])
    assert contents(run(shuffled(messages, seed, reach))[1]) == expected


def test_a_dead_camera_delays_by_the_bounded_wait_and_then_not_at_all():
    alive = [m for m in frames(80) if m.camera != "cam03" or m.frame < 10]
    lag_ns = []
    state = Alignment()
    for message in alive:
        state, ready = align.add(state, message, CAMERAS, CONFIG)
        lag_ns += [message.t_ns - one.t_ns for one in ready]
    assert max(lag_ns) <= CONFIG.max_wait_ms * MS + 16 * MS
    assert lag_ns[-1] == 0
    assert len(lag_ns) == 80


def test_a_camera_that_comes_back_is_waited_for_again():
    messages = [m for m in frames(120) if m.camera != "cam03" or not 10 <= m.frame < 70]
    _, instants = run(messages)
    assert [len(one.views) for one in instants[-40:]] == [3] * 40


def test_a_camera_that_never_spoke_is_waited_for_only_at_first():
    _, instants = run([m for m in frames(60) if m.camera != "cam02"])
    assert len(instants) == 60


def test_what_comes_too_late_is_counted():
    early = [m for m in frames(60) if m.camera != "cam02"]
    state, _ = run([*early, view("cam02", 0, 0)])
    assert state.late == 1


def test_doubles_are_counted_and_change_nothing():
    messages = list(frames(2))
    state, instants = run([messages[0], messages[0], *messages[1:]])
    assert state.doubled == 1
    assert contents(instants) == contents(run(messages)[1])


def test_instants_come_in_order_of_time():
    for seed in range(5):
        _, instants = run(shuffled(list(frames(40, 3 * MS, seed)), seed, 4))
        times = [one.t_ns for one in instants]
        assert all(a < b for a, b in itertools.pairwise(times))


def test_the_rest_is_handed_out_at_the_end():
    state, _ = run([m for m in frames(3) if not (m.camera == "cam03" and m.frame == 2)])
    assert [len(one.views) for one in align.rest(state)] == [2]


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("lost", range(12))
def test_a_lost_frame_never_shifts_the_groups(camera: str, lost: int):
    """Triggered cameras: whichever frame of whichever camera is lost, the others stay together."""
    messages = [m for m in frames(12, jitter_ns=MS // 2) if (m.camera, m.frame) != (camera, lost)]
    state, instants = run(messages)
    instants += align.rest(state)
    groups = [{view.frame for view in one.views} for one in instants]
    assert groups == [{frame} for frame in range(12)]
    assert [len(one.views) for one in instants] == [2 if k == lost else 3 for k in range(12)]
    assert (state.late, state.doubled) == (0, 0)


def test_bursts_of_lost_frames_never_shift_the_groups():
    rng = random.Random(1)
    kept = [m for m in frames(400, jitter_ns=MS // 2) if rng.random() > 0.3]
    state, instants = run(kept)
    instants += align.rest(state)
    assert all(len({view.frame for view in one.views}) == 1 for one in instants)
    assert sum(len(one.views) for one in instants) + state.late == len(kept)
