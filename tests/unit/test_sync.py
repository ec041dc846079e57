"""Offsets of cameras from movement: walkers with a known truth, and what cannot be told."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from core import synthetic, synthetic_sync
from core.errors import CalibrationError
from core.jit import plain
from core.sync import distances, fractions, kernels, lags, speed, synchronise
from core.sync.found import Found, Views
from core.sync.lags import Table
from core.sync.people import main_person
from core.sync.settings import SyncConfig
from core.synthetic_scenes import miscalibrated

RIG = synthetic.ring(3)
OFFSETS = [0.0, 7.3, -11.6]
CONFIG = SyncConfig()


def found(views: Views, *, rig=RIG, reference: int = 0, config: SyncConfig = CONFIG) -> Found:
    return synchronise(views, rig, "epipolar", reference, config)


def doubts(one: Found) -> list[bool]:
    return [bool(offset.doubt) for offset in one.offsets]


def errors(one: Found, truth: list[float]) -> np.ndarray:
    off = np.array([offset.offset_frames for offset in one.offsets]) - truth
    return np.abs(off)


def test_fractions_of_a_frame_are_found():
    one = found(synthetic_sync.views(RIG, 240, OFFSETS))
    assert one.certain
    assert one.method == "epipolar"
    assert errors(one, OFFSETS).max() < 0.1
    assert all(errors(one, OFFSETS) <= [offset.uncertainty_frames for offset in one.offsets])
    assert [offset.drift_ppm for offset in one.offsets] == [None] * 3
    assert one.noise_px == pytest.approx(2.0, rel=0.2)


def test_a_wrong_calibration_does_not_draw_the_time():
    really = miscalibrated(RIG, 1.0, 0.03)
    one = found(synthetic_sync.views(really, 240, OFFSETS))
    assert one.certain
    assert errors(one, OFFSETS).max() < 0.1


def test_a_keypoint_beside_the_joint_does_not_draw_the_time():
    views = synthetic_sync.views(RIG, 240, OFFSETS)
    beside = np.random.default_rng(0).normal(0.0, 15.0, (3, 1, 26, 2))
    one = found(replace(views, points_px=views.points_px + beside))
    assert one.certain
    assert errors(one, OFFSETS).max() < 0.1


def test_the_reference_may_be_any_camera():
    views = synthetic_sync.views(RIG, 240, OFFSETS)
    one = found(views, reference=2)
    assert one.reference == "cam03"
    assert one.offsets[2].offset_frames == 0.0
    assert errors(one, [0 - OFFSETS[2], OFFSETS[1] - OFFSETS[2], 0.0]).max() < 0.1


def test_missing_and_wild_keypoints_do_little():
    views = synthetic_sync.views(RIG, 240, OFFSETS)
    rng = np.random.default_rng(1)
    points_px, confidence = views.points_px.copy(), views.confidence.copy()
    wild = rng.random(confidence.shape) < 0.05
    points_px[wild] += rng.normal(0.0, 100.0, (wild.sum(), 2))
    missing = rng.random(confidence.shape) < 0.2
    points_px[missing], confidence[missing] = np.nan, 0.0
    one = found(Views(views.names, views.rate_hz, points_px, confidence))
    assert one.certain
    assert errors(one, OFFSETS).max() < 0.15


def test_low_frame_rates():
    offsets = [0.0, 2.4, -3.3]
    one = found(synthetic_sync.views(RIG, 150, offsets, rate_hz=15.0))
    assert one.certain
    assert errors(one, offsets).max() < 0.1


def test_the_uncertainty_covers_the_truth():
    covered = []
    for seed in range(12):
        offsets = np.append(0.0, np.random.default_rng(seed).uniform(-15, 15, 2)).tolist()
        really = miscalibrated(RIG, 0.5, 0.015, seed)
        views = synthetic_sync.views(
            really, 180, offsets, noise_px=4.0, noise_memory=0.8, seed=seed
        )
        one = found(views)
        wide = np.array([offset.uncertainty_frames for offset in one.offsets])
        covered += (errors(one, offsets) <= wide)[1:].tolist()
        assert wide[1:].min() > 0
        assert wide.max() < 1.0
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("n_frames", [120, 600])
def test_who_stands_still_tells_nothing(n_frames):
    one = found(synthetic_sync.views(RIG, n_frames, OFFSETS, lambda t_s: synthetic.standing_m()))
    assert doubts(one)[1:] == [True, True]


def other(t_s: float) -> np.ndarray:
    """Somebody else, elsewhere and at another pace."""
    place = np.array([1.5 * np.cos(0.7 * t_s), 0.8 * np.sin(0.9 * t_s)])
    return synthetic.at(1.13 * t_s, place, 0.5 * t_s)


def test_a_camera_that_shows_somebody_else_is_named():
    walk = synthetic_sync.walk
    rig, offsets = synthetic.ring(4), [0.0, 5.0, -8.0, 11.0]
    views = synthetic_sync.views(rig, 600, offsets, [walk, walk, other, walk])
    one = found(views, rig=rig)
    assert doubts(one) == [False, False, True, False]
    assert errors(one, offsets)[[1, 3]].max() < 0.5


def test_the_reference_that_shows_somebody_else_dooms_all():
    walk = synthetic_sync.walk
    rig, offsets = synthetic.ring(4), [0.0, 5.0, -8.0, 11.0]
    views = synthetic_sync.views(rig, 600, offsets, [other, walk, walk, walk])
    assert doubts(found(views, rig=rig)) == [False, True, True, True]
    one = found(views, rig=rig, reference=1)
    assert doubts(one) == [True, False, False, False]


@pytest.mark.parametrize("seed", range(4))
def test_steps_on_the_spot_repeat_themselves(seed):
    """A stride later everything is the same: what is told must be right all the same."""
    offsets = np.append(0.0, np.random.default_rng(seed).uniform(-20, 20, 2)).tolist()
    views = synthetic_sync.views(
        RIG, 240, offsets, lambda t_s: synthetic.at(t_s, np.zeros(2), 0.0), seed=seed
    )
    one = found(views)
    off = errors(one, offsets)
    assert all(offset.doubt or off[place] < 0.5 for place, offset in enumerate(one.offsets))


def test_an_offset_beyond_the_window_is_not_told():
    offsets = [0.0, 5.0, 75.0]
    views = synthetic_sync.views(RIG, 600, offsets)
    assert doubts(found(views)) == [False, False, True]
    wide = found(views, config=msgspec.structs.replace(CONFIG, window_s=1.5))
    assert wide.certain
    assert errors(wide, offsets).max() < 0.1


def test_too_little_overlap():
    views = synthetic_sync.views(RIG, 240, OFFSETS)
    confidence = views.confidence.copy()
    confidence[2, 20:] = 0.0
    one = found(replace(views, confidence=confidence))
    assert doubts(one) == [False, False, True]
    assert "in common" in one.offsets[2].doubt


def test_nobody_at_all():
    nothing = np.full((3, 100, 26, 2), np.nan)
    one = found(Views(RIG.names, 60.0, nothing, np.zeros((3, 100, 26))))
    assert doubts(one)[1:] == [True, True]
    slow = synchronise(Views(RIG.names, 60.0, nothing, np.zeros((3, 100, 26))), None, "auto", 0,
                       CONFIG)  # fmt: skip
    assert slow.method == "speed"
    assert doubts(slow)[1:] == [True, True]


@pytest.mark.slow
def test_drift_of_ten_minutes():
    drift_ppm = [0.0, 50.0, -50.0]
    one = found(synthetic_sync.views(RIG, 36_000, OFFSETS, drift_ppm=drift_ppm))
    assert one.certain
    told = [offset.drift_ppm for offset in one.offsets[1:]]
    assert np.abs(np.array(told, dtype=float) - drift_ppm[1:]).max() < 2.0
    assert errors(one, OFFSETS).max() < 0.1


def test_drift_is_stated_where_it_means_something():
    views = synthetic_sync.views(RIG, 7200, OFFSETS, drift_ppm=[0, 50, -50], rate_hz=30.0)
    one = found(views)
    for offset, true in zip(one.offsets[1:], (50, -50), strict=True):
        assert offset.drift_ppm is not None
        assert offset.drift_uncertainty_ppm is not None
        assert abs(offset.drift_ppm - true) <= 2 * offset.drift_uncertainty_ppm < 10.0
    minute = replace(
        views, points_px=views.points_px[:, :1800], confidence=views.confidence[:, :1800]
    )
    assert [offset.drift_ppm for offset in found(minute).offsets] == [None] * 3


def test_costs_are_those_of_plain_numpy():
    views = synthetic_sync.views(RIG, 60, [0.0, 3.0, 0.0])
    points_px = distances.ideal_px(views, RIG, CONFIG)
    points_px[0, 5:9, 3] = np.nan
    (fundamental,) = distances.fundamentals(RIG, np.array([[0, 1]]))
    sums, counts = np.zeros((2, 26, 1)), np.zeros((2, 26, 1))
    kernels.curves(
        plain(points_px[0]), plain(points_px[1]), plain(fundamental), np.array([3]),
        np.array([[0, 30], [30, 60]]), np.arange(60) // 30, 6.0, sums, counts,
    )  # fmt: skip
    a = np.append(points_px[0, :57], np.ones((57, 26, 1)), axis=-1)
    b = np.append(points_px[1, 3:], np.ones((57, 26, 1)), axis=-1)
    line_b, line_a = a @ fundamental.T, b @ fundamental
    steep = np.sqrt((line_b[..., :2] ** 2).sum(-1) + (line_a[..., :2] ** 2).sum(-1))
    off = (b * line_b).sum(-1) / steep
    for block, part in enumerate((off[:30], off[30:])):
        square = (part - np.nanmedian(part, axis=0)) ** 2
        np.testing.assert_allclose(
            sums[block, :, 0], np.nansum(square / (square + 36.0), axis=0), atol=1e-9
        )
        np.testing.assert_array_equal(counts[block, :, 0], np.isfinite(part).sum(axis=0))


def test_fundamental_matrices_fit_the_rig():
    views = synthetic_sync.views(RIG, 10, [0.0] * 3, noise_px=0.0)
    points_px = distances.ideal_px(views, RIG, CONFIG)
    pairs = lags.pairs_of(3)
    for (a, b), fundamental in zip(pairs, distances.fundamentals(RIG, pairs), strict=True):
        first = np.append(points_px[a], np.ones((10, 26, 1)), axis=-1)
        second = np.append(points_px[b], np.ones((10, 26, 1)), axis=-1)
        line = first @ fundamental.T
        off = (second * line).sum(axis=-1) / np.linalg.norm(line[..., :2], axis=-1)
        assert np.abs(off).max() < 1e-3


def test_centre_of_an_even_curve():
    around = np.arange(-9, 10)
    curves = np.stack(
        [0.3 + 0.01 * (around - c) ** 2 - 1e-5 * (around - c) ** 4 for c in (0.3, -2.7)]
    )
    centre, bend = fractions.centres(around, curves, 6.0)
    np.testing.assert_allclose(centre, [0.3, -2.7], atol=1e-6)
    np.testing.assert_allclose(bend, 0.01, rtol=1e-6)
    nowhere, _ = fractions.centres(around, -curves, 6.0)
    assert np.isnan(nowhere).all()


def test_one_bad_pair_does_not_draw_the_offsets():
    pairs = lags.pairs_of(4)
    truth = np.array([0.0, 3.2, -1.5, 6.0])
    lag = truth[pairs[:, 1]] - truth[pairs[:, 0]]
    lag[4] += 5.0
    offsets = fractions.solve(pairs, lag, np.ones(6), 4, 0)
    assert np.abs(offsets - truth).max() < 0.1


def test_whole_frames_agree_over_all_pairs():
    """A pair whose own best lag is wrong is overruled by the others."""
    pairs, truth = lags.pairs_of(4), np.array([0, 4, -6, 9])
    around = np.arange(-20, 21)
    lag = truth[pairs[:, 1]] - truth[pairs[:, 0]]
    curves = 1.0 - np.exp(-0.5 * ((around - lag[:, None]) / 3.0) ** 2)
    curves[0] -= 1.1 * np.exp(-0.5 * ((around + 15) / 3.0) ** 2)
    table = Table.of(pairs, curves, np.ones(6))
    np.testing.assert_array_equal(lags.whole_frames(table, 4, 0), truth)


def test_speed_tells_somebody_who_goes_up_and_down():
    views = synthetic_sync.views(RIG, 600, OFFSETS, synthetic_sync.squat)
    one = synchronise(views, None, "auto", 0, CONFIG)
    assert one.method == "speed"
    assert one.certain
    assert errors(one, OFFSETS).max() < 0.5
    assert one.correlation is not None
    assert one.correlation > 0.9


def test_speed_says_nothing_wrong_of_a_walker():
    for seed in range(4):
        views = synthetic_sync.views(RIG, 300, OFFSETS, seed=seed)
        one = synchronise(views, RIG, "speed", 0, CONFIG)
        off = errors(one, OFFSETS)
        assert all(bool(offset.doubt) or off[place] <= 2 * offset.uncertainty_frames + 0.1
                   for place, offset in enumerate(one.offsets))  # fmt: skip


def test_correlation_finds_a_shift():
    rng = np.random.default_rng(0)
    a = np.cumsum(rng.normal(size=(200, 3)), axis=0)
    b = np.full_like(a, np.nan)
    b[:193] = a[7:]
    r = speed.correlation(a, b, 20, 10)
    assert np.nanargmax(r) - 20 == -7
    assert np.nanmax(r) == pytest.approx(1.0)
    assert np.isnan(speed.correlation(a, b, 20, 250)).all()


def test_epipolar_needs_a_calibration():
    views = synthetic_sync.views(RIG, 60, OFFSETS)
    with pytest.raises(CalibrationError, match="--method speed"):
        synchronise(views, None, "epipolar", 0, CONFIG)


def box(x_px: float, tall_px: float, likelihood: float = 0.9) -> np.ndarray:
    """A person of four keypoints."""
    points = np.array([[x_px, 0.0], [x_px, tall_px], [x_px - 10, 50.0], [x_px + 10, 50.0]])
    return np.column_stack([points, np.full(4, likelihood)])


def test_the_main_person_is_followed():
    """Through a frame in which a bystander is larger, and one without anybody."""
    people = {n: [box(100.0 + n, 200.0), box(500.0, 150.0)] for n in range(9)}
    people[3] = [box(500.0, 260.0), box(103.0, 200.0)]
    del people[5]
    person = main_person(people, 9, 4)
    np.testing.assert_array_equal(person[[0, 3, 8], 0, 0], [100.0, 103.0, 108.0])
    assert np.isnan(person[5, :, :2]).all()
    assert (person[5, :, 2] == 0).all()
