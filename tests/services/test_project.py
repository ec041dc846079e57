"""Project folders: what is read, what is refused and with which words."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import process_config
from core.errors import CalibrationError, ConfigError, KineliveError, SessionError
from core.messages import view
from core.skeletons import SKELETONS
from services import models
from services.import_session import import_project
from services.project import is_project, match_cameras, open_project
from services.project_videos import natural
from services.recordings import load
from services.session import open_session
from tests.services import session_builder as builder
from tests.services.trial_project import TRIAL_CONFIG, trial, write_frame, write_project
from tools.import_ import import_
from tools.inspect import inspect
from tools.verify import verify

HAND = [float(number) for number in range(1, 64)]
HAND_CONFIG = '[project]\nframe_rate = 50\n[pose]\npose_model = "Hand"\n'


def small(folder: Path, config: str = HAND_CONFIG) -> Path:
    """Three cameras, two frames with a hand of 21 keypoints."""
    files = {
        f"pose/{name}_json/{name}_00000{n}.json": [HAND] for name in builder.CAMERAS for n in (7, 8)
    }
    return write_project(folder / "hands", files, config, builder.CALIBRATION)


def test_the_trial_is_read_in_capture_order(tmp_path):
    project = open_project(trial(tmp_path / "balancing"))
    assert project.rig.names == ("cam01", "cam02", "cam03", "cam04")
    assert project.frames == range(100)
    messages = list(project.messages())
    assert [(one.frame, one.camera) for one in messages[:5]] == [
        (0, "cam01"), (0, "cam02"), (0, "cam03"), (0, "cam04"), (1, "cam01"),
    ]  # fmt: skip
    assert messages[4].t_ns == 16_666_667
    assert {one.skeleton for one in messages} == {"BODY_25B"}
    first = messages[0].persons[0]
    np.testing.assert_array_equal(
        view(first, "keypoints_px")[0], np.array([505.232, 431.63], dtype="<f4")
    )
    assert [len(one.persons) for one in messages].count(0) == 1
    assert project.unreadable == []


def test_the_recording_keeps_all_digits(tmp_path):
    loaded = load(trial(tmp_path / "balancing"))
    assert loaded.recording.points_px[0, 0, 0].tolist() == [505.232, 431.63]
    assert loaded.recording.points_px.shape == (100, 4, 25, 2)
    assert (loaded.name, loaded.kind, loaded.notes) == ("balancing", "project", ())


def test_frames_have_the_last_number_in_their_names(tmp_path):
    project = open_project(small(tmp_path))
    assert project.frames == range(7, 9)
    assert [one.t_ns for one in project.messages()][::3] == [140_000_000, 160_000_000]


def test_the_furthest_stage_is_taken(tmp_path):
    folder = small(tmp_path)
    assert open_project(folder).stage.name == "pose"
    for stage in ("pose-sync", "pose-associated"):
        shutil.copytree(folder / "pose", folder / stage)
        assert open_project(folder).stage.name == stage


def test_several_people_are_several_persons(tmp_path):
    folder = small(tmp_path)
    write_frame(folder / "pose/cam01_json/cam01_000007.json", [HAND, [*HAND[:-1], 0.0]])
    project = open_project(folder)
    first = next(project.messages())
    assert [one.id for one in first.persons] == [0, 1]
    assert view(first.persons[1], "confidence")[-1] == 0
    assert np.isnan(view(first.persons[1], "keypoints_px")[-1]).all()
    assert load(folder).pictures.is_crowded
    assert [len(one) for one in load(folder).pictures.people.values()] == [2, 1, 1, 1, 1, 1]


def test_cameras_match_by_name_or_by_order():
    rig = dict.fromkeys(("cam01", "cam02", "cam10"), builder.CAMERAS)

    def match(*folders: str) -> list[str]:
        return match_cameras(folders, rig, "pose")  # pyright: ignore[reportArgumentType]

    assert match("cam1_json", "cam2_json", "cam10_json") == ["cam01", "cam02", "cam10"]
    assert match("cam02_json", "cam10_json") == ["cam02", "cam10"]
    assert match("left_json", "mid_json", "right_json") == ["cam01", "cam02", "cam10"]
    for wrong in (
        ["left_json", "right_json"],
        ["cam1_json", "right_json", "x_json"],
        ["cam1_json", "cam01_json"],
    ):
        with pytest.raises(
            CalibrationError, match=r"pose: folders .* and calibrated cameras cam01"
        ):
            match(*wrong)
    assert sorted(["cam10", "cam2"], key=natural) == ["cam2", "cam10"]


def test_settings_are_used_or_listed(tmp_path):
    config = (
        TRIAL_CONFIG
        + """
