"""Messages that Foxglove and rerun show, as tables for ``core.protobuf``.

Names and numbers are those of Foxglove's published schemas (foxglove/schemas, MIT). Of shapes that
are never written only the name is there, so that readers find an empty list.
"""

from typing import Any

from core.protobuf import Field, Type, Types

_S = 10**9


def _floats(name: str, *fields: str) -> Type:
    numbered = enumerate(fields, start=1)
    return Type(name, tuple(Field(field, number, "double") for number, field in numbered))


_STAMP, _DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"
_AT = Field("timestamp", 1, "message", _STAMP)
_UNUSED = ("Arrow", "Cube", "Cylinder", "TriangleList", "Text", "Model")

_ALL = (
    *(
        Type(one, (Field("seconds", 1, "int64"), Field("nanos", 2, "int32")))
        for one in (_STAMP, _DURATION)
    ),
    _floats("foxglove.Vector3", "x", "y", "z"),
    _floats("foxglove.Point3", "x", "y", "z"),
    _floats("foxglove.Quaternion", "x", "y", "z", "w"),
    _floats("foxglove.Color", "r", "g", "b", "a"),
    Type(
        "foxglove.Pose",
        (
            Field("position", 1, "message", "foxglove.Vector3"),
            Field("orientation", 2, "message", "foxglove.Quaternion"),
        ),
    ),
    Type(
        "foxglove.CompressedVideo",
        (
            _AT,
            Field("frame_id", 2, "string"),
            Field("data", 3, "bytes"),
            Field("format", 4, "string"),
        ),
    ),
    Type(
        "foxglove.CompressedImage",
        (
            _AT,
            Field("data", 2, "bytes"),
            Field("format", 3, "string"),
            Field("frame_id", 4, "string"),
        ),
    ),
    Type(
        "foxglove.CameraCalibration",
        (
            _AT,
            Field("width", 2, "fixed32"),
            Field("height", 3, "fixed32"),
            Field("distortion_model", 4, "string"),
            Field("D", 5, "double", repeated=True),
            Field("K", 6, "double", repeated=True),
            Field("R", 7, "double", repeated=True),
            Field("P", 8, "double", repeated=True),
            Field("frame_id", 9, "string"),
        ),
    ),
    Type(
        "foxglove.FrameTransform",
        (
            _AT,
            Field("parent_frame_id", 2, "string"),
            Field("child_frame_id", 3, "string"),
            Field("translation", 4, "message", "foxglove.Vector3"),
            Field("rotation", 5, "message", "foxglove.Quaternion"),
        ),
    ),
    Type(
        "foxglove.PackedElementField",
        (
            Field("name", 1, "string"),
            Field("offset", 2, "fixed32"),
            Field("type", 3, "enum", "foxglove.PackedElementField.NumericType"),
        ),
        {
            "NumericType": {
                "UNKNOWN": 0, "UINT8": 1, "INT8": 2, "UINT16": 3, "INT16": 4, "UINT32": 5,
                "INT32": 6, "FLOAT32": 7, "FLOAT64": 8,
            }
        },
    ),
    Type(
        "foxglove.PointCloud",
        (
            _AT,
            Field("frame_id", 2, "string"),
            Field("pose", 3, "message", "foxglove.Pose"),
            Field("point_stride", 4, "fixed32"),
            Field("fields", 5, "message", "foxglove.PackedElementField", repeated=True),
            Field("data", 6, "bytes"),
        ),
    ),
    *(Type(f"foxglove.{one}Primitive", ()) for one in _UNUSED),
    Type("foxglove.KeyValuePair", (Field("key", 1, "string"), Field("value", 2, "string"))),
    Type("foxglove.SceneEntityDeletion", ()),
    Type(
        "foxglove.SpherePrimitive",
        (
            Field("pose", 1, "message", "foxglove.Pose"),
            Field("size", 2, "message", "foxglove.Vector3"),
            Field("color", 3, "message", "foxglove.Color"),
        ),
    ),
    Type(
        "foxglove.LinePrimitive",
        (
            Field("type", 1, "enum", "foxglove.LinePrimitive.Type"),
            Field("pose", 2, "message", "foxglove.Pose"),
            Field("thickness", 3, "double"),
            Field("scale_invariant", 4, "bool"),
            Field("points", 5, "message", "foxglove.Point3", repeated=True),
            Field("color", 6, "message", "foxglove.Color"),
            Field("colors", 7, "message", "foxglove.Color", repeated=True),
            Field("indices", 8, "fixed32", repeated=True),
        ),
        {"Type": {"LINE_STRIP": 0, "LINE_LOOP": 1, "LINE_LIST": 2}},
    ),
    Type(
        "foxglove.SceneEntity",
        (
            _AT,
            Field("frame_id", 2, "string"),
            Field("id", 3, "string"),
            Field("lifetime", 4, "message", _DURATION),
            Field("frame_locked", 5, "bool"),
            Field("metadata", 6, "message", "foxglove.KeyValuePair", repeated=True),
            Field("arrows", 7, "message", "foxglove.ArrowPrimitive", repeated=True),
            Field("cubes", 8, "message", "foxglove.CubePrimitive", repeated=True),
            Field("spheres", 9, "message", "foxglove.SpherePrimitive", repeated=True),
            Field("cylinders", 10, "message", "foxglove.CylinderPrimitive", repeated=True),
            Field("lines", 11, "message", "foxglove.LinePrimitive", repeated=True),
            Field("triangles", 12, "message", "foxglove.TriangleListPrimitive", repeated=True),
            Field("texts", 13, "message", "foxglove.TextPrimitive", repeated=True),
            Field("models", 14, "message", "foxglove.ModelPrimitive", repeated=True),
        ),
    ),
    Type(
        "foxglove.SceneUpdate",
        (
            Field("deletions", 1, "message", "foxglove.SceneEntityDeletion", repeated=True),
            Field("entities", 2, "message", "foxglove.SceneEntity", repeated=True),
        ),
    ),
)  # fmt: skip

TYPES: Types = {one.name: one for one in _ALL}
LINE_LIST, FLOAT32 = 2, 7


def stamp(t_ns: int) -> dict[str, Any]:
    """A Timestamp or Duration."""
    return {"seconds": t_ns // _S, "nanos": t_ns % _S}
