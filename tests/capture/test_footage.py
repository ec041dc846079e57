"""Footage as a camera, on a small clip with B-frames made here."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from capture import footage
from capture.camera import CapturedFrame, CompressedPacket, StreamFormat
from capture.file import FileCamera
from capture.recorded import RecordedCamera
from core.config import CameraConfig
from core.errors import CameraError

N_FRAMES = 20
START_NS = 1_000_000_000_000
PERIOD_NS = 1e9 / 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Each frame's brightness tells its number."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=60)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"bf": "2", "g": "10", "crf": "10"}
        for number in range(N_FRAMES):
            grey = np.full((48, 64, 3), 40 + 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def number_in(picture: np.ndarray) -> int:
    return round((float(picture.mean()) - 40) / 8)


def camera(clip: Path, **changes: object) -> FileCamera:
    return FileCamera(CameraConfig(name="cam1", path=str(clip), **changes))  # pyright: ignore[reportArgumentType]


def first_of(events, n_frames: int) -> list:
    """All events up to and with so many frames."""
    taken = []
    for one in events:
        taken.append(one)
        if sum(isinstance(other, CapturedFrame) for other in taken) == n_frames:
            break
    return taken


def split(events) -> tuple[list[CompressedPacket], list[CapturedFrame]]:
    everything = list(events)
    packets = [one for one in everything if isinstance(one, CompressedPacket)]
    return packets, [one for one in everything if isinstance(one, CapturedFrame)]


def test_the_index_has_all_frames_in_order(clip):
    frames = footage.index(clip)
    assert len(frames.pts) == N_FRAMES
    assert frames.rate_hz == 60
    assert float(frames.loop_s) == pytest.approx(N_FRAMES / 60)


def test_frames_come_at_the_videos_own_times_with_their_pictures(clip):
    playing = camera(clip, loop=False, reduce=1)
    numbers = []
    for one in playing.events(START_NS, START_NS):
        if isinstance(one, CapturedFrame):
            assert one.t_ns == pytest.approx(START_NS + one.frame * PERIOD_NS, abs=2)
            numbers.append(number_in(one.picture()))
    assert numbers == list(range(N_FRAMES))


def test_all_packets_are_there_byte_for_byte(clip):
    packets, _ = split(camera(clip, loop=False).events(START_NS, START_NS))
    assert [one.payload for one in packets] == [bytes(one) for one in footage.packets(clip)]
    assert sorted(one.frame for one in packets) == list(range(N_FRAMES))
    assert [one.packet for one in packets] == list(range(N_FRAMES))
    assert any(one.pts != one.dts for one in packets), "the clip has B-frames"


def test_a_packet_is_out_before_its_frame_and_hardly_earlier(clip):
    """Cut anywhere, a recording holds every frame that was given out."""
    seen: set[int] = set()
    for one in first_of(camera(clip).events(START_NS, START_NS), 2 * N_FRAMES):
        if isinstance(one, CompressedPacket):
            seen.add(one.frame)
        else:
            assert one.frame in seen
            assert max(seen) <= one.frame + 3


def test_a_loop_goes_on_counting(clip):
    events = first_of(camera(clip).events(START_NS, START_NS), 3 * N_FRAMES)
    packets, frames = split(events)
    assert [one.frame for one in frames] == list(range(3 * N_FRAMES))
    assert len({one.packet for one in packets}) == 3 * N_FRAMES
    gaps = {round((b.t_ns - a.t_ns) / 1e5) for a, b in pairwise(frames)}
    assert gaps == {167}


@pytest.mark.parametrize("cache_mb", [0.0, 256.0])
def test_a_looped_picture_is_the_right_one_whether_kept_or_not(clip, cache_mb):
    numbers = [
        number_in(one.picture())
        for one in first_of(
            camera(clip, cache_mb=cache_mb).events(START_NS, START_NS), 2 * N_FRAMES
        )
        if isinstance(one, CapturedFrame) and one.frame % 3 == 1
    ]
    assert numbers == [n % N_FRAMES for n in range(1, 2 * N_FRAMES, 3)]


def test_prepared_footage_needs_no_decoding_any_more(clip, tmp_path):
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(clip.read_bytes())
    playing = camera(copy, reduce=1)
    events = playing.events(START_NS, START_NS)
    playing.prepare()
    playing.close()
    frames = [one for one in first_of(events, N_FRAMES) if isinstance(one, CapturedFrame)]
    assert [number_in(one.picture()) for one in frames] == list(range(N_FRAMES))


def test_it_stops_after_the_length_asked_for(clip):
    _, frames = split(camera(clip, play_s=1.0).events(START_NS, START_NS))
    assert len(frames) == 60


def test_a_camera_that_begins_late_has_the_numbers_of_its_time(clip):
    now_ns = START_NS + round(1.5 * N_FRAMES * PERIOD_NS) - 1_000_000
    first = next(
        one
        for one in camera(clip, reduce=1).events(START_NS, now_ns)
        if isinstance(one, CapturedFrame)
    )
    assert first.frame == 30
    assert first.t_ns >= now_ns
    assert number_in(first.picture()) == 10


def test_pictures_are_reduced_by_the_factor(clip):
    frame = next(
        one for one in camera(clip).events(START_NS, START_NS) if isinstance(one, CapturedFrame)
    )
    assert frame.picture().shape == (24, 32, 3)


def test_what_is_no_video_is_refused(tmp_path):
    with pytest.raises(CameraError, match="no such file"):
        camera(tmp_path / "nothing.mp4")
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(CameraError, match="cannot be opened as video"):
        camera(tmp_path / "text.mp4")


def recorded(clip: Path, packets: list[CompressedPacket]) -> RecordedCamera:
    stream: StreamFormat = camera(clip).format
    return RecordedCamera(stream, lambda: iter(packets), reduce=1)


def test_a_recording_plays_with_its_own_times_and_numbers(clip):
    original = list(first_of(camera(clip, reduce=1).events(START_NS, START_NS), 3 * N_FRAMES))
    packets, frames = split(original)
    _, again = split(recorded(clip, packets).events(0, 0))
    assert [(one.frame, one.t_ns) for one in again] == [(one.frame, one.t_ns) for one in frames]
    assert [number_in(one.picture()) for one in again] == [*range(N_FRAMES)] * 3


def test_after_a_hole_a_recording_goes_on_at_the_next_key_frame(clip):
    packets, _ = split(first_of(camera(clip).events(START_NS, START_NS), 2 * N_FRAMES))
    cut = packets[:5] + packets[8:]
    _, frames = split(recorded(clip, cut).events(0, 0))
    numbers = [one.frame for one in frames]
    assert numbers[-N_FRAMES:] == list(range(N_FRAMES, 2 * N_FRAMES))
    assert all(number_in(one.picture()) == one.frame % N_FRAMES for one in frames)


def test_damaged_packets_do_not_stop_a_recording(clip):
    packets, _ = split(first_of(camera(clip).events(START_NS, START_NS), 2 * N_FRAMES))
    broken = [
        CompressedPacket(p.packet, p.frame, p.t_ns, b"\0" * 40, p.keyframe, p.pts, p.dts)
        if p.packet == 4
        else p
        for p in packets
    ]
    _, frames = split(recorded(clip, broken).events(0, 0))
    assert frames[-1].frame == 2 * N_FRAMES - 1
