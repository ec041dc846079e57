"""Keyframes and holes of encoded streams, and what is decoded after a hole."""

import numpy as np
import pytest

from capture import bitstream
from capture.bitstream import FrameNumbering
from capture.decoding import Decoder
from capture.device import Pictured, Spoilt
from tests.capture.encoded import GOP, N_FRAMES, scene, stream

CODECS = [("libx264", "h264"), ("libx265", "hevc")]


@pytest.mark.parametrize(("encoder", "codec"), CODECS)
def test_keyframes(encoder: str, codec: str) -> None:
    units = stream(encoder)
    assert len(units) == N_FRAMES
    assert all(bitstream.has_picture(codec, unit) for unit in units)
    keys = [number for number, unit in enumerate(units) if bitstream.is_keyframe(codec, unit)]
    assert keys == list(range(0, N_FRAMES, GOP))


def test_parameters_alone_are_no_picture() -> None:
    assert not bitstream.has_picture("h264", b"\0\0\0\1\x67\x42\0\x1e\0\0\1\x68\xce")
    assert bitstream.has_picture("mjpeg", b"\xff\xd8")


@pytest.mark.parametrize(
    "options", [{}, {"preset": "slow", "bf": "0"}, {"x264-params": "sliced-threads=1:slices=3"}]
)
def test_holes_are_counted(options: dict[str, str]) -> None:
    lost = {4, 5, 17, 21, 22, 23}
    state, found = FrameNumbering(), {}
    for number, unit in enumerate(stream("libx264", **options)):
        if number not in lost:
            state, missing = bitstream.follow(state, unit)
            found |= {number: missing} if missing else {}
    assert found == {6: 2, 18: 1, 24: 3}


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5, 8, 13, 40])
def test_torn_payloads_are_survived(cut: int) -> None:
    units = stream("libx264")
    state, _ = bitstream.follow(FrameNumbering(), units[0])
    bitstream.follow(state, units[1][:cut])
    bitstream.follow(FrameNumbering(), units[0][:cut])


@pytest.mark.parametrize(("encoder", "codec"), CODECS)
def test_nothing_is_shown_that_hangs_on_a_lost_frame(encoder: str, codec: str) -> None:
    decoder = Decoder(codec, b"")
    shown, spoilt = [], []
    for number, unit in enumerate(stream(encoder)):
        if number in (4, 5):
            continue
        missing = decoder.missing_before(unit)
        assert missing == (2 if number == 6 and codec == "h264" else 0)
        for event in decoder.feed(number, unit):
            if isinstance(event, Pictured):
                shown.append(event.serial)
                off = event.picture(1)[:, :, 1].astype(float) - scene(event.serial)
                assert np.abs(off).mean() < 20
            else:
                spoilt.append(event.serial)
    assert shown == [*range(4), *range(10, N_FRAMES)]
    assert spoilt == [6, 7, 8, 9]


def test_nothing_is_shown_before_the_first_keyframe() -> None:
    decoder = Decoder("h264", b"")
    events = [event for unit in stream("libx264")[3:12] for event in decoder.feed(0, unit)]
    assert [isinstance(event, Spoilt) for event in events] == [True] * 7 + [False] * 2


def test_after_a_skip_the_decoder_waits_for_a_keyframe() -> None:
    decoder, units = Decoder("h264", b""), stream("libx264")
    list(decoder.feed(0, units[0]))
    assert decoder.skip(1) == Spoilt(1, "queue", "decoding is too slow")
    assert list(decoder.feed(2, units[2])) == [Spoilt(2, "queue", "decoding is too slow")]
    assert isinstance(next(decoder.feed(10, units[10])), Pictured)
