import numpy as np

from tests import c3d_reader
from tools import c3d_files


def test_gaps_have_residual_minus_one_and_frames_their_numbers(tmp_path):
    points_m = np.random.default_rng(0).normal(0, 1, (7, 3, 3))
    points_m[2:4, 1] = np.nan
    path = tmp_path / "a.c3d"
    path.write_bytes(c3d_files.encode(points_m, ("A", "r.B_study", "C"), 59.94, 40))
    file = c3d_reader.read(path)
    expected = np.zeros((7, 3))
    expected[2:4, 1] = -1
    np.testing.assert_array_equal(file["residuals"], expected)
    seen = expected == 0
    np.testing.assert_allclose(file["points_mm"][seen], 1e3 * points_m[seen], atol=1e-3)
    assert file["first_frame"] == 40
    assert list(file["labels"]) == ["A", "r.B_study", "C"]
    assert list(file["said"]) == ["mm", "+X", "+Z"]
