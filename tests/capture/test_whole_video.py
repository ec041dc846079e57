"""Videos from the first picture to the last: numbers, times, upright, damage. Clips made here."""

import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from capture.whole_video import Picture, open_whole, pictures
from core.errors import CameraError

N_PICTURES = 40
RATE_HZ = 30
WIDTH_PX, HEIGHT_PX = 96, 64
_TURNED = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def clip(path: Path, *, noise: bool = False) -> Path:
    """B-frames; the left half's brightness tells a picture's number, noise makes it large."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"bf": "2", "g": "10", "crf": "10"}
        for number in range(N_PICTURES):
            pixels = np.full((HEIGHT_PX, WIDTH_PX, 3), 20, np.uint8)
            pixels[:, : WIDTH_PX // 2] = 40 + 5 * number
            if noise:
                pixels[:, WIDTH_PX // 2 :] = rng.integers(0, 256, (HEIGHT_PX, WIDTH_PX // 2, 3))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def number_in(picture: Picture) -> int:
    return round((float(picture.pixels[8:-8, 8 : WIDTH_PX // 2 - 8].mean()) - 37) / 5)


def given(path: Path) -> tuple[list[Picture], str]:
    """All pictures that come, and what was said at the end."""
    got: list[Picture] = []
    try:
        got.extend(pictures(open_whole(path)))
    except CameraError as error:
        return got, str(error)
    return got, ""


def one_by_one(path: Path) -> tuple[list[int], str]:
    got: list[int] = []
    try:
        for one in pictures(open_whole(path)):
            assert one.number == len(got)
            got.append(number_in(one))
    except CameraError as error:
        return got, str(error)
    return got, ""


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi", "h264"])
def test_every_picture_comes_once_in_its_order(tmp_path, ending):
    assert one_by_one(clip(tmp_path / f"clip.{ending}")) == (list(range(N_PICTURES)), "")


def test_times_are_the_videos(tmp_path):
    got, _ = given(clip(tmp_path / "clip.mp4"))
    assert [one.t_ns for one in got] == [round(n * 1e9 / RATE_HZ) for n in range(N_PICTURES)]
    assert not any(one.damaged for one in got)


@pytest.mark.parametrize("degrees", sorted(_TURNED))
def test_pictures_stand_upright_as_opencv_shows_them(tmp_path, degrees):
    raw = clip(tmp_path / "clip.mp4").read_bytes()
    at = raw.index(b"tkhd") + 4 + 40  # the track's matrix, after version, times and layer
    a, b, c, d = (one << 16 for one in _TURNED[degrees])
    path = tmp_path / "turned.mp4"
    path.write_bytes(
        raw[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + raw[at + 36 :]
    )
    expected = cv2.VideoCapture(str(path)).read()[1]
    np.testing.assert_array_equal(next(pictures(open_whole(path))).pixels, expected)


def test_a_file_cut_short_gives_what_it_has_and_says_so(tmp_path):
    raw = clip(tmp_path / "clip.mp4", noise=True).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(raw[: len(raw) // 2])
    got, said = one_by_one(path)
    assert 10 < len(got) < 25
    assert got[:10] == list(range(10))
    assert str(path) in said


def test_after_bytes_that_are_nonsense_nothing_is_given(tmp_path):
    raw = bytearray(clip(tmp_path / "clip.mp4", noise=True).read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + len(raw) // 5] = b"\0" * (len(raw) // 5)
    path = tmp_path / "hole.mp4"
    path.write_bytes(bytes(raw))
    got, said = one_by_one(path)
    assert 10 < len(got) < N_PICTURES
    assert "decoded" in said


def test_a_picture_patched_up_by_the_decoder_is_marked(tmp_path):
    raw = bytearray(clip(tmp_path / "clip.mp4", noise=True).read_bytes())
    at = len(raw) * 3 // 10
    raw[at : at + 200] = bytes(range(200))
    path = tmp_path / "scratch.mp4"
    path.write_bytes(bytes(raw))
    got, said = given(path)
    assert not said
    assert any(one.damaged for one in got)


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("hello")
    for name in ("nothing.mp4", "text.mp4"):
        with pytest.raises(CameraError, match=name):
            open_whole(tmp_path / name)