average_likelihood_threshold = 0.5
[triangulation]
reproj_error_threshold_triangulation = 20
likelihood_threshold_triangulation = 0.4
min_cameras_for_triangulation = 3
interpolation = 'slinear'
fill_large_gaps_with = 'last_value'
make_c3d = true
[filtering]
type = 'LOESS'
filter = false
   [filtering.butterworth]
   cut_off_frequency = 5
   [filtering.LOESS]
   nb_values_used = 7
[kinematics]
use_augmentation = true
use_simple_model = false
filter_ik = true
ik_filter_type = 'LOESS'
remove_individual_ik_setup = true
"""
    )
    project = open_project(trial(tmp_path / "t", config))
    assert project.config.process == {
        "triangulation.max_error_px": 20,
        "triangulation.min_likelihood": 0.4,
        "triangulation.min_cameras": 3,
        "gaps.interpolation": "linear",
        "gaps.fill_large": "last_value",
        "filtering.enabled": False,
        "filtering.type": "loess",
        "filtering.butterworth.cutoff_hz": 5,
        "filtering.loess.n_values": 7,
        "kinematics.augment": True,
        "kinematics.model": "muscles",
        "kinematics.filter_angles": True,
        "kinematics.filter_type": "loess",
    }
    assert project.config.unused == (
        "pose.average_likelihood_threshold", "triangulation.make_c3d",
        "kinematics.remove_individual_ik_setup",
    )  # fmt: skip


def test_the_published_config_is_understood(tmp_path):
    text = models.ensure("demo")["Config.toml"].read_text()
    project = small(tmp_path, text.replace("frame_rate = 'auto'", "frame_rate = 60"))
    with pytest.raises(ConfigError, match=r"21 keypoints, and HALPE_26 has 26.*HAND_21"):
        list(open_project(project).messages())
    config = open_project(project).config
    assert config.skeleton is SKELETONS["HALPE_26"]
    assert config.process["triangulation.max_error_px"] == 15
    assert process_config.build(config.process) == process_config.build(
        {
            "association.persons": "main",
            "gaps.fill_large": "last_value",
            "kinematics.model": "muscles",
        }
    )
    assert [key for key in config.unused if key.startswith("filtering.")] == [
        "filtering.display_figures", "filtering.save_filt_plots", "filtering.make_c3d",
    ]  # fmt: skip
    assert "pose.CUSTOM" in config.unused


def test_a_trial_inherits_from_the_folder_above(tmp_path):
    folder = small(tmp_path)
    (tmp_path / "Config.toml").write_text(HAND_CONFIG + "[filtering]\nfilter = false\n")
    (folder / "Config.toml").write_text("[project]\nframe_rate = 25\n")
    shutil.move(folder / "calibration", tmp_path / "Calib 1")
    project = open_project(folder)
    assert project.rate_hz == 25
    assert project.config.process == {"filtering.enabled": False}
    assert project.calibration.parent.name == "Calib 1"


def test_frame_range_and_frame_rate(tmp_path):
    folder = small(tmp_path, HAND_CONFIG.replace("= 50", "= 50\nframe_range = [8, 20]"))
    assert open_project(folder).frames == range(8, 9)
    (folder / "Config.toml").write_text(HAND_CONFIG.replace("50", "'auto'"))
    with pytest.raises(ConfigError, match=r"frame_rate is 'auto' and .*no video; set the rate"):
        open_project(folder)
    (folder / "videos").mkdir()
    shutil.copy(models.ensure("demo")["cam01.mp4"], folder / "videos")
    assert open_project(folder).rate_hz == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[project]\nframe_rate = 50", "pose.pose_model is missing"),
        ('[pose]\npose_model = "CUSTOM"', "'CUSTOM' is not known; these are"),
        ("[project", "not TOML"),
        (HAND_CONFIG.replace("50", "0"), "frame_rate = 0"),
        (HAND_CONFIG.replace("50", "50\nframe_range = [5]"), "frame_range"),
    ],
)
def test_a_config_that_cannot_be_honoured_is_refused(tmp_path, text, says):
    folder = small(tmp_path)
    (folder / "Config.toml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        open_project(folder)


def test_what_is_missing_is_named(tmp_path):
    folder = small(tmp_path)
    assert is_project(folder)
    assert not is_project(tmp_path)
    (folder / "calibration/Calib.toml").rename(folder / "calibration/Calib.docx")
    with pytest.raises(
        CalibrationError, match=r"Calib.docx: unknown format; these are read: Pose2Sim"
    ):
        open_project(folder)
    (folder / "calibration/Calib.docx").unlink()
    with pytest.raises(CalibrationError, match=r"no calibration; put a \.toml, a \.qca\.txt"):
        open_project(folder)
    shutil.rmtree(folder / "pose")
    with pytest.raises(SessionError, match="no 2D keypoints"):
        open_project(folder)
    (folder / "Config.toml").unlink()
    with pytest.raises(ConfigError, match=r"no Config\.toml"):
        open_project(folder)
    with pytest.raises(SessionError, match="no such folder"):
        open_project(tmp_path / "nothing")


def test_one_calibration_is_asked_for_where_there_are_two(tmp_path):
    folder = small(tmp_path)
    shutil.copy(folder / "calibration/Calib.toml", folder / "calibration/Old.toml")
    with pytest.raises(CalibrationError, match=r"Calib\.toml, Old\.toml: keep the one"):
        open_project(folder)


def test_broken_frames_are_left_out_and_named(tmp_path):
    folder = small(tmp_path)
    (folder / "pose/cam02_json/cam02_000008.json").write_text("{")
    project = open_project(folder)
    assert sum(1 for one in project.messages() if not one.persons) == 1
    assert project.unreadable[0].startswith("cam02_json/cam02_000008.json: malformed")


def test_an_imported_project_is_a_session(tmp_path, capsys):
    project = open_project(trial(tmp_path / "balancing"))
    out = tmp_path / "session"
    assert import_project(project, out) == 400
    session = open_session(out)
    session.check()
    assert (session.closed, session.damage) == (True, [])
    assert [one.message for one in session.messages()] == list(project.messages())
    assert inspect(out, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["topics"]["keypoints2d/cam03"]["count"] == 100
    assert (found["complete"], found["gaps"], found["duration_s"]) == (True, 0, pytest.approx(1.65))
    assert verify(out) == 1
    assert "no fused outputs in it to compare" in capsys.readouterr().out
    with pytest.raises(SessionError, match="holds a session already"):
        import_project(project, out)


def test_a_session_gives_the_recording_of_its_project(tmp_path):
    folder = trial(tmp_path / "balancing")
    import_project(open_project(folder), tmp_path / "session")
    ours, theirs = load(tmp_path / "session").recording, load(folder).recording
    assert (ours.rate_hz, ours.skeleton) == (theirs.rate_hz, theirs.skeleton)
    np.testing.assert_array_equal(ours.frames, theirs.frames)
    np.testing.assert_allclose(ours.points_px, theirs.points_px, atol=1e-4)
    np.testing.assert_allclose(ours.likelihood, theirs.likelihood, atol=1e-7)


def test_dropped_frames_of_a_session_are_rows_without_keypoints(tmp_path):
    run = builder.run_config(tmp_path)
    heard = [one for one in builder.walk(20) if getattr(one.message, "frame", 0) not in (5, 6)]
    loaded = load(builder.record(run, heard))
    seen = np.isfinite(loaded.recording.points_px).all(axis=(1, 2, 3))
    assert np.flatnonzero(~seen).tolist() == [5, 6]
    assert (seen.size, loaded.recording.rate_hz, loaded.kind) == (20, 60.0, "session")


def test_commands_speak_of_projects(tmp_path, capsys):
    folder = small(tmp_path, HAND_CONFIG + "mode = 'balanced'\n")
    assert inspect(folder, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"] == {"cam01": 2, "cam02": 2, "cam03": 2}
    assert (found["rate_hz"], found["unused_settings"]) == (50, ["pose.mode"])
    assert verify(folder) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert import_(folder, tmp_path / "session", json=True) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["keypoints2d"] == 6
    assert printed.err == "not used: pose.mode\n"
    with pytest.raises(SessionError, match="is a session already"):
        import_(tmp_path / "session", tmp_path / "again")


def test_an_import_says_which_settings_to_give(tmp_path, capsys):
    config = HAND_CONFIG.replace("= 50", "= 50\nmulti_person = false")
    assert import_(small(tmp_path, config + "[filtering]\nfilter = false\n"), tmp_path / "s") == 0
    assert '--set filtering.enabled=false association.persons="main"' in capsys.readouterr().err


def test_neighbouring_frames_of_fast_cameras_are_never_one_instant(tmp_path):
    folder = small(tmp_path, HAND_CONFIG.replace("50", "500"))
    assert open_project(folder).fusion.window_ms == pytest.approx(0.8)
    import_project(open_project(folder), tmp_path / "session")
    loaded = load(tmp_path / "session")
    assert len(loaded.pictures.frames) == 2
    assert loaded.fusion.window_ms == pytest.approx(0.8)


@pytest.mark.parametrize(("several", "persons"), [("true", "all"), ("false", "main")])
def test_a_project_says_whether_it_is_for_several_people(tmp_path, several, persons):
    config = HAND_CONFIG.replace("= 50", f"= 50\nmulti_person = {several}")
    project = open_project(small(tmp_path, config))
    assert project.config.process == {"association.persons": persons}
    (project.path / "Config.toml").write_text(config.replace(several, "3"))
    with pytest.raises(ConfigError, match="multi_person = 3; give true or false"):
        open_project(project.path)


def test_errors_are_ours(tmp_path):
    with pytest.raises(KineliveError):
        load(tmp_path)
