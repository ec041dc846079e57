import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core import process_config, smoothing, smoothing_kalman, smoothing_one_euro, smoothing_splines
from core.errors import ConfigError
from core.filtering import smooth
from core.runs import runs
from core.smoothing_config import FilteringConfig
from core.smoothing_splines import best_lambda, lambda_of
from tests.unit import smoothing_reference as reference

RATE_HZ = 60.0
FILTERS = (
    "butterworth", "butterworth_on_speed", "kalman", "one_euro", "gcv_spline", "acc_minimizing",
    "loess", "gaussian", "median",
)  # fmt: skip
LINEAR = tuple(name for name in FILTERS if name not in ("one_euro", "gcv_spline", "median"))
Filter = Callable[[np.ndarray], np.ndarray]


def of(name: str, *assignments: str, outliers: bool = False) -> Filter:
    """A filter as ``kinelive process`` calls it."""
    chosen = [f"filtering.type={name}", f"filtering.reject_outliers={str(outliers).lower()}"]
    config = process_config.build({}, [*chosen, *assignments]).filtering
    return lambda values: smooth(values, RATE_HZ, config)


def wave(hz: float, n: int = 600) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n) / RATE_HZ)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def walk(*shape: int, seed: int = 0) -> np.ndarray:
    return noise(*shape, seed=seed).cumsum(axis=0)


def test_every_filter_is_tested():
    types = process_config.get_type_hints(FilteringConfig)["type"]
    assert set(FILTERS) == set(process_config.get_args(types))


@pytest.mark.parametrize("name", FILTERS)
def test_what_rests_stays(name):
    values = np.tile([1.5, -0.2], (80, 1))
    np.testing.assert_allclose(of(name)(values), values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FILTERS)
def test_a_straight_line_stays(name):
    values = np.arange(80.0)[:, None] / RATE_HZ * [0.3, -2.0] + [1.0, 5.0]
    settles = name in ("one_euro", "butterworth")  # where a run begins
    limit = 2e-3 if settles else 1e-9
    np.testing.assert_allclose(of(name, outliers=True)(values), values, rtol=0, atol=limit)


@pytest.mark.parametrize("name", FILTERS)
def test_nothing_is_delayed(name):
    """In the filtered sine there is no part of the cosine."""
    inner = slice(150, 450)  # 5 periods
    late = np.cos(2 * np.pi * np.arange(600) / RATE_HZ)
    smoothed = of(name)(wave(1.0)[:, None])[:, 0]
    in_phase, across = (2 * np.mean((smoothed * part)[inner]) for part in (wave(1.0), late))
    limit_s = 2e-4 if name == "one_euro" else 1e-5
    assert abs(math.atan2(across, in_phase)) / (2 * np.pi) < limit_s
    assert 0.85 < in_phase < (1.03 if name == "one_euro" else 1.001)  # that one flattens peaks


def expected_gain(name: str, hz: float) -> float:
    """What the filter of ``test_amplitudes_are_as_theory_says`` leaves of a sine."""
    w = 2 * np.pi * hz / RATE_HZ
    match name:
        case "butterworth" | "butterworth_on_speed":
            cutoff_hz = 6.0 if name == "butterworth" else 10.0
            ratio = math.tan(w / 2) / math.tan(np.pi * cutoff_hz / RATE_HZ)
            return 1 / (1 + ratio**4)
        case "kalman":
            path = np.linalg.solve(
                np.exp(1j * w) * np.eye(3) - smoothing_kalman._STEP, smoothing_kalman._PUSH
            )[0]
            power = abs(path) ** 2 * (500 / RATE_HZ**2) ** 2
            return power / (power + 1)
        case "one_euro":
            step = 2 * np.pi * 4.0 / RATE_HZ
            return step**2 / abs(1 + step - np.exp(1j * w)) ** 2
        case "acc_minimizing":
            return 1 / (1 + float(lambda_of(RATE_HZ, 6.0)) * (2 - 2 * math.cos(w)) ** 2)
        case "gcv_spline":
            roughness = (2 - 2 * math.cos(w)) ** 2 * 3 / (2 + math.cos(w))
            return 1 / (1 + float(lambda_of(RATE_HZ, 6.0)) * roughness)
        case "gaussian":
            return math.exp(-(w**2) / 2)
        case "loess":
            near = (1 - 1 / 8) ** 3
            return (1 + 2 * near * math.cos(w)) / (1 + 2 * near)
    raise AssertionError(name)


