"""A camera is knocked while a rig runs, all processes real: its pictures move, and it is found."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.cameras import Rig
from core.messages import Pose3D, RigPlaces, view
from core.synthetic_pictures import render
from services import synthetic_footage
from services.session import open_session
from services.synthetic_footage import Footage
from tests.command import kinelive
from tests.unit.mending_scenes import knocked

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

RATE_HZ, KNOCK_S, END_S = 10, 16, 30
NAMED_WITHIN_S = 5.0
CAMERA = "cam02"


@dataclass
class Lived:
    """What came of it; seconds count from the knock."""

    session: Path
    named_s: float
    found_s: float
    says: str
    seconds: NDArray[np.float64]
    """(T,) of each instant."""
    error_mm: NDArray[np.float64]
    """(T,) median over keypoints; NaN: nobody."""

    def between(self, begin_s: float, end_s: float) -> float:
        """Median error of a time."""
        part = (self.seconds >= begin_s) & (self.seconds < end_s)
        return float(np.nanmedian(self.error_mm[part]))


def film(folder: Path) -> Footage:
    """One person before four cameras; one is turned by 2 degrees and put 3 cm away meanwhile."""
    footage = synthetic_footage.write(folder, n_people=1, n_frames=END_S * RATE_HZ, rate_hz=RATE_HZ)
    rig = Rig.of(list(footage.models))
    place = rig.index(CAMERA)
    before = footage.models[place]
    pose = knocked(rig, CAMERA, 2.0, 0.03, seed=1).cam_from_world[place]
    after = replace(before, cam_from_world=pose)
    pictures = [
        render(before if t < KNOCK_S * RATE_HZ else after, footage.people_m[:, t]).picture
        for t in range(END_S * RATE_HZ)
    ]
    synthetic_footage.write_video(footage.videos[place], pictures, RATE_HZ)
    return footage


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The rig, from its command line on."""
    folder = tmp_path_factory.mktemp("knocked")
    footage, out = film(folder), folder / "session"
    with footage.run_file.open("a") as file:
        file.write("\n[monitor]\nenabled = false\n[kinematics]\nenabled = false\n")
    how = ("--headless", "--seconds", str(END_S), "--out", str(out))
    done = kinelive("up", str(footage.run_file), *how)
    assert done.returncode == 0, done.stderr
    said = [one.message for one in open_session(out).messages(["pose3d", "rig"])]
    poses = [one for one in said if isinstance(one, Pose3D)]
    knock_ns = next(one.t_ns for one in poses if one.frames[0] >= KNOCK_S * RATE_HZ)
    told = [
        ((one.t_ns - knock_ns) * 1e-9, place)
        for one in said
        if isinstance(one, RigPlaces)
        for place in one.cameras
    ]
    assert {place.camera for _, place in told} == {CAMERA}
    return Lived(
        session=out,
        named_s=told[0][0],
        found_s=next(at_s for at_s, place in told if place.state == "new"),
        says=told[-1][1].says,
        seconds=np.array([(one.t_ns - knock_ns) * 1e-9 for one in poses]),
        error_mm=np.array([error_mm(one, footage) for one in poses]),
    )


def error_mm(pose: Pose3D, footage: Footage) -> float:
    """Median distance of the person's keypoints from the truth; NaN where there is none."""
    if not pose.persons:
        return np.nan
    off_m = view(pose.persons[0], "keypoints_m") - footage.people_m[0, pose.frames[0]]
    return 1e3 * float(np.nanmedian(np.linalg.norm(off_m, axis=-1)))


def test_it_is_named_and_found_again_while_the_rest_goes_on(lived):
    during = lived.between(0.0, lived.found_s)
    before, after = lived.between(-8.0, 0.0), lived.between(lived.found_s + 2.0, 60.0)
    print(
        f"\nnamed after {lived.named_s:.1f} s, new place after {lived.found_s:.1f} s: {lived.says}"
        f"\n3D error, median: before {before:.1f}, until it was found {during:.1f}, after "
        f"{after:.1f} mm"
    )
    assert 0.0 < lived.named_s < NAMED_WITHIN_S
    assert np.isfinite(lived.error_mm[lived.seconds > 0]).mean() > 0.8
    assert after < 1.5 * before + 2.0


def test_the_session_is_computed_again_to_the_last_bit(lived):
    done = kinelive("verify", str(lived.session))
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_told_and_both_calibrations_come_out_of_the_session(lived, tmp_path):
    told = kinelive("inspect", str(lived.session))
    assert f"{CAMERA} moved" in told.stdout
    for at in ("start", "end"):
        target = str(tmp_path / f"{at}.toml")
        assert (
            kinelive("calibrate", "convert", str(lived.session), target, "--at", at).returncode == 0
        )
    assert (tmp_path / "start.toml").read_text() != (tmp_path / "end.toml").read_text()
