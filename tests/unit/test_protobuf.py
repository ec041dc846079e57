"""Messages of our own encoder, read by the library that others use, with our own descriptors."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from core import foxglove, protobuf

WRITTEN = (
    "foxglove.CompressedVideo",
    "foxglove.CompressedImage",
    "foxglove.CameraCalibration",
    "foxglove.FrameTransform",
    "foxglove.PointCloud",
    "foxglove.SceneUpdate",
)


def read(kind: str, raw: bytes) -> Any:
    described = protobuf.descriptor_set(foxglove.TYPES, kind)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(described).file:
        pool.Add(file)  # each after those that it uses
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(kind)).FromString(raw)


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_type_is_described_with_all_it_is_made_of(kind: str) -> None:
    found = read(kind, b"")
    fields = {field.name: field.number for field in found.DESCRIPTOR.fields}
    assert fields == {field.name: field.number for field in foxglove.TYPES[kind].fields}


def test_values_come_back() -> None:
    values = {
        "timestamp": foxglove.stamp(1_700_000_000_123_456_789),
        "width": 1920,
        "distortion_model": "plumb_bob",
        "D": [0.5, -0.25, 0.0],
        "frame_id": "cam ä",
    }
    found = read("foxglove.CameraCalibration", encoded("foxglove.CameraCalibration", values))
    assert (found.timestamp.seconds, found.timestamp.nanos) == (1_700_000_000, 123_456_789)
    assert (found.width, found.frame_id, list(found.D)) == (1920, "cam ä", [0.5, -0.25, 0.0])


def test_messages_lie_in_messages() -> None:
    points = [{"x": 1.0, "y": 2.0, "z": -3.0}, {"x": 300.0}]
    lines = [{"type": foxglove.LINE_LIST, "points": points, "scale_invariant": True}]
    entity = {"id": "person 1", "lifetime": foxglove.stamp(3 * 10**8), "lines": lines}
    found = read("foxglove.SceneUpdate", encoded("foxglove.SceneUpdate", {"entities": [entity]}))
    (one,) = found.entities
    assert (one.id, one.lifetime.nanos, list(one.arrows)) == ("person 1", 300_000_000, [])
    assert [(p.x, p.y, p.z) for p in one.lines[0].points] == [(1, 2, -3), (300, 0, 0)]
    assert (one.lines[0].type, one.lines[0].scale_invariant) == (2, True)


def test_long_bytes_and_negative_numbers() -> None:
    values = {"timestamp": {"seconds": -1, "nanos": 5}, "data": bytes(300), "format": "h264"}
    found = read("foxglove.CompressedVideo", encoded("foxglove.CompressedVideo", values))
    assert (found.timestamp.seconds, found.data, found.format) == (-1, bytes(300), "h264")


def encoded(kind: str, values: dict[str, Any]) -> bytes:
    return protobuf.encode(foxglove.TYPES, kind, values)
