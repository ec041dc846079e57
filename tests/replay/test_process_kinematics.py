"""The published balancing trial through ``kinelive process`` to joint angles and files."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import c3d
import numpy as np
import pytest

from core import mot, trc
from core.errors import ConfigError
from core.kinematics import forward
from core.kinematics.machine import machine
from core.kinematics.scaling_tree import scale
from services import models
from tests import c3d_reader
from tests.services.trial_project import TRIAL_CONFIG, trial
from tools import model_files
from tools.process_kinematics import OFF
from tools.process_run import process_folder
from tools.quiet_opensim import opensim

Done = tuple[dict[str, Any], Path]
N_FRAMES, N_KEYPOINTS, N_ANATOMICAL = 100, 21, 43


@pytest.fixture(scope="module")
def balancing(tmp_path_factory) -> Path:
    return trial(tmp_path_factory.mktemp("trial") / "balancing")


@pytest.fixture(scope="module")
def done(balancing, tmp_path_factory) -> Done:
    out = tmp_path_factory.mktemp("done")
    process_folder(balancing, out)
    return json.loads((out / "summary.json").read_text()), out


def person(summary: dict[str, Any]) -> dict[str, Any]:
    (one,) = summary["persons"]
    return one


def angles(summary: dict[str, Any], out: Path) -> mot.Mot:
    return mot.parse((out / person(summary)["mot"]).read_text())


def points(summary: dict[str, Any], out: Path, kind: str) -> trc.Trc:
    return trc.parse((out / person(summary)[kind]).read_text())


def test_every_file_is_there_with_every_frame(done):
    summary, out = done
    one = person(summary)
    stem = "balancing_P1_0-99"
    assert one["trc_raw"] == f"{stem}.trc"
    assert one["trc"] == f"{stem}_filt_butterworth.trc"
    ends = {"trc_augmented": "trc"} | {kind: kind for kind in ("osim", "mot", "c3d", "csv")}
    for kind, end in ends.items():
        assert one[kind] == f"{stem}_filt_butterworth_LSTM.{end}"
    assert one["parquet"] is None
    named = {one[kind] for kind in ("trc_raw", "trc", *ends)} | {"summary.json", "report.html"}
    assert {file.name for file in out.iterdir()} == named
    for kind, n_markers in (
        ("trc_raw", N_KEYPOINTS),
        ("trc", N_KEYPOINTS),
        ("trc_augmented", N_KEYPOINTS + 1 + N_ANATOMICAL),  # and the mid hip
    ):
        assert points(summary, out, kind).points_m.shape == (N_FRAMES, n_markers, 3)
    assert angles(summary, out).values.shape == (N_FRAMES, 40)
    assert len((out / one["csv"]).read_text().splitlines()) == 1 + N_FRAMES


def test_the_figures_are_those_of_the_peer(done):
    """Pose2Sim: 25 mm from its own points; ours agree better with each other."""
    summary, _ = done
    found = person(summary)["kinematics"]
    print(found["marker_rms_mm"], found["height_m"], found["unobserved"])
    assert found["marker_rms_mm"]["mean"] == pytest.approx(24, abs=3)
    assert found["marker_rms_mm"]["mean"] < found["marker_rms_mm"]["p95"]
    assert found["marker_rms_mm"]["p95"] <= found["marker_rms_mm"]["worst"] < 35
    assert found["height_m"] == pytest.approx(1.73, abs=0.03)
    assert (found["height_from"], found["mass_kg"]) == ("segments", 70)
    assert found["follows"] == "anatomical markers"
    assert {"mtp_angle_r", "neck_flexion", "wrist_flex_l"} <= set(found["unobserved"])
    assert not {"knee_angle_r", "hip_flexion_l", "ankle_angle_r"} & set(found["unobserved"])
    assert found["scale_factors"]["femur_r"] == pytest.approx(found["scale_factors"]["femur_l"])
    stages = [one["stage"] for one in summary["provenance"]]
    assert stages == [
        "reading", "association", "triangulation", "filtering", "augmentation", "scaling",
        "inverse kinematics", "files",
    ]  # fmt: skip
    assert any("toe flexion" in text for text in summary["warnings"])


def test_opensim_opens_model_motion_and_markers(done):
    summary, out = done
    one = person(summary)
    model = opensim.Model(str(out / one["osim"]))
    state = model.initSystem()
    assert model.getTotalMass(state) == pytest.approx(70.0, abs=0.01)
    names = {model.getMarkerSet().get(i).getName() for i in range(model.getMarkerSet().getSize())}
    assert {"r.ASIS_study", "RHJC_study"} <= names
    table = opensim.TimeSeriesTable(str(out / one["mot"]))
    assert (table.getNumRows(), table.getNumColumns()) == (N_FRAMES, 40)
    for kind in ("trc", "trc_raw", "trc_augmented"):
        markers = opensim.TimeSeriesTableVec3(str(out / one[kind]))
        assert markers.getNumRows() == N_FRAMES
    tree = model_files.load(out / one["osim"])
    followed, solved = points(summary, out, "trc_augmented"), angles(summary, out)
    at_m = forward.markers_m(
        machine(tree, ("r_knee_study",)), mot.to_coordinates(solved, tree)[:, tree.free]
    )
    seen_m = followed.points_m[:, [followed.markers.index("r_knee_study")]]
    assert np.linalg.norm(at_m - seen_m, axis=-1).mean() < 0.03


def test_opensim_reads_gaps_as_gaps(tmp_path):
    points_m = np.random.default_rng(0).normal(0, 1, (4, 3, 3))
    points_m[1, 1] = points_m[2, 2] = points_m[3] = np.nan
    table = trc.of_world(points_m, ("A", "B", "C"), 60.0, np.arange(4))
    (tmp_path / "g.trc").write_text(trc.write(table, "g.trc"))
    read = opensim.TimeSeriesTableVec3(str(tmp_path / "g.trc"))
    for number in range(4):
        row = read.getRowAtIndex(number)
        seen_m = [[row.getElt(0, place).get(axis) for axis in range(3)] for place in range(3)]
        np.testing.assert_allclose(seen_m, table.points_m[number], atol=1e-12)


def test_our_own_scaling_gives_the_written_model(done):
    summary, out = done
    one, published = person(summary), models.ensure("opensim")
    generic = model_files.load(
        published["Model_Pose2Sim_simple.osim"], published["Markers_LSTM.xml"]
    )
    factors = one["kinematics"]["scale_factors"]
    ours = scale(generic, {body: f for body, f in factors.items() if body in generic.bodies})
    written = model_files.load(out / one["osim"])
    poses = ours.free_default + np.random.default_rng(1).normal(0, 0.3, (20, len(ours.free)))
    off_m = forward.markers_m(machine(ours), poses)
    off_m -= forward.markers_m(machine(written, ours.markers), poses)
    assert np.abs(off_m).max() < 1e-12


@pytest.mark.filterwarnings("ignore:No analog data found")
def test_two_readers_of_c3d_see_the_points_in_millimetres(done):
    summary, out = done
    written = points(summary, out, "trc_augmented")
    expected_mm = 1e3 * trc.to_world(written.points_m)
    path = out / person(summary)["c3d"]
    file = c3d_reader.read(path)
    assert file["rate_hz"] == 60.0
    assert tuple(file["labels"]) == written.markers
    np.testing.assert_allclose(file["points_mm"], expected_mm, atol=0.01)
    with path.open("rb") as handle:
        reader = c3d.Reader(handle)
        assert [label.strip() for label in reader.point_labels] == list(written.markers)
        rows = [(number, frame) for number, frame, _ in reader.read_frames()]
    assert [number for number, _ in rows] == list(range(1, N_FRAMES + 1))
    np.testing.assert_allclose([frame[:, :3] for _, frame in rows], expected_mm, atol=0.01)


def test_the_report_is_one_whole_file(done):
    summary, out = done
    text = (out / summary["report"]).read_text()
    assert "balancing: joint angles" in text
    assert "knee_angle_r" in text


def test_own_height_mass_and_filter_are_used(balancing, done, tmp_path):
    settings = ("kinematics.height_m=1.8", "kinematics.mass_kg=82", "kinematics.filter_angles=true")
    summary = process_folder(balancing, tmp_path, settings)
    found = person(summary)["kinematics"]
    assert (found["height_m"], found["height_from"], found["mass_kg"]) == (1.8, "given", 82)
    rough, smooth = angles(*done), angles(summary, tmp_path)
    jerk = [np.abs(np.diff(one.values, 3, axis=0)).mean() for one in (smooth, rough)]
    assert jerk[0] < 0.7 * jerk[1]
    assert "filtering angles" in [one["stage"] for one in summary["provenance"]]


def test_a_set_without_feet_is_followed_by_its_keypoints(tmp_path):
    """The first seventeen of BODY_25B are COCO's."""
    folder = trial(tmp_path / "coco", TRIAL_CONFIG.replace("BODY_25B", "COCO_17"))
    for path in folder.glob("pose-associated/*/*.json"):
        frame = json.loads(path.read_text())
        for one in frame["people"]:
            one["pose_keypoints_2d"] = one["pose_keypoints_2d"][: 3 * 17]
        path.write_text(json.dumps(frame))
    summary = process_folder(folder, tmp_path / "out")
    found = person(summary)
    assert found["trc_augmented"] is None
    assert found["kinematics"]["follows"] == "keypoints"
    assert found["kinematics"]["marker_rms_mm"]["mean"] < 40
    assert {"ankle_angle_r", "subtalar_angle_l"} <= set(found["kinematics"]["unobserved"])
    said = " ".join(summary["warnings"])
    assert "COCO_17 has no RHeel, LHeel, RSmallToe, LSmallToe, RBigToe, LBigToe" in said
    assert "calcn_r" in said  # has the model's size
    assert len(angles(summary, tmp_path / "out").times_s) == N_FRAMES


