"""Several recordings at once, and those that are done already."""

import json
import shutil
from pathlib import Path

import pytest

from core.errors import ConfigError
from services import trials
from tests.services.trial_project import TRIAL_CONFIG, trial
from tools.process import process

SETTINGS = ("kinematics.enabled=false", "filtering.enabled=false")


@pytest.fixture
def batch(tmp_path) -> Path:
    """Two short trials and one that is left out; calibration and settings in the root."""
    folder = tmp_path / "batch"
    for name in ("trial_2", "trial_10", "bad"):
        one = trial(folder / name, "[project]\nmulti_person = false\n")
        for path in one.glob("pose-associated/*/*.json"):
            if int(path.stem.split(".")[-1]) >= 12:
                path.unlink()
    shutil.move(folder / "bad" / "calibration", folder / "calibration")
    for name in ("trial_2", "trial_10"):
        shutil.rmtree(folder / name / "calibration")
    config = TRIAL_CONFIG.replace("[project]", '[project]\nexclude_from_batch = ["bad"]')
    (folder / "Config.toml").write_text(config)
    return folder


def test_a_batch_is_its_trials_in_order(batch):
    found = trials.find([batch])
    assert [one.name for one in found] == ["trial_2", "trial_10"]
    assert trials.find([batch / "bad"]) == [batch / "bad"]
    with pytest.raises(ConfigError, match="two trials called trial_2"):
        trials.find([batch, batch / "trial_2"])


def test_trials_go_into_folders_of_their_own_and_are_resumed(batch, tmp_path, capsys):
    out = tmp_path / "out"
    assert process((batch,), out, SETTINGS, jobs=2, json=True) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])["trials"]
    assert sorted(said) == ["trial_10", "trial_2"]
    for name, one in said.items():
        assert one["out"] == str(out / name)
        assert (out / name / one["persons"][0]["trc"]).is_file()
        assert one["persons"][0]["frames"] == 12
        assert one["unused_settings"] == []
    before = {name: (out / name / "summary.json").stat().st_mtime_ns for name in said}
    (batch / "trial_10" / "Config.toml").write_text("[project]\nframe_range = [0, 10]\n")
    assert process((batch,), out, SETTINGS, resume=True) == 0
    after = {name: (out / name / "summary.json").stat().st_mtime_ns for name in said}
    assert before["trial_2"] == after["trial_2"]
    assert before["trial_10"] != after["trial_10"]
    assert "nothing has changed since" in capsys.readouterr().out
    assert process((batch,), out, (*SETTINGS, "gaps.longest_gap_frames=3"), resume=True) == 0
    assert (out / "trial_2" / "summary.json").stat().st_mtime_ns != after["trial_2"]


def test_one_bad_trial_does_not_stop_the_others(batch, tmp_path, capsys):
    shutil.rmtree(batch / "trial_2" / "pose-associated" / "cam1_json")
    (batch / "trial_2" / "pose-associated" / "cam9_json").mkdir()
    assert process((batch,), tmp_path / "out", SETTINGS) == 2
    assert "trial_2: error: " in capsys.readouterr().err
    assert (tmp_path / "out" / "trial_10" / "summary.json").is_file()


def test_a_result_whose_files_are_gone_is_made_again(batch, tmp_path):
    one, out = batch / "trial_2", tmp_path / "out"
    assert process((one,), out, SETTINGS) == 0
    (file,) = out.glob("*.trc")
    file.unlink()
    assert process((one,), out, SETTINGS, resume=True) == 0
    assert file.is_file()