@pytest.mark.parametrize("name", [*LINEAR, "one_euro", "gcv_spline"])
@pytest.mark.parametrize("hz", [2.0, 4.0, 6.0, 10.0, 15.0])
def test_amplitudes_are_as_theory_says(name, hz):
    extra = ["filtering.one_euro.beta=0", "filtering.gcv_spline.cutoff_hz=6"]
    smoothed = of(name, *extra)(wave(hz)[:, None])[:, 0]
    inner = slice(150, 450)
    gain = 2 * np.mean((smoothed * wave(hz))[inner])
    assert gain == pytest.approx(expected_gain(name, hz), abs=2e-4)


@pytest.mark.parametrize("name", ["butterworth", "acc_minimizing", "gcv_spline"])
def test_the_cut_off_halves(name):
    smoothed = of(name, "filtering.gcv_spline.cutoff_hz=6")(wave(6.0)[:, None])[:, 0]
    assert smoothed[200:400].std() / wave(6.0)[200:400].std() == pytest.approx(0.5, abs=0.035)


@pytest.mark.parametrize("outliers", [False, True])
@pytest.mark.parametrize("name", FILTERS)
def test_runs_are_filtered_on_their_own_and_no_frame_is_lost(name, outliers):
    values = walk(100, 2, 3, seed=2)
    values[50] = np.nan
    values[:20, 1] = np.nan
    given_values, filtered = values.copy(), of(name, outliers=outliers)
    smoothed = filtered(values)
    np.testing.assert_array_equal(values, given_values)
    assert smoothed.shape == values.shape
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(values))
    for rows in (slice(0, 50), slice(51, 100)):
        np.testing.assert_allclose(smoothed[rows], filtered(values[rows]), rtol=0, atol=1e-12)
    alone = filtered(values[:, 1, 0])
    np.testing.assert_allclose(smoothed[:, 1, 0], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 9, 10, 11])
def test_short_runs_have_a_value(name, n):
    values = walk(n, 2)
    smoothed = of(name, outliers=True)(values)
    assert smoothed.shape == (n, 2)
    assert np.isfinite(smoothed).all()
    if n < 2 or (n < 3 and name not in ("one_euro", "gaussian")):
        np.testing.assert_allclose(smoothed, values, atol=1e-12)
    nothing = np.full((n, 2), np.nan)
    np.testing.assert_array_equal(of(name)(nothing), nothing)


def test_runs_too_short_for_a_butterworth_stay_as_they_are():
    np.testing.assert_array_equal(smoothing.butterworth(noise(9, 1), RATE_HZ, 6.0, 4), noise(9, 1))


@settings(max_examples=20, deadline=None)
@given(
    strategies.sampled_from([*LINEAR, "gcv_spline", "median"]),
    strategies.integers(12, 60),
    strategies.integers(0, 1000),
    strategies.floats(-100, 100),
    strategies.floats(0.01, 100),
)
def test_units_and_origin_do_not_matter(name, n, seed, origin, unit):
    values = walk(n, 2, seed=seed)
    filtered = of(name)
    np.testing.assert_allclose(
        filtered(unit * values + origin), unit * filtered(values) + origin, rtol=0, atol=1e-6 * unit
    )


