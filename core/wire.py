"""Messages to bytes and back: MessagePack, typed on reading, checked beyond what types can say."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from core import skeletons
from core.errors import WireError
from core.messages import (
    SCHEMA_VERSION,
    Header,
    HostClockSample,
    JointAngles,
    Keypoints2D,
    Message,
    Person2D,
    Pose3D,
    RigQuality,
    array_fields,
    view,
)
from core.topics import TOPICS, Topic, topic_of

_encoder = msgspec.msgpack.Encoder()
_header_decoder = msgspec.msgpack.Decoder(Header)
_decoders = {name: msgspec.msgpack.Decoder(topic.message) for name, topic in TOPICS.items()}

MAX_PAYLOAD_BYTES = 64 * 2**20
_DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)


def encode(message: Message) -> bytes:
    """MessagePack map of one message."""
    return _encoder.encode(message)


def encode_header(header: Header) -> bytes:
    """MessagePack array of a header."""
    return _encoder.encode(header)


def decode_header(raw: bytes | memoryview) -> Header:
    """Read a header.

    Raises:
        WireError: reason ``malformed``, or ``version`` for another schema version.
    """
    try:
        header = _header_decoder.decode(raw)
    except _DECODE_ERRORS as error:
        raise WireError("malformed", f"header: {error}") from error
    if header.version != SCHEMA_VERSION:
        raise WireError("version", f"{header.version}; this build reads {SCHEMA_VERSION}")
    return header


def decode(key: str, raw: bytes | memoryview) -> Message:
    """Read the message of a topic key.

    Raises:
        WireError: reason ``unknown_topic``, ``malformed`` (not that type, wrong array length) or
            ``not_finite`` (a number that may not be NaN or infinite).
    """
    topic = topic_of(key)
    if topic is None:
        raise WireError("unknown_topic", repr(key))
    message = _typed(topic, raw)
    check = _CHECKS.get(topic.message)
    if check is not None:
        check(message)
    return message


def _typed(topic: Topic, raw: bytes | memoryview) -> Message:
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise WireError("malformed", f"{topic.name}: {len(raw)} bytes")
    try:
        return _decoders[topic.name].decode(raw)
    except _DECODE_ERRORS as error:
        raise WireError("malformed", f"{topic.name}: {error}") from error


def _check_arrays(part: msgspec.Struct, n_free: int, may_lack: str = "") -> None:
    for name, layout in array_fields(type(part)).items():
        if name == may_lack and not getattr(part, name):
            continue
        count = math.prod(n_free if isinstance(axis, str) else axis for axis in layout.shape)
        if len(getattr(part, name)) != count * np.dtype(layout.dtype).itemsize:
            raise WireError("malformed", f"{type(part).__name__}.{name}: wrong length")


def _check_points(part: msgspec.Struct, points: str) -> None:
    confidence = view(part, "confidence")
    if not np.isfinite(confidence).all() or (confidence < 0).any() or (confidence > 1).any():
        raise WireError("not_finite", f"{type(part).__name__}.confidence: outside 0..1")
    if not np.isfinite(view(part, points)[confidence > 0]).all():
        raise WireError("not_finite", f"{type(part).__name__}.{points}")


def _check_covariance(person: Person2D) -> None:
    """NaN is unknown; what is known has to be the spread of something."""
    xx, yy, xy = view(person, "covariance_px2").astype(np.float64).T
    known = ~(np.isnan(xx) | np.isnan(yy) | np.isnan(xy))
    spread = (xx > 0) & (yy > 0) & (xx * yy > xy**2) & np.isfinite(xx * yy)
    if not spread[known].all():
        raise WireError("not_finite", "Person2D.covariance_px2: no covariance")


def _check_people(message: Any, points: str) -> None:
    skeleton = skeletons.find(message.skeleton)
    if skeleton is None:
        raise WireError("malformed", f"skeleton {message.skeleton!r}: unknown")
    for person in message.persons:
        _check_arrays(person, len(skeleton.names), may_lack="covariance_px2")
        _check_points(person, points)
        if isinstance(person, Person2D):
            _check_covariance(person)


def _check_angles(message: Any) -> None:
    for person in message.persons:
        _check_arrays(person, len(message.coordinates))


def _check_quality(message: Any) -> None:
    if not message.skeleton and not message.keypoint_px:
        return
    skeleton = skeletons.find(message.skeleton)
    if skeleton is None:
        raise WireError("malformed", f"skeleton {message.skeleton!r}: unknown")
    _check_arrays(message, len(skeleton.names))


def _check_trips(message: Any) -> None:
    _check_arrays(message, len(message.sent_ns) // 8)


_CHECKS: dict[type[Message], Callable[[Any], None]] = {
    Keypoints2D: lambda message: _check_people(message, "keypoints_px"),
    Pose3D: lambda message: _check_people(message, "keypoints_m"),
    JointAngles: _check_angles,
    HostClockSample: _check_trips,
    RigQuality: _check_quality,
}
