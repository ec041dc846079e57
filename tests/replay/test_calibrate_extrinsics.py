"""``kinelive calibrate extrinsics`` on pictures of a board before synthetic cameras, as typed."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest

from core import synthetic
from core import synthetic_boards as scenes
from core.calibration import pose2sim
from core.calibration.board import Board
from core.calibration.checks import centre_m
from core.cameras import Rig, project
from core.synthetic_pictures import reduced
from services import calibration_files
from tests.command import kinelive

BOARD = Board(6, 9, 80.0)
HOW = ("--board", "6x9", "--square-mm", "80")
N = 20
RING = synthetic.ring(4, 2.8)
MODELS = synthetic.models(RING)
pytestmark = pytest.mark.timeout(400)


def run(*arguments):
    return kinelive("calibrate", "extrinsics", *map(str, arguments))


def last(done):
    return json.loads(done.stdout.splitlines()[-1])


def without_places(models):
    return [replace(one, cam_from_world=np.eye(3, 4)) for one in models]


def worst_mm(path):
    found = calibration_files.read(path)
    return max(
        1e3
        * np.linalg.norm(centre_m(found[one.name].cam_from_world) - centre_m(one.cam_from_world))
        for one in MODELS
    )


def carried():
    """Poses that two cameras see, the first one lying on the floor; and who sees each."""
    poses = np.concatenate([scenes.lying()[None], scenes.shown(BOARD, 200, seed=4, reach_m=0.5)])
    seen: dict[int, set[str]] = {}
    for one in scenes.sights(RING, BOARD, poses):
        seen.setdefault(int(one.body), set()).add(one.camera)
    chosen = [number for number, who in seen.items() if len(who) > 1][: N + 1]
    return [(poses[number], seen[number]) for number in chosen]


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Photos of a board that is carried about, and lies on the floor in the first; lenses."""
    folder, shown = tmp_path_factory.mktemp("extrinsics"), carried()
    empty = np.full((MODELS[0].height_px, MODELS[0].width_px), 120, dtype=np.uint8)
    for model in MODELS:
        (folder / "photos" / model.name).mkdir(parents=True)
        for number, (pose, who) in enumerate(shown):
            picture = scenes.picture(model, BOARD, pose) if model.name in who else empty
            cv2.imwrite(str(folder / "photos" / model.name / f"{number:02d}.png"), picture)
    (folder / "Lenses.toml").write_text(pose2sim.write(without_places(MODELS)))
    return folder