@settings(max_examples=20, deadline=None)
@given(strategies.sampled_from(LINEAR), strategies.integers(12, 60), strategies.integers(0, 1000))
def test_filters_add_up_and_know_no_direction_of_time(name, n, seed):
    a, b = walk(n, 2, seed=seed), noise(n, 2, seed=seed + 1)
    filtered = of(name)
    np.testing.assert_allclose(filtered(a + b), filtered(a) + filtered(b), rtol=0, atol=1e-9)
    if name not in ("kalman", "butterworth", "butterworth_on_speed"):  # these begin somewhere
        np.testing.assert_allclose(filtered(a[::-1])[::-1], filtered(a), rtol=0, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(strategies.integers(12, 60), strategies.integers(0, 1000), strategies.sampled_from([0.5, 8]))
def test_the_other_filters_know_no_direction_of_units(n, seed, unit):
    values = walk(n, 2, seed=seed)
    euro = of("one_euro")(values)
    np.testing.assert_allclose(of("one_euro")(values + 3.0), euro + 3.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(of("one_euro")(-values), -euro, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(smoothing.hampel(unit * values), unit * smoothing.hampel(values))


@pytest.mark.parametrize("n", [12, 100])
def test_filters_are_their_references(n):
    values = walk(n, 3, seed=5)

    def same(ours: np.ndarray, theirs: Filter) -> None:
        columns = [theirs(column) for column in values.T]
        np.testing.assert_allclose(ours, np.column_stack(columns), rtol=0, atol=1e-9)

    same(
        smoothing.butterworth(values, RATE_HZ, 6.0, 4),
        lambda column: reference.butterworth(column, RATE_HZ, 6.0, 4),
    )
    for trust_ratio in (50.0, 500.0):
        for both in (True, False):
            same(
                smoothing_kalman.kalman(values, RATE_HZ, trust_ratio, both_ways=both),
                lambda column, q=trust_ratio, b=both: reference.kalman(column, RATE_HZ, q, b),
            )
    same(
        smoothing_one_euro.one_euro(values, RATE_HZ, 4.0, 1.5, 1.0),
        lambda column: reference.one_euro(column, RATE_HZ, 4.0, 1.5, 1.0),
    )
    for cutoff_hz in (2.0, 6.0, 20.0):
        weight = float(lambda_of(RATE_HZ, cutoff_hz))
        same(
            smoothing_splines.acc_minimizing(values, RATE_HZ, cutoff_hz),
            lambda column, w=weight: reference.whittaker(column, w),
        )
        same(
            smoothing_splines.cutoff_spline(values, RATE_HZ, cutoff_hz),
            lambda column, w=weight: reference.spline(column, w),
        )
    for n_values in (4, 5, 8, 11):
        same(
            smoothing.loess(values, n_values),
            lambda column, k=n_values: reference.loess(column, k),
        )
    same(smoothing.gaussian(values, 1.0), lambda column: reference.gaussian(column, 1.0))
    same(smoothing.gaussian(values, 2.5), lambda column: reference.gaussian(column, 2.5))
    same(smoothing.median(values, 3), lambda column: reference.median(column, 3))
    same(smoothing.median(values, 5), lambda column: reference.median(column, 5))
    same(smoothing.hampel(values), reference.hampel)


def test_filtering_the_speed_is_filtering_away_from_the_ends():
    values = walk(600, 2, seed=6)
    ours = smoothing.butterworth_on_speed(values, RATE_HZ, 10.0, 4)
    plain = smoothing.butterworth(values, RATE_HZ, 10.0, 4)
    apart = (ours - plain)[100:-100]
    np.testing.assert_allclose(apart, apart.mean(axis=0) * np.ones_like(apart), atol=1e-9)
    np.testing.assert_allclose(ours.mean(axis=0), values.mean(axis=0), atol=1e-12)


def test_outliers_go_and_the_rest_stays():
    clean = 0.3 * wave(0.7, 120)[:, None]
    values = clean.copy()
    values[[20, 60, 61, 90], 0] += [0.5, -0.4, 0.6, 1.0]
    np.testing.assert_allclose(smoothing.hampel(values), clean, atol=0.1)
    resting = np.zeros((30, 1))
    resting[12] = 1.0
    assert not smoothing.hampel(resting).any()
    faster = (np.arange(40.0) ** 2)[:, None]
    np.testing.assert_array_equal(smoothing.hampel(faster), faster)


def test_slow_movement_passes_and_noise_does_not():
    values = np.column_stack([wave(0.5), wave(0.5) + 0.2 * wave(25)])
    smoothed = smoothing.butterworth(values, RATE_HZ, 6.0, 4)
    np.testing.assert_allclose(smoothed[:, 0], values[:, 0], atol=2e-3)
    np.testing.assert_allclose(smoothed[30:-30, 1], values[30:-30, 0], atol=2e-3)


@pytest.mark.parametrize(("cutoff_hz", "order"), [(30.0, 4), (0.0, 4), (6.0, 3), (6.0, 0)])
def test_a_filter_that_cannot_be_is_refused(cutoff_hz, order):
    for one in (smoothing.butterworth, smoothing.butterworth_on_speed):
        with pytest.raises(ConfigError, match="filtering"):
            one(np.zeros((20, 1)), RATE_HZ, cutoff_hz, order)


def test_runs():
    assert runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [slice(0, 2), slice(3, 4), slice(6, 7)]
    assert runs(np.zeros(3, bool)) == []


def test_settings_of_a_filter():
    build = process_config.build
    config = build({}, ["filtering.type=kalman", "filtering.kalman.trust_ratio=300"]).filtering
    assert (config.type, config.kalman.trust_ratio) == ("kalman", 300.0)
    assert build({}, ["filtering.cutoff_hz=8"]).filtering.butterworth.cutoff_hz == 8.0
    assert build({}, ["filtering.order=2"]).filtering.butterworth.order == 2
    with pytest.raises(ConfigError, match=r"type.*known: butterworth, .*gcv_spline, .*median"):
        build({}, ["filtering.type=savgol"])
    with pytest.raises(ConfigError, match=r"sections_to_keep.*known: all, largest, first, last"):
        build({}, ["gaps.sections_to_keep=some"])
    with pytest.raises(ConfigError, match=r"no such setting; known: .*filtering\.kalman\.smooth"):
        build({}, ["filtering.kalman.order=2"])
    with pytest.raises(ConfigError, match=r"filtering\.kalman\.trust_ratio"):
        build({}, ["filtering.kalman.trust_ratio=-1"])


def test_gcv_finds_the_least_score():
    """Against the definition, with scipy's spline as the smoother."""
    n, lambdas = 60, np.geomspace(1e-3, 1e4, 64)
    values = np.column_stack([wave(1.0, n), wave(3.0, n)]) + 0.1 * noise(n, 2, seed=8)
    found = best_lambda(values, lambdas)
    fine = np.geomspace(1e-3, 1e4, 500)
    hats = [reference.spline_hat(n, weight) for weight in fine]
    for column, weight in zip(values.T, found, strict=True):
        scores = [
            np.mean((column - hat @ column) ** 2) / (1 - np.trace(hat) / n) ** 2 for hat in hats
        ]
        assert math.log(fine[np.argmin(scores)] / weight) == pytest.approx(0.0, abs=0.05)


def test_gcv_does_not_ask_for_units():
    """Neither of length nor of time: scipy's own search does (see ``core.smoothing_splines``)."""
    values = wave(1.0, 200)[:, None] + 0.05 * noise(200, 1, seed=9)
    lambdas = lambda_of(RATE_HZ, np.geomspace(30, 1, 64))
    found = best_lambda(values, lambdas)
    for unit, origin in ((1e-3, 0.0), (1e3, 0.0), (1.0, 1e4), (1e3, -2e4)):
        np.testing.assert_allclose(best_lambda(unit * values + origin, lambdas), found, rtol=1e-5)
    error = of("gcv_spline")(values) - wave(1.0, 200)[:, None]
    assert error.std() < 0.4 * 0.05
    same_samples = smooth(values, 120.0, FilteringConfig(type="gcv_spline", reject_outliers=False))
    np.testing.assert_allclose(same_samples, of("gcv_spline")(values), atol=1e-4)


def test_gcv_smooths_each_column_as_it_needs_and_within_bounds():
    still = wave(0.2, 300) + 0.1 * noise(300, seed=10)
    quick = wave(5.0, 300) + 0.01 * noise(300, seed=11)
    lambdas = lambda_of(RATE_HZ, np.geomspace(30, 1, 64))
    found_hz = RATE_HZ / (2 * np.pi * best_lambda(np.column_stack([still, quick]), lambdas) ** 0.25)
    assert found_hz[0] < 3 < 10 < found_hz[1]
    for factor, hz in ((0, 30.0), (1e12, 1.0)):
        bound = of("gcv_spline", f"filtering.gcv_spline.smoothing_factor={factor}")(still[:, None])
        np.testing.assert_allclose(
            bound, smoothing_splines.cutoff_spline(still[:, None], RATE_HZ, hz), atol=1e-9
        )
