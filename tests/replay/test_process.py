"""The published balancing trial through ``kinelive process``, against what Pose2Sim made of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import trc
from core.skeletons import SKELETONS
from services import models
from services.import_session import import_project
from services.project import open_project
from tests.command import kinelive
from tests.services.trial_project import TRIAL_CONFIG, trial
from tools.process import process

UNFILTERED = "filtering.enabled=false"
NO_ANGLES = "kinematics.enabled=false"
N_POINTS, N_SAME = 2100, 2084


@pytest.fixture(scope="module")
def balancing(tmp_path_factory) -> Path:
    return trial(tmp_path_factory.mktemp("trial") / "balancing")


def processed(folder: Path, out: Path, *settings: str) -> tuple[dict[str, Any], trc.Trc]:
    assert process((folder,), out, (NO_ANGLES, *settings)) == 0
    summary = json.loads((out / "summary.json").read_text())
    return summary, trc.parse((out / summary["persons"][0]["trc"]).read_text())


def test_the_search_gives_pose2sims_points(balancing, tmp_path):
    """Where both left out the same cameras the points are equal to the digits of the trc.

    The reference was made by another version: ten of its points come from other cameras, or are
    interpolated.
    """
    summary, found = processed(balancing, tmp_path, "triangulation.method=pose2sim", UNFILTERED)
    expected = trc.parse(models.ensure("trial")["Demo_0-100.trc"].read_text())
    assert found.markers == expected.markers == SKELETONS["BODY_25B"].markers
    assert found.points_m.shape == expected.points_m.shape == (100, 21, 3)
    np.testing.assert_allclose(found.times_s, np.arange(100) / 60)
    apart_mm = 1e3 * np.linalg.norm(found.points_m - expected.points_m, axis=-1).reshape(-1)
    limits_mm = [1e-9, 1e-6, 1e-3, 1.0, 10.0, 100.0, np.inf]
    print({limit: int((apart_mm < limit).sum()) for limit in limits_mm})
    assert apart_mm.size == N_POINTS
    assert (apart_mm < 1e-6).sum() >= N_SAME
    (person,) = summary["persons"]
    assert person.pop("quality") == summary["quality"]
    assert person == {
        "id": 1,
        "height_m": pytest.approx(1.73, abs=0.01),
        "frames": 100,
        "trc": "balancing_P1_0-99.trc",
        "trc_raw": "balancing_P1_0-99.trc",
        **dict.fromkeys(("trc_augmented", "osim", "mot", "csv", "parquet")),
        "c3d": "balancing_P1_0-99.c3d",
        "gaps": {"interpolated": 0, "left_out": 0, "filled": 0},
        "kinematics": None,
    }


def test_soft_weights_are_better_where_it_can_be_told(balancing, tmp_path):
    """Error in a held-out camera, and segments that keep their length."""
    peer, _ = processed(balancing, tmp_path / "p", "triangulation.method=pose2sim", UNFILTERED)
    ours, _ = processed(balancing, tmp_path / "r", UNFILTERED)
    for name, summary in (("pose2sim", peer), ("robust", ours)):
        print(name, {key: summary["quality"][key] for key in summary["quality"]})
    held_out = [one["quality"]["held_out_camera_px"] for one in (ours, peer)]
    assert held_out[0]["median"] < held_out[1]["median"]
    assert set(held_out[0]["per_camera"]) == {"cam01", "cam02", "cam03", "cam04"}
    assert ours["quality"]["segment_cv"] <= 0.075
    assert peer["quality"]["segment_cv"] == pytest.approx(0.113, abs=0.001)
    assert ours["quality"]["points_missing"] == peer["quality"]["points_missing"] == 0


def test_filtering_smooths_and_loses_no_frame(balancing, tmp_path):
    summary, smooth = processed(balancing, tmp_path / "f")
    _, raw = processed(balancing, tmp_path / "r", UNFILTERED)
    assert summary["persons"][0]["trc"] == "balancing_P1_0-99_filt_butterworth.trc"
    assert len(smooth.frames) == len(raw.frames) == 100
    moved_mm = 1e3 * np.linalg.norm(smooth.points_m - raw.points_m, axis=-1)
    assert 1 < np.median(moved_mm) < 10
    jerk = [np.abs(np.diff(one.points_m, 2, axis=0)).mean() for one in (smooth, raw)]
    assert jerk[0] < 0.3 * jerk[1]
    chosen, other = processed(balancing, tmp_path / "k", "filtering.type=kalman")
    assert chosen["persons"][0]["trc"] == "balancing_P1_0-99_filt_kalman.trc"
    apart_mm = 1e3 * np.linalg.norm(smooth.points_m - other.points_m, axis=-1)
    assert 0.1 < np.median(apart_mm) < 10


def test_a_session_is_processed_as_its_project(balancing, tmp_path):
    import_project(open_project(balancing), tmp_path / "session")
    _, ours = processed(tmp_path / "session", tmp_path / "s", UNFILTERED)
    _, theirs = processed(balancing, tmp_path / "p", UNFILTERED)
    np.testing.assert_allclose(ours.points_m, theirs.points_m, atol=1e-6)


def test_the_command_prints_its_summary(balancing, tmp_path):
    done = kinelive(
        "process", str(balancing), "--out", str(tmp_path), "--json",
        "--set", "triangulation.method=pose2sim", UNFILTERED, "--set", "kinematics.enabled=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed == json.loads((tmp_path / "summary.json").read_text())
    assert printed["settings"]["triangulation"]["method"] == "pose2sim"
    assert printed["settings"]["filtering"]["enabled"] is False
    assert printed["unused_settings"] == []
    assert Path(tmp_path / printed["persons"][0]["trc"]).is_file()


def test_unused_settings_are_said_and_kept(tmp_path, capsys):
    folder = trial(tmp_path / "t", TRIAL_CONFIG + "[logging]\nuse_custom_logging = true\n")
    summary, _ = processed(folder, tmp_path / "out")
    assert summary["unused_settings"] == ["logging.use_custom_logging"]
    assert capsys.readouterr().err.count("not used: logging.use_custom_logging") == 1


@pytest.mark.parametrize("wrong", ["filtering.on=false", "triangulation.method=x"])
def test_a_wrong_setting_is_refused_before_anything_is_done(balancing, tmp_path, wrong):
    done = kinelive("process", str(balancing), "--out", str(tmp_path / "out"), "--set", wrong)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_nobody_is_said(balancing, tmp_path, capsys):
    assert process((balancing,), tmp_path, ("triangulation.min_likelihood=1.0",)) == 1
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["persons"] == []
    assert summary["quality"]["held_out_camera_px"]["median"] is None
    assert "nobody" in summary["notes"][0]


def test_markers_that_the_pose_model_never_gives_are_named_and_not_missing(tmp_path):
    folder = trial(tmp_path / "t")
    set_of = SKELETONS["BODY_25B"]
    for path in folder.rglob("*.json"):
        frame = json.loads(path.read_text())
        for person in frame["people"]:
            for name in ("RSmallToe", "LSmallToe"):
                place = 3 * set_of.index(name)
                person["pose_keypoints_2d"][place : place + 3] = [0, 0, 0]
        path.write_text(json.dumps(frame))
    summary, found = processed(folder, tmp_path / "out", UNFILTERED)
    assert np.isnan(found.points_m[:, found.markers.index("LSmallToe")]).all()
    quality = summary["quality"]
    assert (quality["points"], quality["points_missing"]) == (1900, 0)
    assert quality["never_given"] == ["RSmallToe", "LSmallToe"]
    assert summary["persons"][0]["quality"] == quality
    assert "never given by this pose model: small toes" in summary["notes"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Hardly a marker is missing (none)." in page
