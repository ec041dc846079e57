"""``kinelive augment`` on the balancing trial and on files that lack something."""

import json
from pathlib import Path

import numpy as np
import pytest

from core import trc
from core.errors import ConfigError, SessionError
from core.kinematics.augment_inputs import LOWER, MARKERS, UPPER
from core.trc import Trc
from services import models
from tests.command import kinelive
from tests.unit.kinematics.augment_reference import TRIAL, apart_mm, markers_m, shipped, trial_m
from tools.augment import augment, times_ns


def trial() -> Trc:
    return trc.parse(models.ensure("trial")["Demo_filt_0-100.trc"].read_text())


def written(path: Path, table: Trc) -> Path:
    path.write_text(trc.write(table, path.name))
    return path


def with_only(table: Trc, names: tuple[str, ...]) -> Trc:
    places = [table.markers.index(name) for name in names]
    return Trc(names, table.rate_hz, table.frames, table.times_s, table.points_m[:, places])


def augmented(path: Path, out: Path, *, live: bool = False) -> Trc:
    assert augment(path, TRIAL.height_m, TRIAL.mass_kg, out, live=live) == 0
    return trc.parse(out.read_text())


def test_the_file_holds_the_markers_of_the_published_networks(tmp_path):
    path = models.ensure("trial")["Demo_filt_0-100.trc"]
    found = augmented(path, tmp_path / "new" / "out.trc")
    assert found.markers == MARKERS
    np.testing.assert_array_equal(found.frames, trial().frames)
    np.testing.assert_array_equal(found.times_s, trial().times_s)
    expected_m = markers_m(trial_m(), TRIAL, shipped)
    assert apart_mm(trc.to_world(found.points_m), expected_m) < 0.001


def test_live_writes_the_same_file(tmp_path):
    path = models.ensure("trial")["Demo_filt_0-100.trc"]
    (tmp_path / "a").mkdir()
    for folder, flags in (("a", ()), ("b", ("--live",))):
        out = tmp_path / folder / "out.trc"
        done = kinelive(
            "augment", str(path), "--height", "1.75", "--mass", "70", "--out", str(out),
            "--json", *flags,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        assert (said["frames"], said["frames_with_markers"], said["markers"]) == (100, 100, 43)
        assert said["derived"] == ["Hip"]
        assert said["live"] is bool(flags)
    assert (tmp_path / "a/out.trc").read_bytes() == (tmp_path / "b/out.trc").read_bytes()


@pytest.mark.parametrize("rate_hz", [30.0, 50.0, 100.0, 120.0])
def test_live_writes_the_same_file_at_other_rates_and_with_gaps(tmp_path, rate_hz):
    table, rng = trial(), np.random.default_rng(0)
    points_m = np.where(rng.random((100, 21, 1)) < 0.05, np.nan, table.points_m)
    moved = Trc(table.markers, rate_hz, table.frames, table.frames / rate_hz, points_m)
    path = written(tmp_path / "in.trc", moved)
    whole, live = (
        augmented(path, tmp_path / "out.trc", live=one).points_m for one in (False, True)
    )
    np.testing.assert_array_equal(whole, live)
    assert np.isfinite(whole[5:]).all()


def test_the_inputs_can_be_kept(tmp_path):
    path = written(tmp_path / "in.trc", trial())
    out = tmp_path / "out.trc"
    assert augment(path, 1.75, 70, out, keep_input=True) == 0
    found = trc.parse(out.read_text())
    assert found.markers == (*trial().markers, *MARKERS)
    np.testing.assert_array_equal(found.points_m[:, :21], trial().points_m)


def test_a_half_without_its_keypoints_is_skipped_and_said(tmp_path, capsys):
    table = trial()
    names = tuple(name for name in table.markers if name not in ("RHeel", "LWrist", "LBigToe"))
    path = written(tmp_path / "in.trc", with_only(table, names))
    with pytest.raises(ConfigError, match=r"lower: RHeel, LBigToe; upper: LWrist.*There are: RHip"):
        augment(path, 1.75, 70, tmp_path / "out.trc")
    path = written(tmp_path / "in.trc", with_only(table, (*names, "LWrist")))
    assert augmented(path, tmp_path / "out.trc").markers == UPPER.gives
    assert "lower body skipped: no RHeel, LBigToe" in capsys.readouterr().err
    names = tuple(name for name in table.markers if "Elbow" not in name)
    path = written(tmp_path / "in.trc", with_only(table, names))
    assert augmented(path, tmp_path / "out.trc").markers == LOWER.gives


def test_small_toes_are_derived_and_said(tmp_path, capsys):
    names = tuple(name for name in trial().markers if "SmallToe" not in name)
    path = written(tmp_path / "in.trc", with_only(trial(), names))
    found = augmented(path, tmp_path / "out.trc")
    assert "RSmallToe is not in the file; derived from the rest" in capsys.readouterr().err
    assert found.markers == MARKERS
    whole = augmented(written(tmp_path / "whole.trc", trial()), tmp_path / "out.trc")
    far_mm = 1e3 * np.linalg.norm(found.points_m - whole.points_m, axis=-1)
    print(f"with derived small toes: {far_mm.mean():.1f} mm mean, {far_mm.max():.1f} mm at most")
    assert far_mm.mean() < 10


def test_a_file_without_anybody_is_an_answer(tmp_path):
    table = trial()
    empty = np.full_like(table.points_m, np.nan)
    nobody = Trc(table.markers, 60, table.frames, table.times_s, empty)
    path = written(tmp_path / "in.trc", nobody)
    assert augment(path, 1.75, 70, tmp_path / "out.trc") == 1
    assert np.isnan(trc.parse((tmp_path / "out.trc").read_text()).points_m).all()


def test_what_cannot_be_is_said_without_a_traceback(tmp_path):
    path = models.ensure("trial")["Demo_filt_0-100.trc"]
    for file, height, why in (
        (tmp_path / "none.trc", "1.75", "cannot be read"),
        (path, "175", "expected 0.5 to 2.6 m"),
    ):
        done = kinelive(
            "augment", str(file), "--height", height, "--mass", "70", "--out", str(tmp_path / "o")
        )
        assert done.returncode == 2
        assert why in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "o").exists()


def test_times_are_the_rates_where_they_are_but_rounded():
    frames = np.arange(60)
    points_m = np.zeros((60, 1, 3))

    def of(times_s: np.ndarray, rate_hz: float = 60) -> list[int]:
        return times_ns(Trc(("Hip",), rate_hz, frames, times_s, points_m), Path("a.trc"))

    exact = [round(frame * 1e9 / 60) for frame in frames]
    assert of(np.round(frames / 60 + 2, 3)) == exact
    assert of(frames / 60, rate_hz=30) == exact
    half = frames / 30
    assert of(half) == [round(one * 1e9) for one in half]
    with pytest.raises(SessionError, match="do not rise"):
        of(np.zeros(60))
