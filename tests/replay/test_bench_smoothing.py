"""What the offline filters make of the published balancing trial, beside Pose2Sim's figures."""

import pytest

from tools import bench_smoothing

PEER = {  # RMS change mm, mean |acceleration| m/s², as Pose2Sim 0.10.49 filters the same points
    "none": (0.0, 49.8), "hampel": (5.6, 42.2), "butterworth": (9.7, 4.2),
    "acc_minimizing": (9.5, 4.5), "kalman": (10.4, 3.5), "one_euro": (9.9, 5.4),
    "gcv_spline": (8.7, 8.6), "gaussian": (7.4, 10.5), "loess": (7.2, 13.7), "median": (7.6, 28.5),
    "butterworth_on_speed": (9.0, 8.3),
}  # fmt: skip


@pytest.mark.bench
def test_filters_change_the_trial_as_much_as_pose2sims():
    rows = {str(row["filter"]): row for row in bench_smoothing.measure(1)}
    for name, (change_mm, acceleration_m_s2) in PEER.items():
        row = rows[name]
        print(row)
        assert row["rms_change_mm"] == pytest.approx(change_mm, rel=0.1)
        assert row["mean_abs_acceleration_m_s2"] == pytest.approx(acceleration_m_s2, rel=0.16)
    assert rows["kalman of filterpy"]["rms_change_mm"] == pytest.approx(
        rows["kalman"]["rms_change_mm"], rel=0.01
    )
