"""Live devices with hardware times on two hosts: the truth of each capture time is known.

The devices of both hosts see one walker, who is where their own monotonic clock says. These clocks
are apart by a multiple of his periods (0.9 strides a second; a round in 2 pi s, to 60 us), so that
he is in one place.
"""

from pathlib import Path

import numpy as np
import pytest

from core.messages import Pose3D, view
from services import synthetic_rig
from tests.faults.hosts_run import DISTANT, NEAR, joining, recorded, running
from tests.faults.two_hosts import HUB

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

RATE_HZ, SMALLER, SETTLED_NS = 10, 3, 3_000_000_000
APART_S = 710
UNLIKE = {"cam02": 40.0, "cam03": -60.0, "cam04": 25.0}  # ppm


def write_rig(folder: Path) -> Path:
    run = synthetic_rig.write(folder, rate_hz=RATE_HZ, smaller=SMALLER)
    cameras = "".join(
        f'''
[[cameras]]
name = "{one.name}"
driver = "synthetic"
host = "{"lab2" if one.name in DISTANT else ""}"
reduce = 1
[cameras.synthetic]
place = {one.synthetic.place}
rate_hz = {RATE_HZ}
smaller = {SMALLER}
drift_ppm = {UNLIKE.get(one.name, 0.0)}
'''
        for one in run.cameras
    )
    file = folder / "run.toml"
    file.write_text(f'''calibration = "{run.calibration}"
{cameras}
[bus]
host = "{HUB}"
[monitor]
enabled = false
[kinematics]
enabled = false
[pose]
model = "custom"
detector_path = "{run.pose.detector_path}"
pose_path = "{run.pose.pose_path}"
skeleton = "{run.pose.skeleton}"
provider = "cpu"
''')
    return file


def test_capture_times_of_both_hosts_are_true_and_their_cameras_fuse(hosts, tmp_path):
    out = tmp_path / "session"
    rig = write_rig(tmp_path / "rig")
    with (
        joining(hosts, HUB, tmp_path / "far.log", apart_s=APART_S) as far,
        running(hosts, rig, out, far) as run,
    ):
        run.more(80, NEAR + DISTANT)
        run.end()
    found = recorded(out, APART_S)
    found.print("quiet link")
    offset_ns = found.session.manifest.clock_offset_ns
    for name in NEAR + DISTANT:
        packets = found.packets(name)
        settled = [one for one in packets if one.t_ns > packets[0].t_ns + SETTLED_NS]
        error_ns = np.array([off_grid_ns(one.t_ns - offset_ns) for one in settled])
        stated_ns = np.array([one.time_uncertainty_ns for one in settled])
        print(
            f"{name}: {len(settled)} capture times off by {np.median(error_ns) * 1e-6:+.3f} ms "
            f"(median), at most {np.abs(error_ns).max() * 1e-6:.3f} ms; stated "
            f"{np.median(stated_ns) * 1e-6:.3f} ms"
        )
        assert {one.time_origin for one in settled} == {"hardware"}
        assert (np.abs(error_ns) <= stated_ns).mean() >= 0.95
    off_mm = fused_off_mm(run.poses, offset_ns)
    print(f"fused keypoints off by {np.nanmedian(off_mm):.1f} mm (median)")
    assert np.nanmedian(off_mm) < 15


def off_grid_ns(monotonic_ns: int) -> float:
    """How far from the nearest true exposure, on the hub's monotonic clock."""
    period_ns = 1e9 / RATE_HZ
    return (monotonic_ns + period_ns / 2) % period_ns - period_ns / 2


def fused_off_mm(poses: list[Pose3D], offset_ns: int) -> np.ndarray:
    """Of all keypoints of instants that all cameras saw, to where the walker was."""
    begin_ns = poses[0].t_ns + SETTLED_NS
    off_m = [
        synthetic_rig.off_m(view(person, "measured_m"), pose.t_ns - offset_ns)
        for pose in poses
        if pose.t_ns > begin_ns and pose.cameras == NEAR + DISTANT
        for person in pose.persons
    ]
    return 1000 * np.concatenate(off_m)
