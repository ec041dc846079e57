import numpy as np
import pytest

from core import trc
from core.errors import SessionError

MARKERS = ("RHip", "LHip", "Neck")


def some_points(n_frames: int = 5) -> np.ndarray:
    points_m = np.random.default_rng(1).normal(size=(n_frames, 3, 3))
    points_m[2, 1] = np.nan
    points_m[-1, -1] = np.nan
    return points_m


def test_what_is_written_reads_back_to_the_last_bit():
    table = trc.of_world(some_points(), MARKERS, 59.94, np.arange(10, 15))
    again = trc.parse(trc.write(table, "a.trc"))
    np.testing.assert_array_equal(again.points_m, table.points_m)
    np.testing.assert_array_equal(again.frames, table.frames)
    np.testing.assert_array_equal(again.times_s, table.times_s)
    assert (again.markers, again.rate_hz) == (MARKERS, 59.94)
    np.testing.assert_array_equal(trc.to_world(again.points_m), some_points())


def test_the_head_is_what_opensim_expects():
    lines = trc.write(trc.of_world(some_points(), MARKERS, 60, np.arange(5)), "a.trc").splitlines()
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\ta.trc"
    assert lines[2] == "60\t60\t5\t3\tm\t60\t0\t5"
    assert lines[3] == "Frame#\tTime\tRHip\t\t\tLHip\t\t\tNeck\t\t"
    assert lines[4].split("\t") == ["", "", *(f"{a}{n}" for n in (1, 2, 3) for a in "XYZ")]
    assert len(lines) == 5 + 5
    assert lines[6].startswith(f"1\t{1 / 60}\t")


def test_y_is_up_and_missing_cells_are_empty_but_for_the_last():
    points_m = np.array([[[1.0, 2.0, 3.0], [np.nan] * 3, [np.nan] * 3]])
    text = trc.write(trc.of_world(points_m, ("A", "B"), 1, np.array([0])), "a.trc")
    assert text.splitlines()[-1] == "0\t0.0\t2.0\t3.0\t1.0\t\t\t\tNaN\tNaN\tNaN"


def test_millimetres_and_a_blank_line_are_understood():
    text = trc.write(trc.of_world(some_points(), MARKERS, 60, np.arange(5)), "a.trc")
    lines = text.replace("\tm\t", "\tmm\t").splitlines()
    found = trc.parse("\n".join([*lines[:5], "", *lines[5:]]))
    np.testing.assert_allclose(found.points_m, trc.from_world(some_points()) * 1e-3, rtol=1e-12)


@pytest.mark.parametrize("text", ["", "a\nb\nc\nd\ne\nf", "\n" * 9])
def test_what_is_no_trc_is_refused(text):
    with pytest.raises(SessionError, match=r"not a \.trc"):
        trc.parse(text)
