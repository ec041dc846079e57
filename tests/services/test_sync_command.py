"""``kinelive sync`` on the published trial cut by known offsets, and its files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import synthetic, synthetic_sync
from core.errors import CalibrationError, ConfigError, SessionError
from core.sync.settings import SyncConfig
from services import models, recordings
from services.import_session import import_project
from services.project import open_project
from tests.services.trial_project import TRIAL_CONFIG, calibration_of, write_project
from tools import bench_live_sync, bench_sync
from tools.sync import sync

CUT = (3, 17, 0, 9)
NAMES = ("cam01", "cam02", "cam03", "cam04")


def trial(folder: Path, cut: tuple[int, ...] = CUT, *, calibrated: bool = True) -> Path:
    """The trial with everybody in the pictures, each camera begun later and counted from 0."""
    files = models.ensure("trial")
    for camera, first in enumerate(cut):
        target = folder / "pose" / f"cam{camera + 1}_json"
        target.mkdir(parents=True)
        for number in range(first, 100):
            name = f"cam{camera + 1:02d}.{number:04d}.json"
            source = files["pose-2d"] / target.name / name
            shutil.copy(source, target / f"cam{camera + 1:02d}.{number - first:04d}.json")
    (folder / "Config.toml").write_text(TRIAL_CONFIG)
    if calibrated:
        (folder / "calibration").mkdir()
        shutil.copy(files["Calib_qca.toml"], folder / "calibration")
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_trial_is_found_exactly(tmp_path, capsys):
    assert sync(trial(tmp_path / "cut"), json=True) == 0
    found = said(capsys)
    about = found.pop("_about")
    assert tuple(found) == NAMES
    assert [round(one["offset_frames"]) for one in found.values()] == [0, -14, 3, -6]
    assert set(found["cam02"]) == {"offset_frames", "offset_s", "uncertainty_s", "drift_ppm"}
    for one in found.values():
        assert one["offset_s"] == pytest.approx(one["offset_frames"] / 60)
        assert one["uncertainty_s"] < 1 / 60
        assert one["drift_ppm"] is None
    assert (about["method"], about["reference"], about["certain"]) == ("epipolar", "cam01", True)


def test_another_reference(tmp_path, capsys):
    assert sync(trial(tmp_path / "cut"), reference="cam03", json=True) == 0
    found = said(capsys)
    assert [round(found[name]["offset_frames"]) for name in NAMES] == [-3, -17, 0, -9]


def test_patterns_of_offsets():
    """Epipolar: all exact; the speeds: never sure of something wrong."""
    views, rig = bench_sync.trial()
    row = bench_sync.patterns(views, rig, "epipolar", 5, seed=1)
    assert (row["all exact"], row["told"], row["cameras told wrong"]) == (5, 5, 0)
    row = bench_sync.patterns(views, rig, "speed", 5, seed=1)
    assert row["cameras told wrong"] == 0


def test_fractions_of_the_trial():
    views, rig = bench_sync.trial()
    assert float(bench_sync.fractions(views, rig)["worst"]) < 0.1


def test_the_trial_that_is_in_time_is_never_shifted(capsys):
    """Free-running, as it were: what the networks get wrong is no reason to move the clock."""
    rows = bench_live_sync.in_time(*bench_sync.trial(), 40.0)
    with capsys.disabled():
        print(f"\n{rows}")
    assert all(float(row["windows"]) >= 3 for row in rows)
    assert all(row["largest shift ms"] == 0.0 for row in rows)


def test_the_written_project_is_synchronous(tmp_path, capsys):
    out = tmp_path / "out"
    assert sync(trial(tmp_path / "cut"), out=out) == 0
    assert "pose-sync" in capsys.readouterr().out
    project = open_project(out)
    assert project.stage.name == "pose-sync"
    assert min(project.files["cam03"]) == 0
    first = recordings.load(out).recording
    original = open_project(trial(tmp_path / "original", (0, 0, 0, 0)))
    whole = recordings.load(original.path).recording
    shifted = whole.points_px[3 : 3 + len(first.frames)]
    both = np.isfinite(shifted) & np.isfinite(first.points_px)
    assert both.mean() > 0.6
    np.testing.assert_array_equal(first.points_px[both], shifted[both])
    assert sync(out, json=True) == 0
    again = said(capsys)
    assert [round(again[name]["offset_frames"]) for name in NAMES] == [0, 0, 0, 0]


def test_into_its_own_folder_twice(tmp_path):
    project = trial(tmp_path / "cut")
    calibration = (project / "calibration" / "Calib_qca.toml").read_text()
    stale = project / "pose-sync" / "cam1_json" / "cam01.000999.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    assert sync(project, out=project) == 0
    names = sorted(one.name for one in (project / "pose-sync" / "cam1_json").iterdir())
    assert sync(project, out=project) == 0
    assert names == sorted(one.name for one in (project / "pose-sync" / "cam1_json").iterdir())
    assert not stale.exists()
    assert names[0] == "cam01.000000.json"
    assert (project / "Config.toml").read_text() == TRIAL_CONFIG
    assert (project / "calibration" / "Calib_qca.toml").read_text() == calibration
    assert open_project(project).stage.name == "pose-sync"


def test_older_associated_keypoints_are_named(tmp_path, capsys):
    project = trial(tmp_path / "cut")
    shutil.copytree(project / "pose", project / "pose-associated")
    assert sync(project, out=project) == 0
    assert "pose-associated is older" in capsys.readouterr().err


def test_settings_of_several_levels_come_along(tmp_path):
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "Config.toml").write_text('[pose]\npose_model = "BODY_25B"\n')
    project = trial(tmp_path / "batch" / "cut")
    (project / "Config.toml").write_text(
        "[project]\nframe_rate = 60\nframe_range = [5, 60]\n[filtering]\nfilter = false\n"
    )
    out = tmp_path / "elsewhere"
    assert sync(project, out=out) == 0
    written = open_project(out)
    assert (written.rate_hz, written.config.skeleton.name) == (60.0, "BODY_25B")
    assert written.config.process == {"filtering.enabled": False}
    assert written.frames == range(5, 60)


def test_without_a_calibration_it_goes_by_speed(tmp_path, capsys):
    """The trial is too hard for that: nothing is told, nothing written, and the words say why."""
    project = trial(tmp_path / "cut", calibrated=False)
    out = tmp_path / "out"
    assert sync(project, json=True, out=out) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out.splitlines()[-1])
    assert found["_about"]["method"] == "speed"
    assert found["cam2"] == dict.fromkeys(
        ("offset_frames", "offset_s", "uncertainty_s", "drift_ppm")
    )
    assert "cannot tell cam2: " in printed.err
    assert "nothing is written" in printed.err
    assert not out.exists()
    with pytest.raises(CalibrationError, match="--method speed"):
        sync(project, method="epipolar")


def walkers(folder: Path, drift_ppm: list[float] | None = None) -> Path:
    """A project of synthetic cameras."""
    rig = synthetic.ring(3)
    views = synthetic_sync.views(rig, 200, [0.0, 6.0, -4.0], drift_ppm=drift_ppm)
    files = {}
    for camera, name in enumerate(views.names):
        for frame in range(200):
            person = np.column_stack(
                [views.points_px[camera, frame], views.confidence[camera, frame]]
            )
            files[f"pose/{name}_json/{name}_{frame:04d}.json"] = [person.ravel().tolist()]
    config = TRIAL_CONFIG.replace("BODY_25B", "HALPE_26")
    return write_project(folder, files, config, calibration_of(rig))


def test_a_session_too(tmp_path, capsys):
    session = tmp_path / "session"
    import_project(open_project(walkers(tmp_path / "walkers")), session)
    out = tmp_path / "out"
    assert sync(session, out=out, json=True) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out.splitlines()[-1])
    assert [round(found[name]["offset_frames"]) for name in NAMES[:3]] == [0, 6, -4]
    assert "common time" in printed.err
    written = open_project(out)
    assert written.stage.name == "pose-sync"
    assert written.config.skeleton.name == "HALPE_26"
    assert sync(out, json=True) == 0
    again = said(capsys)
    assert [round(again[name]["offset_frames"]) for name in NAMES[:3]] == [0, 0, 0]


def test_the_table(tmp_path, capsys):
    assert sync(walkers(tmp_path / "walkers")) == 0
    printed = capsys.readouterr().out
    assert "epipolar, against cam01" in printed
    assert "cam03" in printed


def test_what_is_asked_wrongly(tmp_path):
    project = walkers(tmp_path / "walkers")
    with pytest.raises(ConfigError, match="no such camera; there are cam01, cam02, cam03"):
        sync(project, reference="cam9")
    with pytest.raises(ConfigError, match="--window-s"):
        sync(project, window_s=0.0)
    with pytest.raises(SessionError):
        sync(tmp_path / "nowhere")
    for name in ("cam02", "cam03"):
        shutil.rmtree(project / "pose" / f"{name}_json")
    with pytest.raises(ConfigError, match="two cameras"):
        sync(project)


def test_the_window_is_kept(tmp_path, capsys):
    assert sync(walkers(tmp_path / "walkers"), window_s=0.05, json=True) == 1
    assert said(capsys)["cam02"]["offset_frames"] is None
    assert SyncConfig().window_s == 1.0
