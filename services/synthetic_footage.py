"""A folder that a run can be made of, with a known truth: videos, calibration, networks, settings.

People of coloured balls walk between the cameras; the networks beside the videos find them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from core import synthetic, synthetic_scenes
from core.cameras import CameraModel
from core.pose.crops import Size
from core.skeletons import HALPE_26
from core.synthetic_pictures import reduced, render, with_large_head
from services import synthetic_networks

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

_SMALLER = 2
_POSE, _DETECTOR = Size(192, 256), Size(640, 640)
_QUALITY = {"crf": "12", "preset": "ultrafast"}


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """What has been written, and the truth of it. P people, T frames, C cameras."""

    run_file: Path
    """Settings for ``kinelive up``, with networks of one's own."""
    models: tuple[CameraModel, ...]
    videos: tuple[Path, ...]
    rate_hz: float
    people_m: F64  # (P, T, 26, 3)
    points_px: F64  # (C, T, P, 26, 2) pixel centres counted from 0, also of what is hidden
    visible: NDArray[np.bool_]  # (C, T, P, 26) nothing in front of it


def write(
    folder: Path,
    *,
    n_people: int = 2,
    n_frames: int = 60,
    n_cameras: int = 4,
    rate_hz: int = 30,
    raw_detector: bool = False,
    seed: int = 0,
) -> Footage:
    """Write the folder: people whose ways cross, in pictures of 960x540.

    Args:
        folder: is made if need be.
        n_people: who walk, 1 to 4; each hides others now and then.
        n_frames: of each video.
        n_cameras: in a ring around them.
        rate_hz: of the videos.
        raw_detector: the detector without suppression inside.
        seed: of the places of the cameras.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = _models(n_cameras, seed)
    if n_people == 1:
        people_m = with_large_head(synthetic.walk_m(n_frames, rate_hz))[None]
    else:
        people_m = with_large_head(synthetic_scenes.crossing_m(n_people, n_frames, rate_hz))
    videos = tuple(folder / f"{model.name}.mp4" for model in models)
    points, seen = [], []
    for model, video in zip(models, videos, strict=True):
        views = [render(model, people_m[:, t]) for t in range(n_frames)]
        write_video(video, [one.picture for one in views], rate_hz)
        points.append([one.points_px for one in views])
        seen.append([one.visible for one in views])
    (folder / "calibration.toml").write_text(calibration_text(models), encoding="utf-8")
    synthetic_networks.write_rtmpose(folder / "pose.onnx", _POSE)
    synthetic_networks.write_yolox(folder / "detector.onnx", _DETECTOR, raw=raw_detector)
    run_file = folder / "run.toml"
    run_file.write_text(_settings(videos), encoding="utf-8")
    return Footage(run_file, models, videos, rate_hz, people_m, np.array(points), np.array(seen))


def _models(n_cameras: int, seed: int) -> tuple[CameraModel, ...]:
    whole = synthetic.models(synthetic.ring(n_cameras, seed=seed))
    return tuple(reduced(one, _SMALLER) for one in whole)


def write_video(path: Path, pictures: Sequence[U8], rate_hz: int) -> None:
    """Write H.264 with whole colours: small balls would run out at half the resolution."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate_hz, options=_QUALITY)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv444p", Fraction(1, rate_hz)
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def calibration_text(models: Sequence[CameraModel]) -> str:
    """Pose2Sim-style tables."""
    return "\n".join(_table(one) for one in models)


def _table(model: CameraModel) -> str:
    turn = cv2.Rodrigues(model.cam_from_world[:, :3])[0].ravel()
    return f"""[{model.name}]
name = "{model.name}"
size = [{model.width_px}, {model.height_px}]
matrix = {model.image_from_cam.tolist()}
distortions = {model.distortion.tolist()}
rotation = {turn.tolist()}
translation = {model.cam_from_world[:, 3].tolist()}
fisheye = false
"""


def _settings(videos: Sequence[Path]) -> str:
    cameras = "\n".join(
        f'[[cameras]]\nname = "{one.stem}"\npath = "{one.name}"\nreduce = 1\n' for one in videos
    )
    return f"""calibration = "calibration.toml"

{cameras}
[pose]
model = "custom"
detector_path = "detector.onnx"
pose_path = "pose.onnx"
skeleton = "{HALPE_26.name}"
provider = "cpu"
"""
