"""What the golden session shows: a walker, then two, in four cameras of 160x90 with their faults.

Apart from ``make``: this needs no session, and says nothing of files.
"""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from core import synthetic, synthetic_scenes
from core.cameras import CameraModel, Rig, project
from core.config import FusionConfig
from core.messages import CameraStatus, Keypoints2D, Packet, Person2D
from core.skeletons import HALPE_26
from core.synthetic_pictures import reduced, render
from tests.services.session_builder import START_NS

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

N_FRAMES, RATE_HZ = 43, 14
MODELS = tuple(reduced(one, 12) for one in synthetic.models(synthetic.ring(4)))
RIG = Rig.of(MODELS)
FUSION = FusionConfig(keypoint_sd_px=0.5, checkpoint_instants=28)
SECOND_FROM = 35
"""The frame with which the second person comes in."""
_NOISE_PX = 0.25
_WITH_COVARIANCE = {"cam01": range(8, 26)}
_BLIND = {"cam03": range(12, 18)}
_SWAPPED = {("cam02", 21), ("cam02", 22), ("cam04", 40)}
_UNCERTAIN = {("cam01", 27): range(11, 17)}
_LOST = {("cam04", 30)}


def t_ns(frame: int) -> int:
    """Capture time."""
    return START_NS + frame * 1_000_000_000 // RATE_HZ


def _people_m() -> F64:
    """(2, T, 26, 3); the second is in nobody's picture before ``SECOND_FROM``."""
    people_m = synthetic_scenes.crossing_m(2, N_FRAMES, RATE_HZ)
    people_m[1, :SECOND_FROM] = np.nan
    return people_m


def keypoints() -> Iterator[Keypoints2D]:
    """What the cameras say, frame by frame."""
    rng = np.random.default_rng(20)
    points_px = project(RIG, _people_m())  # (C, P, T, J, 2)
    for frame in range(N_FRAMES):
        for camera, name in enumerate(RIG.names):
            people = [
                _person(who, name, frame, points_px[camera, who, frame], rng)
                for who in range(2 if frame >= SECOND_FROM else 1)
                if frame not in _BLIND.get(name, ())
            ]
            if (name, frame) not in _LOST:
                yield _message(name, frame, people)


def _person(
    who: int, camera: str, frame: int, points_px: F64, rng: np.random.Generator
) -> Person2D:
    """A person as found: with noise, now and then with left for right, or hidden in part."""
    sd_px = _NOISE_PX * rng.uniform(0.5, 1.5, len(points_px))
    found_px = points_px + sd_px[:, None] * rng.normal(size=points_px.shape)
    confidence = rng.uniform(0.6, 1.0, len(points_px))
    if (camera, frame) in _SWAPPED:
        found_px = found_px[list(HALPE_26.partner)]
    confidence[list(_UNCERTAIN.get((camera, frame), ()))] = 0.1
    variance_px2 = sd_px**2
    covariance_px2 = np.stack([variance_px2, variance_px2, 0.3 * variance_px2], axis=-1)
    return Person2D(
        id=who + 1,
        keypoints_px=found_px.astype("<f4").tobytes(),
        confidence=confidence.astype("<f4").tobytes(),
        covariance_px2=covariance_px2.astype("<f4").tobytes()
        if frame in _WITH_COVARIANCE.get(camera, ())
        else b"",
    )


def _message(camera: str, frame: int, people: list[Person2D]) -> Keypoints2D:
    return Keypoints2D(
        t_ns=t_ns(frame),
        stamps={"received": t_ns(frame) + 4_000_000},
        camera=camera,
        frame=frame,
        skeleton=HALPE_26.name,
        model="truth with noise",
        provider="none",
        persons=tuple(people),
    )


def status(model: CameraModel) -> CameraStatus:
    """How the packets of a camera are to be decoded."""
    return CameraStatus(
        t_ns=START_NS,
        camera=model.name,
        driver="file",
        codec="h264",
        extradata=b"",
        width_px=model.width_px,
        height_px=model.height_px,
        rate_hz=RATE_HZ,
        time_base_s=(1, RATE_HZ),
        time_origin="file",
        time_uncertainty_ns=0,
    )


def packets(model: CameraModel) -> Iterator[Packet]:
    """H.264 of a camera in decoding order, with B-frames, a key frame a second."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = model.width_px, model.height_px, "yuv420p"
    encoder.time_base, encoder.gop_size = Fraction(1, RATE_HZ), RATE_HZ
    encoder.thread_count = 1
    encoder.options = {"crf": "40", "preset": "slow"}
    raw = [one for picture in _pictures(model) for one in encoder.encode(picture)]
    for number, one in enumerate([*raw, *encoder.encode(None)]):
        assert one.pts is not None
        assert one.dts is not None
        yield Packet(
            t_ns=t_ns(one.pts),
            camera=model.name,
            frame=one.pts,
            packet=number,
            payload=bytes(one),
            keyframe=one.is_keyframe,
            pts=one.pts,
            dts=one.dts,
        )


def _pictures(model: CameraModel) -> Iterator[av.VideoFrame]:
    people_m = _people_m()
    for frame in range(N_FRAMES):
        picture = render(model, people_m[:, frame]).picture
        video = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        video.pts, video.time_base = frame, Fraction(1, RATE_HZ)
        yield video
