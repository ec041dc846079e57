"""The parts of the RTSP driver that need no server."""

from dataclasses import replace
from fractions import Fraction

import pytest

from capture import rtsp, rtsp_link
from capture.rtsp_link import AccessUnit, Connection, whole
from core.camera_config import CameraConfig, RtspConfig, TriggerConfig
from core.errors import CameraError

H264 = Connection(0, "h264", b"", Fraction(1, 90_000), 30.0, 0)
PARAMETERS, KEY, OTHER = b"\0\0\0\1\x67\x42", b"\0\0\0\1\x65\x88", b"\0\0\0\1\x41\x9a"


def piece(pts: int, payload: bytes, received_ns: int) -> AccessUnit:
    return AccessUnit(H264, received_ns, pts, payload)


def test_pieces_of_one_frame_are_joined_and_arrive_with_the_first() -> None:
    pieces = [
        piece(0, PARAMETERS, 10),
        piece(0, KEY, 11),
        piece(0, b"more", 12),
        piece(3000, OTHER, 20),
        piece(6000, OTHER, 30),
    ]
    assert [(one.pts, one.received_ns, one.payload) for one in whole(pieces)] == [
        (0, 10, PARAMETERS + KEY + b"more"),
        (3000, 20, OTHER),
    ]


def test_parameters_that_come_alone_go_with_the_next_frame() -> None:
    pieces = [piece(0, PARAMETERS, 10), piece(3000, KEY, 20), piece(6000, OTHER, 30)]
    assert [(one.pts, one.payload) for one in whole(pieces)] == [(3000, PARAMETERS + KEY)]


def test_each_jpeg_is_whole() -> None:
    jpeg = replace(H264, codec="mjpeg")
    pieces = [replace(piece(pts, b"\xff\xd8", pts), connection=jpeg) for pts in (0, 3000)]
    assert list(whole(pieces)) == pieces


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtsp://user:pass@cam.lan:554/live/1?token=abc", "cam.lan:554/live/1"),
        ("rtsp://10.0.0.5/stream", "10.0.0.5/stream"),
    ],
)
def test_what_is_said_of_an_address(url: str, said: str) -> None:
    assert rtsp_link.place(url) == said


@pytest.mark.parametrize("url", ["", "http://u:secret@h/", "rtsp://u:secret@h:no/"])
def test_a_wrong_address_is_not_repeated(url: str) -> None:
    config = CameraConfig(name="cam1", driver="rtsp", rtsp=RtspConfig(url=url))
    with pytest.raises(CameraError, match=r"cam1: rtsp\.url is no address") as caught:
        rtsp.open_device(config, TriggerConfig())
    assert "secret" not in str(caught.value)


def test_network_cameras_are_not_looked_for() -> None:
    assert rtsp.found() == []
