"""Several people through ``kinelive process``: the published trial, a scene with known truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import offline_subjects, process_config, synthetic, synthetic_scenes, trc
from core.offline import Recording
from core.synthetic_scenes import Faults
from services import result_files
from services.import_session import import_project
from services.project import open_project
from services.recordings import load
from tests.services.trial_project import TRIAL_CONFIG, everybody, project_of, trial
from tools.process import process, process_folder

UNFILTERED = "filtering.enabled=false"
NO_ANGLES = "kinematics.enabled=false"
SCENE_CONFIG = '[project]\nframe_rate = 60\n[pose]\npose_model = "HALPE_26"\n'


@pytest.fixture(scope="module")
def crowd(tmp_path_factory) -> Path:
    """The balancing trial with the bystander that two of four cameras see."""
    return everybody(tmp_path_factory.mktemp("crowd") / "balancing")


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    return trial(tmp_path_factory.mktemp("alone") / "balancing")


def processed(folder: Path, out: Path, *settings: str) -> tuple[dict[str, Any], list[trc.Trc]]:
    assert process((folder,), out, (NO_ANGLES, *settings)) == 0
    summary = json.loads((out / "summary.json").read_text())
    return summary, [trc.parse((out / one["trc"]).read_text()) for one in summary["persons"]]


def subjects(folder: Path) -> dict[int, Recording]:
    loaded = load(folder)
    found = offline_subjects.find(loaded.pictures, loaded.fusion, process_config.build({}))
    return found.recordings


def test_the_main_person_is_found_among_all(crowd, alone):
    """In all pictures but two the very detection is taken that the published choice holds.

    That one holds nobody in a picture of camera 3; and in one of camera 1 the person was found in
    two halves, of which it holds the other.
    """
    (ours,), (theirs,) = subjects(crowd).values(), subjects(alone).values()
    same = (np.nan_to_num(ours.points_px) == np.nan_to_num(theirs.points_px)).all(axis=(2, 3))
    print(f"the same detection in {same.sum()} of {same.size} pictures")
    assert same.sum() >= same.size - 2


@pytest.mark.parametrize("method", ["robust", "pose2sim"])
def test_the_main_persons_points_are_those_of_the_published_choice(crowd, alone, tmp_path, method):
    settings = UNFILTERED, f"triangulation.method={method}"
    summary, (ours,) = processed(crowd, tmp_path / "c", *settings)
    _, (theirs,) = processed(alone, tmp_path / "a", *settings)
    apart_mm = 1e3 * np.linalg.norm(ours.points_m - theirs.points_m, axis=-1)
    print(
        f"{method}: {np.nanmean(apart_mm):.3f} mm mean, {np.nanmax(apart_mm):.1f} mm at most, "
        f"{(apart_mm < 1e-6).mean():.1%} of the points equal"
    )
    assert np.nanmedian(apart_mm) < 0.1
    assert np.nanmean(apart_mm) < 1.0
    (note,) = summary["notes"]
    assert "shoulders and hips known together in 0% of them (association.min_trunk" in note
    assert summary["persons"][0]["height_m"] == pytest.approx(1.73, abs=0.02)


def test_the_bystander_is_written_on_request_only(crowd, tmp_path):
    summary, trcs = processed(crowd, tmp_path, "association.min_trunk=0")
    assert [one["id"] for one in summary["persons"]] == [1, 2]
    assert [one["trc"] for one in summary["persons"]] == [
        "balancing_P1_0-99_filt_butterworth.trc", "balancing_P2_0-99_filt_butterworth.trc",
    ]  # fmt: skip
    main, other = (one["quality"] for one in summary["persons"])
    assert main["cameras_per_point"] > 3.5
    assert other["cameras_per_point"] == 2.0
    assert other["held_out_camera_px"]["median"] is None  # two cameras: no third to ask
    assert main["points"] + other["points"] == summary["quality"]["points"]
    assert len(trcs) == 2


def test_a_project_for_one_person_gives_the_main_one(tmp_path):
    config = TRIAL_CONFIG.replace("[project]", "[project]\nmulti_person = false")
    folder = everybody(tmp_path / "balancing", config)
    summary, _ = processed(folder, tmp_path / "out", "association.min_trunk=0")
    assert [one["id"] for one in summary["persons"]] == [1]
    assert summary["settings"]["association"]["persons"] == "main"
    assert "person 1 is seen most; not written: person 2" in summary["notes"][0]
    assert summary["unused_settings"] == []


def test_a_session_gives_the_people_of_its_project(crowd, tmp_path):
    import_project(open_project(crowd), tmp_path / "session")
    _, ours = processed(tmp_path / "session", tmp_path / "s", UNFILTERED)
    _, theirs = processed(crowd, tmp_path / "p", UNFILTERED)
    assert len(ours) == len(theirs) == 1
    np.testing.assert_allclose(ours[0].points_m, theirs[0].points_m, atol=1e-6)


@pytest.mark.parametrize(
    ("faults", "limit_mm"),
    [(Faults(noise_px=2.0), 12.0), (Faults(noise_px=2.0, swap_share=0.05, occlusion=True), 20.0)],
)
def test_three_people_who_cross_are_three_people(tmp_path, faults, limit_mm):
    rig, truth_m = synthetic.ring(4, radius_m=5.0), synthetic_scenes.crossing_m(3, 300)
    messages = synthetic_scenes.seen(rig, truth_m, faults)
    folder = project_of(tmp_path / "crossing", rig, messages, SCENE_CONFIG)
    summary, trcs = processed(folder, tmp_path / "out", UNFILTERED)
    assert [one["id"] for one in summary["persons"]] == [1, 2, 3]
    markers_m = truth_m[:, :, synthetic.HALPE_26.marker_places]
    met, switches = set(), 0
    for one in trcs:
        away_m = np.linalg.norm(trc.to_world(one.points_m) - markers_m[:, one.frames], axis=-1)
        who = np.nanmedian(away_m, axis=2).argmin(axis=0)  # (T,)
        switches += int((np.diff(who) != 0).sum())
        met.add(int(who[0]))
        error_mm = 1e3 * away_m[who[0]]
        print(
            f"{len(one.frames)} frames, {np.nanmean(error_mm):.1f} mm mean, "
            f"{np.nanpercentile(error_mm, 95):.1f} mm p95, {np.isnan(error_mm).mean():.1%} missing"
        )
        assert np.nanmean(error_mm) < limit_mm
    print(f"{switches} switches; notes: {summary['notes']}")
    assert (met, switches) == ({0, 1, 2}, 0)


def test_long_work_is_told(crowd, tmp_path):
    told: dict[str, list[int]] = {}
    process_folder(
        crowd, tmp_path, (NO_ANGLES,), lambda what, done, _: told.setdefault(what, []).append(done)
    )
    assert list(told) == [
        "reading keypoints", "who is who", "who is who, backwards", "triangulating", "filtering",
    ]  # fmt: skip
    assert told["reading keypoints"] == list(range(1, 101))


def test_interrupted_work_leaves_what_was_there(alone, tmp_path):
    (tmp_path / "summary.json").write_text("{}")

    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_folder(alone, tmp_path, (), interrupt)
    assert [one.name for one in tmp_path.iterdir()] == ["summary.json"]


def test_a_file_that_cannot_be_written_leaves_no_summary_that_speaks_of_it(tmp_path):
    result_files.write_together(tmp_path, {"a": "1", "s": "old"}, "s")
    (tmp_path / "b").mkdir()
    with pytest.raises(result_files.ConfigError, match="cannot be written"):
        result_files.write_together(tmp_path, {"s": "new", "a": "2", "b": "2"}, "s")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b"]
