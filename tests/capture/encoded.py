"""Short H.264 and H.265 streams of a picture that moves, one access unit a frame."""

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from capture.camera import U8

N_FRAMES, GOP = 30, 10
_HEIGHT_PX, _WIDTH_PX = 240, 320
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency"},
    "libx265": {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "log-level=0"},
}


def scene(number: int) -> U8:
    """Luma (240, 320) of a frame."""
    texture = np.random.default_rng(1).integers(0, 255, (_HEIGHT_PX + 90, _WIDTH_PX), np.uint8)
    return texture[number : number + _HEIGHT_PX]


def stream(encoder: str, **options: str) -> list[bytes]:
    """``N_FRAMES`` access units in Annex B form, a keyframe each ``GOP``."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = _WIDTH_PX, _HEIGHT_PX, "yuv420p"
    context.time_base, context.gop_size = Fraction(1, 30), GOP
    context.options = {**_OPTIONS[encoder], **options}
    packets = []
    for number in range(N_FRAMES):
        chroma = np.full((_HEIGHT_PX // 2, _WIDTH_PX), 128, np.uint8)
        frame = av.VideoFrame.from_ndarray(np.vstack([scene(number), chroma]), format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]