def test_what_cannot_be_computed_leaves_the_points(balancing, tmp_path):
    (tmp_path / "none.osim").write_text("no model")
    summary = process_folder(balancing, tmp_path / "o", (f"kinematics.osim={tmp_path}/none.osim",))
    assert person(summary)["kinematics"] is None
    assert person(summary)["mot"] is None
    assert points(summary, tmp_path / "o", "trc").points_m.shape[0] == N_FRAMES
    assert any(OFF in text for text in summary["warnings"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("kinematics.height_m=173", "expected 0.5 to 2.6 m"),
        ("kinematics.mass_kg=[70, 0.5]", "expected 5 to 400 kg"),
        ("kinematics.osim=/nowhere.osim", "no such file"),
        ("kinematics.model=big", "known: simple, muscles"),
        ("kinematics.parquet=true", "pyarrow is not installed"),
        ("kinematics.angle=1", "known: association.enabled"),
        ("sync.enabled=true", "not part of process yet"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_done(balancing, tmp_path, setting, said):
    if "pyarrow" in said and find_spec("pyarrow"):
        pytest.skip("pyarrow is installed")
    with pytest.raises(ConfigError, match=said):
        process_folder(balancing, tmp_path / "out", (setting,))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_opensims_solver_agrees(balancing, done, tmp_path):
    summary = process_folder(balancing, tmp_path, ("kinematics.solver=opensim",))
    theirs, ours = angles(summary, tmp_path), angles(*done)
    for name in ("knee_angle_r", "hip_flexion_l", "ankle_angle_r", "pelvis_tilt"):
        column = ours.columns.index(name)
        apart_deg = np.abs(theirs.values[:, column] - ours.values[:, column])
        print(name, apart_deg.mean())
        assert apart_deg.mean() < 1.0
    rms_mm = [person(one)["kinematics"]["marker_rms_mm"]["mean"] for one in (summary, done[0])]
    assert rms_mm[0] == pytest.approx(rms_mm[1], abs=0.5)


@pytest.mark.slow
def test_markers_in_place_fit_better_and_the_model_says_so(balancing, done, tmp_path):
    summary = process_folder(balancing, tmp_path, ("kinematics.register_markers=true",))
    said = person(summary)["kinematics"]["registration"]
    print({key: value for key, value in said.items() if key != "angle_shift_deg"})
    assert said["rms_mm_before"] == pytest.approx(
        person(done[0])["kinematics"]["marker_rms_mm"]["mean"], abs=0.01
    )
    assert said["rms_mm_after"] < 0.6 * said["rms_mm_before"]
    assert 0 < said["angle_shift_deg"]["knee_angle_r"] < 10
    tree = model_files.load(tmp_path / person(summary)["osim"])
    solved = mot.to_coordinates(angles(summary, tmp_path), tree)[:, tree.free]
    followed = points(summary, tmp_path, "trc_augmented")
    own = [name for name in followed.markers if name.endswith("_study")]
    seen_m = followed.points_m[:, [followed.markers.index(name) for name in own]]
    error_mm = 1e3 * np.linalg.norm(forward.markers_m(machine(tree, own), solved) - seen_m, axis=-1)
    rms_mm = np.sqrt((error_mm**2).mean(axis=1)).mean()
    assert rms_mm == pytest.approx(said["rms_mm_after"], abs=0.1)


@pytest.mark.slow
def test_the_muscle_model_is_scaled_and_solved(balancing, tmp_path):
    summary = process_folder(balancing, tmp_path, ("kinematics.model=muscles",))
    assert person(summary)["kinematics"]["marker_rms_mm"]["mean"] == pytest.approx(23, abs=3)
    assert angles(summary, tmp_path).values.shape == (N_FRAMES, 62)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["fast", "opensim"])
def test_frames_without_anybody_are_rows_without_angles(tmp_path, solver):
    folder = trial(tmp_path / "gap")
    for path in folder.glob("pose-associated/*/*.json"):
        if 40 <= int(path.stem.split(".")[-1]) < 75:
            path.write_text('{"version": 1.3, "people": []}')
    summary = process_folder(folder, tmp_path / "out", (f"kinematics.solver={solver}",))
    found = person(summary)
    assert found["kinematics"]["not_solved"] >= 20
    assert len(angles(summary, tmp_path / "out").times_s) == N_FRAMES
    cells = (tmp_path / "out" / found["csv"]).read_text().splitlines()[1 + 60].split(",")
    assert cells[0] == "1"
    assert not any(cells[1:])
    assert any("frames have too few markers" in text for text in summary["warnings"])
