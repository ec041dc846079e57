"""Errors on simulated devices; many more of them in `kinelive bench clock`."""

import math

import numpy as np
import pytest

from tools import bench_clock


@pytest.fixture(scope="module")
def devices():
    return [
        bench_clock.run(bench_clock.scene_of(bench_clock.SCENE, seed), seed) for seed in range(8)
    ]


def within(devices, method, begin_s, end_s=math.inf):
    chosen = [(one.age_s >= begin_s) & (one.age_s < end_s) for one in devices]
    errors_ms = np.concatenate(
        [d.errors_ms[method][w] for d, w in zip(devices, chosen, strict=True)]
    )
    stated_ms = np.concatenate(
        [
            d.stated_ms.get(method, d.errors_ms[method])[w]
            for d, w in zip(devices, chosen, strict=True)
        ]
    )
    return errors_ms, stated_ms


@pytest.mark.slow
@pytest.mark.parametrize(("begin_s", "p99_ms"), [(10, 0.1), (60, 0.08)])
@pytest.mark.parametrize("method", ["kinelive", "kinelive, afterwards"])
def test_frames_of_simulated_devices_get_their_times(devices, method, begin_s, p99_ms):
    errors_ms, stated_ms = within(devices, method, begin_s)
    assert np.quantile(errors_ms, 0.99) < p99_ms
    assert (errors_ms <= stated_ms).mean() >= 0.95


@pytest.mark.slow
def test_what_is_stated_is_honest_from_the_first_frame_on(devices):
    for begin_s, end_s in ((0, 2), (2, 10), (10, 60)):
        errors_ms, stated_ms = within(devices, "kinelive", begin_s, end_s)
        assert (errors_ms <= stated_ms).mean() >= 0.95


@pytest.mark.slow
def test_it_is_better_than_a_running_minimum_and_afterwards_it_is_better_still(devices):
    p99_ms = {
        method: np.quantile(within(devices, method, 10)[0], 0.99) for method in devices[0].errors_ms
    }
    assert p99_ms["time of receipt"] > 100 * p99_ms["kinelive"]
    assert p99_ms["running minimum, 3 s"] > 3 * p99_ms["kinelive"]
    assert p99_ms["running minimum, 30 s"] > 10 * p99_ms["kinelive"]
    assert p99_ms["kinelive, afterwards"] < p99_ms["kinelive"]
    assert all(one.epochs == 2 for one in devices)


@pytest.mark.slow
@pytest.mark.parametrize("scene", bench_clock.OTHERS)
def test_other_devices_and_ways_are_followed(scene):
    changed = bench_clock.OTHERS[scene]
    runs = [bench_clock.run(bench_clock.scene_of(changed, seed), seed) for seed in range(2)]
    errors_ms, _ = within(runs, "kinelive", 60)
    assert np.quantile(errors_ms, 0.99) < 0.6 * changed.mean_delay_ms
    steps = 1 if changed.step_s else 0
    assert all(one.epochs >= 2 + steps for one in runs)
