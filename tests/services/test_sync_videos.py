"""``kinelive sync`` by a flash and by a clap: real videos with known offsets, and refusals."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import CameraError, ConfigError
from tests.services.trial_project import TRIAL_CONFIG
from tools.sync import sync

RATE_HZ, SOUND_HZ = 30, 48_000
SECONDS = 6.0
STARTS_S = (0.0, 0.5, -0.8)
"""When the cameras begin; offsets are the differences, the other way round."""
NAMES = ("cam1", "cam2", "cam3")


def picture(t_s: float, flashes_s: Sequence[float], exposure_s: float, seed: int) -> np.ndarray:
    """A room in which somebody walks, (96, 160) luma; a flash lasts 60 ms."""
    rng = np.random.default_rng(seed)
    room = np.tile(np.linspace(60, 110, 160), (96, 1)) + rng.normal(0, 4, (96, 160))
    left = int(70 + 60 * np.sin(t_s))
    room[30:80, left : left + 20] = 30
    lit = sum(
        max(0.0, min(t_s + exposure_s, one + 0.06) - max(t_s, one)) / exposure_s
        for one in flashes_s
    )
    return np.clip(room + 90 * min(lit, 1.0), 0, 255).astype(np.uint8)


def clapping(claps_s: Sequence[float], begin_s: float, seed: int) -> np.ndarray:
    """Sound (N,) of a room with a hum and hands that clap."""
    rng = np.random.default_rng(seed)
    t_s = begin_s + np.arange(round(SECONDS * SOUND_HZ)) / SOUND_HZ
    sound = 0.02 * np.sin(2 * np.pi * 120 * t_s) + rng.normal(0, 0.002, len(t_s))
    for one in claps_s:
        since_s = t_s - one
        decay = np.where(since_s >= 0, np.exp(-np.clip(since_s, 0, 1) / 0.02), 0.0)
        sound += 0.4 * decay * rng.normal(0, 1, len(t_s))
    return np.clip(sound, -1, 1)


def write(
    path: Path,
    begin_s: float,
    *,
    flashes_s: Sequence[float] = (),
    claps_s: Sequence[float] | None = None,
    seed: int = 0,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE_HZ, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        sound = None
        if claps_s is not None:
            sound = container.add_stream("aac", rate=SOUND_HZ, layout="mono")
        for number in range(round(SECONDS * RATE_HZ)):
            luma = picture(begin_s + number / RATE_HZ, flashes_s, 0.02, seed + number)
            grey = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            grey.pts, grey.time_base = number, Fraction(1, RATE_HZ)
            container.mux(video.encode(grey))
        container.mux(video.encode(None))
        if sound is not None and claps_s is not None:
            samples = clapping(claps_s, begin_s, seed).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SOUND_HZ, 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode(None))


def project(folder: Path, **what) -> Path:
    for number, (name, begin_s) in enumerate(zip(NAMES, STARTS_S, strict=True)):
        write(folder / "videos" / f"{name}.mp4", begin_s, seed=1000 * number, **what)
    (folder / "Config.toml").write_text(TRIAL_CONFIG)
    return folder


def answer(folder: Path, capsys, expected: int = 0, **options) -> dict:
    assert sync(folder, json=True, **options) == expected
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def frames(found: dict) -> list[float]:
    return [found[name]["offset_frames"] for name in NAMES]


TRUTH = [-RATE_HZ * one for one in STARTS_S]


@pytest.mark.parametrize(
    ("method", "what", "within_frames", "stated_s"),
    [
        ("flash", {"flashes_s": (2.013,)}, 1.0, 1 / RATE_HZ),
        ("flash", {"flashes_s": (1.507, 3.1, 3.9)}, 1.0, 1 / RATE_HZ),
        ("clap", {"claps_s": (2.013,)}, 0.3, 0.010),
        ("clap", {"claps_s": (1.507, 3.1, 3.9)}, 0.3, 0.010),
    ],
)
def test_offsets_are_found(method, what, within_frames, stated_s, tmp_path, capsys):
    found = answer(project(tmp_path, **what), capsys, method=method)
    off = np.array(frames(found)) - TRUTH
    with capsys.disabled():
        print(f"\n{method} {what}: off by {np.abs(off).max():.2f} frames, stated ± {stated_s} s")
    assert np.abs(off).max() <= within_frames
    assert tuple(found) == (*NAMES, "_about")
    assert set(found["cam2"]) == {"offset_frames", "offset_s", "uncertainty_s", "drift_ppm"}
    assert found["cam2"]["uncertainty_s"] == pytest.approx(stated_s)
    assert found["cam2"]["offset_s"] == pytest.approx(found["cam2"]["offset_frames"] / RATE_HZ)
    assert found["_about"]["method"] == method
    assert found["_about"]["certain"]


def test_another_reference(tmp_path, capsys):
    found = answer(
        project(tmp_path, flashes_s=(2.0,)), capsys, method="flash", reference="cam3"
    )  # fmt: skip
    np.testing.assert_allclose(frames(found), np.array(TRUTH) - TRUTH[2], atol=1.0)


@pytest.mark.parametrize(("method", "what"), [("flash", {}), ("clap", {"claps_s": ()})])
def test_nothing_sudden_is_refused(method, what, tmp_path, capsys):
    assert sync(project(tmp_path, **what), method=method, json=True) == 1
    said = capsys.readouterr()
    assert "nothing sudden" in said.err
    assert json.loads(said.out.splitlines()[-1])["cam2"]["offset_frames"] is None


@pytest.mark.parametrize(
    ("method", "key"), [("flash", "flashes_s"), ("clap", "claps_s")]
)  # fmt: skip
def test_one_camera_that_missed_one_of_two_is_refused(method, key, tmp_path, capsys):
    project(tmp_path, **{key: (2.0, 3.3)})
    project(tmp_path / "missed", **{key: (3.3,)})
    (tmp_path / "missed" / "videos" / "cam2.mp4").replace(tmp_path / "videos" / "cam2.mp4")
    found = answer(tmp_path, capsys, 1, method=method)
    assert found["cam2"]["offset_frames"] is None
    assert "two offsets" in found["_about"]["doubts"]["cam2"]
    assert found["cam3"]["offset_frames"] == pytest.approx(TRUTH[2], abs=1.0)


def test_cameras_that_saw_different_flashes_contradict_each_other(tmp_path, capsys):
    """The second one saw the other flash, the third one both: what fits the first is not true."""
    write(tmp_path / "videos" / "cam1.mp4", 0.0, flashes_s=(2.0,))
    write(tmp_path / "videos" / "cam2.mp4", 0.0, flashes_s=(2.0, 3.5, 4.2))
    write(tmp_path / "videos" / "cam3.mp4", 0.0, flashes_s=(3.5, 4.2))
    (tmp_path / "Config.toml").write_text(TRIAL_CONFIG)
    found = answer(tmp_path, capsys, 1, method="flash")
    assert found["cam2"]["offset_frames"] is None
    assert found["cam3"]["offset_frames"] is None


def test_a_window_leaves_out_what_is_further(tmp_path, capsys):
    found = answer(project(tmp_path, flashes_s=(2.0,)), capsys, 1, method="flash", window_s=0.6)
    assert found["cam2"]["offset_frames"] == pytest.approx(TRUTH[1], abs=1.0)
    assert found["cam3"]["offset_frames"] is None


def test_what_cannot_be_done_says_why(tmp_path):
    silent = project(tmp_path / "silent", flashes_s=(2.0,))
    with pytest.raises(CameraError, match="no sound in it"):
        sync(silent, method="clap")
    with pytest.raises(ConfigError, match="no keypoints to write"):
        sync(silent, method="flash", out=tmp_path / "out")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "Config.toml").write_text(TRIAL_CONFIG)
    with pytest.raises(ConfigError, match="0 videos"):
        sync(tmp_path / "empty", method="flash")
    with pytest.raises(ConfigError, match="videos of a Pose2Sim project"):
        sync(tmp_path, method="clap")


def test_keypoints_are_shifted_by_a_flash(tmp_path, capsys):
    folder = project(tmp_path, flashes_s=(2.013,))
    person = {"people": [{"pose_keypoints_2d": [1.0, 2.0, 0.9] * 25}]}
    for name in NAMES:
        (folder / "pose" / f"{name}_json").mkdir(parents=True)
        for number in range(60):
            file = folder / "pose" / f"{name}_json" / f"{name}.{number:04d}.json"
            file.write_text(json.dumps(person))
    found = answer(folder, capsys, method="flash", out=folder)
    shift = round(found["cam2"]["offset_frames"])
    written = sorted(one.name for one in (folder / "pose-sync" / "cam2_json").iterdir())
    assert written[0] == f"cam2.{-shift:06d}.json"
    assert len(written) == 60 + shift
