import numpy as np
import pytest
from scipy.interpolate import interp1d

from core import gaps, process_config
from core.filtering import Cleaned, clean, counts, suffix
from core.smoothing_config import GapsConfig

RATE_HZ = 60.0


def settings(*assignments: str) -> GapsConfig:
    return process_config.build({}, [f"gaps.{one}" for one in assignments]).gaps


def points(n: int = 100, n_keypoints: int = 3, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.01, (n, n_keypoints, 3))
    return steps.cumsum(axis=0)


def without(values: np.ndarray, *gone: tuple[slice, slice | int]) -> np.ndarray:
    holes = values.copy()
    for rows, keypoints in gone:
        holes[rows, keypoints] = np.nan
    return holes


def cleaned(values: np.ndarray, *assignments: str) -> Cleaned:
    config = process_config.build({}, assignments)
    return clean(values, RATE_HZ, config.gaps, config.filtering)


@pytest.mark.parametrize("kind", ["linear", "quadratic", "cubic"])
def test_interpolation_is_scipys(kind):
    holes = without(points(), (slice(10, 15), 0), (slice(40, 60), 0), (slice(70, 91), 1))
    closed = gaps.interpolate(holes, settings(f"interpolation={kind}"))
    for keypoint, rows in ((0, slice(0, 100)), (1, slice(0, 70))):
        for axis in range(3):
            seen = np.flatnonzero(np.isfinite(holes[:, keypoint, axis]))
            peer = interp1d(seen, holes[seen, keypoint, axis], kind=kind)
            expected = peer(np.arange(100))[rows]
            np.testing.assert_allclose(closed[rows, keypoint, axis], expected, rtol=0, atol=1e-9)
    there = np.isfinite(holes)
    np.testing.assert_array_equal(closed[there], holes[there])


def test_a_straight_line_is_closed_exactly():
    line = np.arange(60.0)[:, None, None] * np.ones((1, 1, 3))
    holes = without(line, (slice(20, 40), 0))
    for kind in ("linear", "quadratic", "cubic"):
        closed = gaps.interpolate(holes, settings(f"interpolation={kind}"))
        np.testing.assert_allclose(closed, line, atol=1e-9)


def test_what_is_not_interpolated():
    """Long gaps, both ends, and what was hardly ever seen."""
    holes = without(
        points(),
        (slice(40, 61), 0), (slice(0, 5), 1), (slice(95, 100), 1), (slice(0, 80), 2),
        (slice(84, 100), 2), (slice(82, 83), 2),
    )  # fmt: skip
    np.testing.assert_array_equal(gaps.interpolate(holes, settings()), holes)
    hole = without(points(), (slice(40, 41), 0))
    np.testing.assert_array_equal(gaps.interpolate(hole, settings("interpolation=none")), hole)
    np.testing.assert_array_equal(gaps.interpolate(hole, settings("longest_gap_frames=0")), hole)
    shorter = gaps.interpolate(holes, settings("longest_gap_frames=21"))
    assert np.isfinite(shorter[:, 0]).all()


def test_sections():
    """9, 20, 30 and 12 frames, gaps of any keypoint do not matter as long as one is there."""
    all_gone = [(slice(a, b), slice(None)) for a, b in ((9, 15), (35, 40), (70, 75))]
    holes = without(points(87), *all_gone, (slice(40, 70), 0))
    expected = {"all": (15, 87), "largest": (40, 70), "first": (15, 35), "last": (75, 87)}
    for which, (start, stop) in expected.items():
        kept = gaps.section(holes, settings(f"sections_to_keep={which}"))
        assert kept == slice(start, stop)
        left = gaps.only(holes, kept)
        np.testing.assert_array_equal(left[start:stop], holes[start:stop])
        assert np.isnan(left[:start]).all()
        assert np.isnan(left[stop:]).all()
    assert gaps.section(holes, settings("min_section_frames=9")) == slice(0, 87)
    assert gaps.section(holes, settings("min_section_frames=31")) == slice(0, 0)


def test_large_gaps_hold_what_is_asked_for():
    holes = without(points(), (slice(0, 30), 0), (slice(50, 90), 0), (slice(0, 100), 1))
    kept = slice(10, 95)
    np.testing.assert_array_equal(gaps.fill(holes, kept, settings()), holes)
    zeros = gaps.fill(holes, kept, settings("fill_large=zeros"))
    assert not zeros[50:90, 0].any()
    assert not zeros[10:95, 1].any()
    held = gaps.fill(holes, kept, settings("fill_large=last_value"))
    np.testing.assert_array_equal(held[50:90, 0], np.tile(holes[49, 0], (40, 1)))
    np.testing.assert_array_equal(held[10:30, 0], np.tile(holes[30, 0], (20, 1)))
    assert np.isnan(held[:, 1]).all()
    for filled in (zeros, held):
        np.testing.assert_array_equal(filled[:10], holes[:10])
        np.testing.assert_array_equal(filled[30:50, [0, 2]], holes[30:50, [0, 2]])
        np.testing.assert_array_equal(filled[95:, 0], holes[95:, 0])


def test_all_of_it_keeps_the_number_of_frames():
    holes = without(points(120), (slice(0, 5), slice(None)), (slice(20, 25), 0), (slice(60, 90), 1))
    given = holes.copy()
    result = cleaned(holes)
    np.testing.assert_array_equal(holes, given)
    assert result.points_m.shape == holes.shape
    assert np.isnan(result.points_m[:5]).all()
    assert np.isfinite(result.points_m[5:, 0]).all()
    assert np.isnan(result.points_m[60:90, 1]).all()
    assert counts(result, (0, 1, 2)) == {"interpolated": 5, "left_out": 0, "filled": 0}
    held = cleaned(holes, "gaps.fill_large=last_value")
    assert counts(held, (0, 1, 2)) == {"interpolated": 5, "left_out": 0, "filled": 30}
    assert counts(held, (0, 2)) == {"interpolated": 5, "left_out": 0, "filled": 0}
    there = np.isfinite(result.points_m)
    np.testing.assert_array_equal(held.points_m[there], result.points_m[there])


def test_what_is_left_out_is_counted():
    holes = without(points(60), (slice(4, 30), slice(None)))
    result = cleaned(holes)
    assert np.isnan(result.points_m[:30]).all()
    assert counts(result, range(3)) == {"interpolated": 0, "left_out": 12, "filled": 0}
    assert np.isfinite(cleaned(holes, "gaps.min_section_frames=4").points_m[:4]).all()
    nobody = cleaned(points(9))
    assert np.isnan(nobody.points_m).all()
    assert counts(nobody, range(3))["left_out"] == 27


def test_filtering_can_be_switched_off():
    holes = without(points(60), (slice(4, 6), slice(None)))
    result = cleaned(holes, "filtering.enabled=false", "gaps.fill_large=zeros")
    np.testing.assert_array_equal(result.points_m, holes)
    assert counts(result, range(3)) == {"interpolated": 0, "left_out": 0, "filled": 0}


def test_the_name_says_the_filter():
    build = process_config.build
    assert suffix(build({}).filtering) == "_filt_butterworth"
    assert suffix(build({}, ["filtering.type=one_euro"]).filtering) == "_filt_one_euro"
    assert suffix(build({}, ["filtering.enabled=false"]).filtering) == ""
