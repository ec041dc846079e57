"""A session as an MCAP file for viewers: pictures, cameras in the world, skeletons, angles.

Channels are of Foxglove's own message types in Protocol Buffers; angles are JSON. Times are capture
times. Unlike a session the file has chunks and an index, so that viewers can jump in it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from mcap.writer import CompressionType, Writer
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core import calibration, foxglove, protobuf
from core.cameras import CameraModel
from core.messages import JointAngles, Person3D, Pose3D, view
from core.skeletons import Skeleton, named
from services.clips import Clip, annex_b, template
from services.export_points import Span
from services.session import Session

F64 = NDArray[np.float64]

WORLD = "world"
_VIDEO_FORMATS = {"h264": "h264", "hevc": "h265", "vp9": "vp9", "av1": "av1"}
_CALIBRATION_EACH_NS = 1_000_000_000
_SHOWN_NS = 300_000_000
"""A skeleton that nothing follows disappears."""
_THICK_M, _RGB = 0.02, (0.2, 0.8, 0.4)
_ANGLES_SCHEMA = {"type": "object", "title": "kinelive.Angles", "additionalProperties": True}


class _File:
    """The MCAP file, its channels made when they are first used."""

    def __init__(self, path: Path) -> None:
        self._mcap = Writer(str(path), compression=CompressionType.NONE)
        self._mcap.start("")
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self.messages = 0

    def say(self, topic: str, kind: str, t_ns: int, values: dict[str, Any]) -> None:
        """Write a message of one of Foxglove's types."""
        if topic not in self._channels:
            described = protobuf.descriptor_set(foxglove.TYPES, kind)
            self._channel(topic, "protobuf", kind, "protobuf", described)
        self._add(topic, t_ns, protobuf.encode(foxglove.TYPES, kind, values))

    def say_json(self, topic: str, t_ns: int, values: dict[str, Any]) -> None:
        """Write angles by name."""
        if topic not in self._channels:
            raw = msgspec.json.encode(_ANGLES_SCHEMA)
            self._channel(topic, "json", "kinelive.Angles", "jsonschema", raw)
        self._add(topic, t_ns, msgspec.json.encode(values))

    def close(self) -> None:
        """Write the index."""
        self._mcap.finish()

    def _channel(self, topic: str, encoding: str, kind: str, language: str, raw: bytes) -> None:
        if kind not in self._schemas:
            self._schemas[kind] = self._mcap.register_schema(kind, language, raw)
        self._channels[topic] = self._mcap.register_channel(topic, encoding, self._schemas[kind])

    def _add(self, topic: str, t_ns: int, raw: bytes) -> None:
        self._mcap.add_message(self._channels[topic], t_ns, raw, t_ns)
        self.messages += 1


def write(
    session: Session,
    span: Span,
    clips: Sequence[Clip],
    path: Path,
    tell: Callable[[str, int, int], None],
) -> tuple[int, list[str]]:
    """Write the file; the number of messages, and what viewers may not show.

    Raises:
        SessionError: a stream that cannot be understood.
        CalibrationError: the recorded calibration cannot be read.
    """
    notes: list[str] = []
    file = _File(path)
    try:
        models = calibration.parse(session.manifest.calibration_name, session.calibration_text)
        for number, clip in enumerate(clips):
            tell("foxglove", number, len(clips) + 1)
            notes += _pictures(file, clip, models.get(clip.camera))
        for name in session.manifest.cameras:
            if name in models and name not in {one.camera for one in clips}:
                _camera(file, models[name], span.zero_ns)
        _people(file, session, span)
    finally:
        file.close()
    return file.messages, notes


def _pictures(file: _File, clip: Clip, model: CameraModel | None) -> Iterator[str]:
    """All packets of a camera; yields what viewers do not show."""
    said_ns, latest_ns, reordered = None, 0, False
    described = template(clip)
    try:
        for packet, raw in annex_b(clip, described):
            t_ns = packet.t_ns
            if model is not None and (said_ns is None or t_ns - said_ns >= _CALIBRATION_EACH_NS):
                _camera(file, model, t_ns)
                said_ns = t_ns
            reordered, latest_ns = reordered or t_ns < latest_ns, max(latest_ns, t_ns)
            _picture(file, clip, t_ns, raw)
    finally:
        described.close()
    if reordered:
        yield f"{clip.camera}: has B-frames, which Foxglove and rerun do not show in order"
    if clip.codec not in (*_VIDEO_FORMATS, "mjpeg"):
        yield f"{clip.camera}: {clip.codec} is shown by no viewer"


