"""Poses of whole videos as files: what is in them, and when they are there. A made-up model."""

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from core import openpose
from core.config import PoseConfig
from core.errors import CameraError, ConfigError
from services.video_pose import Posed, Target, incomplete, pose_video
from tests.services.bright_spots import BODY, BrightSpots, film

N_PICTURES = 30
CONFIG = PoseConfig()


def walk() -> Iterator[list[tuple[int, int]]]:
    """One person throughout; a second one from picture 10 to 20."""
    for n in range(N_PICTURES):
        yield [(30 + n, 40), (120, 80)] if 10 <= n < 20 else [(30 + n, 40)]


@pytest.fixture
def video(tmp_path) -> Path:
    return film(tmp_path / "cam.01.mp4", walk())


def posed(video: Path, overlay: Path | None = None, on_picture=lambda done, of: None) -> Posed:
    target = Target(video.parent / "pose" / "cam.01_json", overlay)
    config = PoseConfig(detect_every_s=0.1)
    return pose_video(video, target, BrightSpots(), config, on_picture)


def names(folder: Path | None) -> list[str]:
    assert folder
    return sorted(one.name for one in folder.iterdir())


def cut(video: Path, part: float) -> None:
    raw = video.read_bytes()
    video.write_bytes(raw[: round(part * len(raw))])


def test_each_picture_has_a_file_with_everybody_in_it(video):
    done = posed(video)
    folder = video.parent / "pose" / "cam.01_json"
    assert (done.pictures, done.with_people, done.people, done.most_at_once) == (30, 30, 2, 2)
    assert (done.folder, done.error) == (folder, "")
    assert names(folder) == [f"cam.01_{n:06d}.json" for n in range(N_PICTURES)]
    assert names(folder.parent) == ["cam.01_json"]
    for n, places in enumerate(walk()):
        people = openpose.parse((folder / f"cam.01_{n:06d}.json").read_bytes())
        if n not in range(10, 15):  # the second one is noticed at the next look
            assert len(people) == len(places)
        for person, place in zip(people, places, strict=False):
            np.testing.assert_allclose(person[:, :2] - BODY, [place] * 26, atol=0.3)
            np.testing.assert_array_equal(person[:, 2], 0.9)


def test_people_keep_their_numbers(video):
    folder = posed(video).folder or video
    ids = [
        [one["person_id"] for one in json.loads(path.read_bytes())["people"]]
        for path in sorted(folder.iterdir())
    ]
    assert ids[0] == ids[-1] == [[1]]
    assert ids[19] == [[1], [2]]


def test_the_overlay_has_the_videos_pictures_and_times(video):
    overlay = video.parent / "new" / "drawn.mp4"
    assert posed(video, overlay).overlay == overlay
    assert names(overlay.parent) == ["drawn.mp4"]
    with av.open(str(video)) as plain, av.open(str(overlay)) as drawn:
        for a, b in zip(plain.decode(video=0), drawn.decode(video=0), strict=True):
            assert a.time == b.time
            before, after = (one.to_ndarray(format="bgr24").astype(int) for one in (a, b))
            assert (np.abs(after - before).max(axis=-1) > 80).any()


def test_progress_is_told_picture_by_picture(video):
    told: list[tuple[int, int]] = []
    posed(video, on_picture=lambda done, of: told.append((done, of)))
    assert told == [(n + 1, N_PICTURES) for n in range(N_PICTURES)]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_given_up_in_the_middle_nothing_is_left(video, kind):
    def stop(done: int, of: int) -> None:
        if done == 7:
            raise kind

    with pytest.raises(kind):
        posed(video, video.parent / "pose" / "drawn.mp4", stop)
    assert names(video.parent / "pose") == []


def test_of_a_broken_video_what_was_read_is_kept_under_another_name(video):
    cut(video, 0.6)
    done = posed(video, video.parent / "pose" / "drawn.mp4")
    assert 5 < done.pictures < 25
    assert str(video) in done.error
    assert names(video.parent / "pose") == ["cam.01_incomplete", "drawn_incomplete.mp4"]
    assert len(names(done.folder)) == done.pictures
    assert done.overlay
    with av.open(str(done.overlay)) as drawn:
        assert len(list(drawn.decode(video=0))) == done.pictures


def test_the_name_of_what_is_broken_is_no_camera_to_pose2sim():
    assert incomplete(Path("pose/cam.01_json")) == Path("pose/cam.01_incomplete")
    assert incomplete(Path("a.b/cam01_pose.mp4")) == Path("a.b/cam01_pose_incomplete.mp4")


def test_what_was_there_is_replaced_whole(video):
    folder = video.parent / "pose" / "cam.01_json"
    folder.mkdir(parents=True)
    (folder / "cam.01_000099.json").write_text("old")
    posed(video)
    assert names(folder) == [f"cam.01_{n:06d}.json" for n in range(N_PICTURES)]
    assert names(folder.parent) == ["cam.01_json"]


def test_no_video_leaves_no_folder(tmp_path):
    with pytest.raises(CameraError, match="nothing"):
        posed(tmp_path / "nothing.mp4")
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_is_an_error_on_purpose(video):
    (video.parent / "pose").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        posed(video)
