from fractions import Fraction

import av
import numpy as np
import pytest

from core.errors import ConfigError
from services.overlay import OverlayWriter

PTS = [512, 768, 1100, 1280, 1800, 2400]
TIME_BASE_S = Fraction(1, 15360)


def time_s(frame: av.VideoFrame) -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base


def test_times_stay_sizes_become_even_and_pictures_are_these(tmp_path):
    path = tmp_path / "drawn.mp4"
    with OverlayWriter(path, TIME_BASE_S, 60.0) as writer:
        for number, pts in enumerate(PTS):
            writer.write(np.full((47, 63, 3), 40 * number, np.uint8), pts)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    assert [time_s(frame) for frame in frames] == [one * TIME_BASE_S for one in PTS]
    assert {(frame.width, frame.height) for frame in frames} == {(64, 48)}
    means = [frame.to_ndarray(format="bgr24").mean() for frame in frames]
    np.testing.assert_allclose(means, 40 * np.arange(6), atol=3)


def test_times_of_a_rate_that_is_no_whole_number_stay(tmp_path):
    path = tmp_path / "drawn.mp4"
    with OverlayWriter(path, Fraction(1001, 30000), 30000 / 1001) as writer:
        for pts in range(5):
            writer.write(np.zeros((48, 64, 3), np.uint8), pts)
    with av.open(str(path)) as container:
        found = [time_s(frame) for frame in container.decode(video=0)]
    assert found == [Fraction(1001, 30000) * n for n in range(5)]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "no such folder" / "x.mp4"
    with (
        pytest.raises(ConfigError, match="no such folder"),
        OverlayWriter(path, TIME_BASE_S, 60.0) as writer,
    ):
        writer.write(np.zeros((48, 64, 3), np.uint8), 0)
