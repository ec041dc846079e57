"""Protocol Buffers, as much as it takes to write messages and to say what they are.

Wire format and descriptors: protobuf.dev, "Encoding", and google/protobuf/descriptor.proto.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["double", "int64", "int32", "fixed32", "bool", "string", "bytes", "message", "enum"]

_TYPES: dict[Kind, int] = {
    "double": 1, "int64": 3, "int32": 5, "fixed32": 7, "bool": 8, "string": 9, "message": 11,
    "bytes": 12, "enum": 14,
}  # fmt: skip
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WIRE: dict[Kind, int] = {"double": _FIXED64, "fixed32": _FIXED32, "string": _LENGTH}
_WIRE |= {"bytes": _LENGTH, "message": _LENGTH}
_OPTIONAL, _REPEATED = 1, 3


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message type."""

    name: str
    number: int
    kind: Kind
    of: str = ""
    """Full name of the message or enumeration."""
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Type:
    """A message type; ``name`` with its package."""

    name: str
    fields: tuple[Field, ...]
    enums: Mapping[str, Mapping[str, int]] | None = None
    """Enumerations inside it: values by name."""

    @property
    def package(self) -> str:
        """The part before the last dot."""
        return self.name.rpartition(".")[0]


Types = Mapping[str, Type]


def encode(types: Types, name: str, values: Mapping[str, Any]) -> bytes:
    """Write a message; fields that are not in ``values`` have their default."""
    known = {field.name: field for field in types[name].fields}
    return b"".join(_field(types, known[key], value) for key, value in values.items())


def _field(types: Types, field: Field, value: Any) -> bytes:
    wire = _WIRE.get(field.kind, _VARINT)
    if field.repeated and wire != _LENGTH:  # packed
        packed = b"".join(_value(types, field, one) for one in value)
        return _tag(field.number, _LENGTH) + _varint(len(packed)) + packed
    each = value if field.repeated else [value]
    return b"".join(_tag(field.number, wire) + _value(types, field, one) for one in each)


def _value(types: Types, field: Field, value: Any) -> bytes:
    match field.kind:
        case "double":
            return struct.pack("<d", value)
        case "fixed32":
            return struct.pack("<I", value)
        case "string":
            raw = value.encode()
        case "bytes":
            raw = value
        case "message":
            raw = encode(types, field.of, value)
        case _:
            return _varint(int(value))
    return _varint(len(raw)) + raw


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers have ten bytes
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def descriptor_set(types: Types, name: str) -> bytes:
    """A FileDescriptorSet with a message type and all that it is made of, a file each package."""
    needed = list(dict.fromkeys(_needed(types, name)))
    packages = sorted(
        {types[one].package for one in needed}, key=lambda one: one != types[name].package
    )
    files = [(one, [types[t] for t in needed if types[t].package == one]) for one in packages]
    others = {one: [p for p in packages[1:] if one == packages[0]] for one in packages}
    return b"".join(
        _bytes(1, _file(package, mine, others[package])) for package, mine in files[::-1]
    )


def _needed(types: Types, name: str) -> Iterator[str]:
    yield name
    for field in types[name].fields:
        if field.kind == "message":
            yield from _needed(types, field.of)


def _file(package: str, types: Sequence[Type], uses: Sequence[str]) -> bytes:
    parts = [_bytes(1, _file_name(package)), _bytes(2, package.encode())]
    parts += [_bytes(3, _file_name(one)) for one in uses]
    parts += [_bytes(4, _message(one)) for one in types]
    return b"".join([*parts, _bytes(12, b"proto3")])


def _file_name(package: str) -> bytes:
    return f"{package.replace('.', '/')}.proto".encode()


def _message(one: Type) -> bytes:
    parts = [_bytes(1, one.name.rpartition(".")[2].encode())]
    parts += [_bytes(2, _describe(field)) for field in one.fields]
    for name, values in (one.enums or {}).items():
        each = [_bytes(2, _bytes(1, key.encode()) + _int(2, n)) for key, n in values.items()]
        parts.append(_bytes(4, _bytes(1, name.encode()) + b"".join(each)))
    return b"".join(parts)


def _describe(field: Field) -> bytes:
    label = _REPEATED if field.repeated else _OPTIONAL
    raw = _bytes(1, field.name.encode()) + _int(3, field.number) + _int(4, label)
    raw += _int(5, _TYPES[field.kind])
    return raw + (_bytes(6, f".{field.of}".encode()) if field.of else b"")


def _bytes(number: int, raw: bytes) -> bytes:
    return _tag(number, _LENGTH) + _varint(len(raw)) + raw


def _int(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + _varint(value)