def _picture(file: _File, clip: Clip, t_ns: int, raw: bytes) -> None:
    said = {"timestamp": foxglove.stamp(t_ns), "frame_id": clip.camera, "data": raw}
    if clip.codec == "mjpeg":
        image = {**said, "format": "jpeg"}
        file.say(f"/{clip.camera}/image", "foxglove.CompressedImage", t_ns, image)
    else:
        video = {**said, "format": _VIDEO_FORMATS.get(clip.codec, clip.codec)}
        file.say(f"/{clip.camera}/video", "foxglove.CompressedVideo", t_ns, video)


def _camera(file: _File, model: CameraModel, t_ns: int) -> None:
    """How a camera sees and where it stands."""
    k = model.image_from_cam
    values = {
        "timestamp": foxglove.stamp(t_ns),
        "frame_id": model.name,
        "width": model.width_px,
        "height": model.height_px,
        "distortion_model": "plumb_bob",
        "D": model.distortion.tolist(),
        "K": k.ravel().tolist(),
        "R": np.eye(3).ravel().tolist(),
        "P": np.column_stack([k, np.zeros(3)]).ravel().tolist(),
    }
    file.say(f"/{model.name}/calibration", "foxglove.CameraCalibration", t_ns, values)
    world_from_cam = model.cam_from_world[:, :3].T
    centre_m = -world_from_cam @ model.cam_from_world[:, 3]
    turn = Rotation.from_matrix(world_from_cam).as_quat()
    placed = {
        "timestamp": foxglove.stamp(t_ns),
        "parent_frame_id": WORLD,
        "child_frame_id": model.name,
        "translation": _xyz(centre_m),
        "rotation": {**_xyz(turn), "w": float(turn[3])},
    }
    file.say("/tf", "foxglove.FrameTransform", t_ns, placed)


def _people(file: _File, session: Session, span: Span) -> None:
    for stored in session.messages(["pose3d", "angles"]):
        message = stored.message
        if not span.holds(message.t_ns):
            continue
        if isinstance(message, Pose3D):
            _pose(file, message)
        elif isinstance(message, JointAngles):
            for one in message.persons:
                values = np.rad2deg(view(one, "value").astype(np.float64))
                known = zip(message.coordinates, values.tolist(), strict=False)
                said = {name: value for name, value in known if np.isfinite(value)}
                file.say_json(f"/angles/{one.id}", message.t_ns, said)


def _pose(file: _File, pose: Pose3D) -> None:
    skeleton = named(pose.skeleton)
    lasts, at = foxglove.stamp(_SHOWN_NS), foxglove.stamp(pose.t_ns)
    entities = [
        {
            "timestamp": at,
            "frame_id": WORLD,
            "id": f"person {one.id}",
            "lifetime": lasts,
            "lines": [_bones(one, skeleton)],
        }
        for one in pose.persons
    ]
    file.say("/skeletons", "foxglove.SceneUpdate", pose.t_ns, {"entities": entities})
    points = [view(one, "keypoints_m") for one in pose.persons]
    seen = np.concatenate([np.empty((0, 3)), *points]).astype("<f4")
    seen = seen[np.isfinite(seen).all(axis=1)]
    cloud = {
        "timestamp": at,
        "frame_id": WORLD,
        "pose": {"position": _xyz(np.zeros(3)), "orientation": {"w": 1.0}},
        "point_stride": 12,
        "fields": [
            {"name": name, "offset": 4 * place, "type": foxglove.FLOAT32}
            for place, name in enumerate("xyz")
        ],
        "data": seen.tobytes(),
    }
    file.say("/keypoints", "foxglove.PointCloud", pose.t_ns, cloud)


def _bones(one: Person3D, skeleton: Skeleton) -> dict[str, Any]:
    points_m = view(one, "keypoints_m").astype(np.float64)
    ends = [points_m[list(bone)] for bone in skeleton.bones]
    shown = [pair for pair in ends if np.isfinite(pair).all()]
    return {
        "type": foxglove.LINE_LIST,
        "pose": {"position": _xyz(np.zeros(3)), "orientation": {"w": 1.0}},
        "thickness": _THICK_M,
        "points": [_xyz(point) for pair in shown for point in pair],
        "color": dict(zip("rgba", (*_RGB, 1.0), strict=True)),
    }


def _xyz(values: F64) -> dict[str, float]:
    return {axis: float(value) for axis, value in zip("xyz", values, strict=False)}