def test_photos_of_a_board_that_is_carried_about(filmed, tmp_path):
    out = tmp_path / "Calib.toml"
    done = run(filmed / "photos", *HOW, "--lenses", filmed / "Lenses.toml", "--floor-view", 0,
               "--out", out, "--report", tmp_path, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = last(done)
    page = (tmp_path / "calibration.html").read_text()
    assert "the board of 0 on the floor" in page
    assert len(page) < 1_500_000
    assert found["world"] == "the board of 0 on the floor"
    assert found["accepted"]
    claimed = {n: np.linalg.norm(one["position_sd_mm"]) for n, one in found["cameras"].items()}
    rms = {name: round(one["rms_px"], 3) for name, one in found["cameras"].items()}
    print(
        f"rendered 1920x1080: worst camera {worst_mm(out):.2f} mm, claimed {claimed}, rms px {rms}"
    )
    assert worst_mm(out) < 6
    assert max(rms.values()) < 0.3
    for one in found["cameras"].values():
        assert len(one["views_used"]) + len(one["views_rejected"]) == N + 1
    assert "the board was not found in it" in done.stdout


def test_videos_are_looked_through(filmed, tmp_path):
    for model in MODELS:
        path = str(tmp_path / f"{model.name}.avi")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 30, (1920, 1080), True)
        for photo in sorted((filmed / "photos" / model.name).iterdir()):
            writer.write(np.asarray(cv2.imread(str(photo)), dtype=np.uint8))
        writer.release()
    out = tmp_path / "Calib.toml"
    done = run(tmp_path, *HOW, "--lenses", filmed / "Lenses.toml", "--floor-view", "frame 0",
               "--out", out, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(f"videos: worst camera {worst_mm(out):.2f} mm")
    assert worst_mm(out) < 10
    assert last(done)["common_sights"] >= 12


def test_one_board_on_the_floor(tmp_path):
    for model in MODELS:
        (tmp_path / "photos" / model.name).mkdir(parents=True)
        photo = tmp_path / "photos" / model.name / f"{model.name}_ext.png"
        cv2.imwrite(str(photo), scenes.picture(model, BOARD, scenes.lying()))
    (tmp_path / "Lenses.toml").write_text(pose2sim.write(without_places(MODELS)))
    out = tmp_path / "Calib.toml"
    how = (*HOW, "--lenses", tmp_path / "Lenses.toml", "--out", out)
    done = run(tmp_path / "photos", "--method", "static", *how)
    assert done.returncode == 0, done.stderr
    print(f"static, rendered 1920x1080: worst camera {worst_mm(out):.2f} mm")
    assert worst_mm(out) < 40
    same = run(tmp_path / "photos", "--method", "static", "--board", "6x8", *how[2:])
    assert same.returncode == 2
    assert "looks the same from its other end" in same.stderr


def test_measured_points_without_pictures(tmp_path):
    points_m = np.random.default_rng(1).uniform([-1.5, -1.5, 0], [1.5, 1.5, 1.5], (8, 3))
    pixels = project(Rig.of(MODELS), points_m)
    lines = ["[points]"]
    lines += [f"p{n} = {[round(x, 6) for x in at.tolist()]}" for n, at in enumerate(points_m)]
    for model, seen in zip(MODELS, pixels, strict=True):
        lines += [f"[{model.name}]", *(f"p{n} = {at.tolist()}" for n, at in enumerate(seen))]
    (tmp_path / "scene.toml").write_text("\n".join(lines))
    (tmp_path / "Lenses.toml").write_text(pose2sim.write(without_places(MODELS)))
    out = tmp_path / "Calib.toml"
    done = run("--method", "points", "--points", tmp_path / "scene.toml",
               "--lenses", tmp_path / "Lenses.toml", "--out", out, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert last(done)["world"] == "the scene"
    assert worst_mm(out) < 0.1
    before, again = tmp_path / "Before.toml", tmp_path / "Again.toml"
    before.write_text(pose2sim.write(MODELS[1:]))
    done = run("--points", tmp_path / "scene.toml", "--lenses", tmp_path / "Lenses.toml",
               "--world", f"keep={before}", "--out", again)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert worst_mm(again) < 0.1


def test_a_wand_in_the_dark(tmp_path):
    places_m = np.array([0.0, 0.2, 0.5])
    local_m = np.column_stack([places_m, np.zeros((3, 2))])
    rng = np.random.default_rng(3)
    wands = []
    for _ in range(120):
        way = rng.normal(0, 1, 3)
        wands.append(rng.uniform([-0.8, -0.8, 0.5], [0.8, 0.8, 1.5]) + local_m[:, :1] * way
                     / np.linalg.norm(way))  # fmt: skip
    for model in MODELS:
        folder = tmp_path / "wand" / model.name
        folder.mkdir(parents=True)
        for number, points_m in enumerate(wands):
            dark = np.full((model.height_px, model.width_px), 20, dtype=np.uint8)
            for pixel in project(Rig.of([model]), points_m)[0]:
                cv2.circle(dark, np.round(16 * pixel).astype(int).tolist(), 16 * 4, 240, -1,
                           cv2.LINE_AA, 4)  # fmt: skip
            cv2.imwrite(str(folder / f"{number:03d}.png"), dark)
    (tmp_path / "Lenses.toml").write_text(pose2sim.write(without_places(MODELS)))
    (tmp_path / "Before.toml").write_text(pose2sim.write(MODELS))
    out = tmp_path / "Calib.toml"
    done = run(tmp_path / "wand", "--method", "wand", "--wand-mm", "0,200,500", "--lenses",
               tmp_path / "Lenses.toml", "--world", f"keep={tmp_path / 'Before.toml'}",
               "--out", out, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(f"wand: worst camera {worst_mm(out):.2f} mm, rms {last(done)['rms_px']:.3f} px")
    assert worst_mm(out) < 3


def test_mistakes_are_explained(filmed, tmp_path):
    lenses = ("--lenses", filmed / "Lenses.toml")
    fewer = tmp_path / "Fewer.toml"
    fewer.write_text(pose2sim.write(without_places(MODELS[:3])))
    smaller = tmp_path / "Smaller.toml"
    smaller.write_text(pose2sim.write([reduced(one, 2) for one in without_places(MODELS)]))
    few = tmp_path / "few"
    for model in MODELS:
        (few / model.name).mkdir(parents=True)
        for number in range(8):
            shutil.copy(filmed / "photos" / model.name / f"{number:02d}.png", few / model.name)
    cases = [
        (
            (few, "--board", "5x9", "--square-mm", "80", *lenses),
            "inner corners, not 5x9; count the corners",
        ),
        ((few, "--board", "6x9", "--square-mm", "0.08", *lenses), "the side of a square in mm"),
        ((few, *HOW, "--lenses", fewer), "no calibration for cam04"),
        ((few, *HOW, "--lenses", smaller), "pictures of 1920x1080, its lens is of 960x540"),
        ((few, *lenses), "--board: inner corners across x down"),
        ((few, *HOW, *lenses, "--world", "floor"), "--world floor: board, first-camera, points"),
        ((few, *HOW, *lenses, "--up", "cam01=0,0"), "--up cam01=0,0: CAMERA=X,Y,Z"),
        ((few, "--method", "ball", *lenses), "a single ball tells no size"),
        (("--method", "wand", *lenses), "--wand-mm (not given): places of two balls"),
        (("--method", "points", *lenses), "--method points needs --points FILE"),
    ]
    for arguments, says in cases:
        done = run(*arguments)
        assert done.returncode == 2, (says, done.stderr)
        assert says in done.stderr
        assert done.stderr.startswith("kinelive: ")


def few_of(filmed, folder, cameras):
    for name in cameras:
        (folder / name).mkdir(parents=True)
        for photo in sorted((filmed / "photos" / name).iterdir())[:12]:
            shutil.copy(photo, folder / name)


def pairs():
    """Two cameras that see most together."""
    counts = Counter(pair for _, who in carried()[:12] for pair in combinations(sorted(who), 2))
    return counts.most_common(1)[0][0]


def test_centimetres_are_noticed(filmed, tmp_path):
    few_of(filmed, tmp_path / "few", pairs())
    done = run(tmp_path / "few", "--board", "6x9", "--square-mm", "8",
               "--lenses", filmed / "Lenses.toml")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--square-mm and --wand-mm are in millimetres" in " ".join(done.stderr.split())
    assert "the floor is not known" in done.stderr


def test_a_bad_result_is_not_written(filmed, tmp_path):
    """One of two cameras has its photos in another order."""
    few_of(filmed, tmp_path / "few", pairs())
    second = tmp_path / "few" / pairs()[1]
    for number, photo in enumerate(sorted(second.iterdir())):
        photo.rename(second / f"x{(number + 1) % 12:02d}.png")
    out = tmp_path / "Calib.toml"
    done = run(tmp_path / "few", *HOW, "--lenses", filmed / "Lenses.toml", "--out", out, "--json")
    assert done.returncode == 1, done.stderr
    assert not out.exists()
    found = last(done)
    assert found["written"] is None
    assert not found["accepted"]
    assert "pair the pictures rightly" in found["problems"][0]
    assert "nothing is written" in done.stderr


def test_help_teaches():
    done = run("--help")
    assert done.returncode == 0
    for words in ("carry a board about", "--floor-view", "wand", "odd and an even number"):
        assert words in " ".join(done.stdout.replace("│", " ").split())
