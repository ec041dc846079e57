"""Writes the monitor page's ``messages.ts`` from the message structs: one schema, two languages.

``python -m tools.typescript`` writes it, ``--check`` ends with 1 when it is not current.
"""

import argparse
import ast
import inspect
import json
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from core import (
    message_base,
    message_people,
    message_quality,
    message_rig,
    messages,
    picture_quality,
)
from core.message_arrays import Array, array_fields
from core.topics import TOPICS
from services.monitor import bundle, wire

TARGET = bundle.WEB / "src" / "messages.ts"

_MODULES = (
    message_base,
    messages,
    message_people,
    message_quality,
    message_rig,
    picture_quality,
    wire,
)
_NOT_SAID = frozenset({Array})
_PLAIN: dict[Any, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    bytes: "Uint8Array",
    msgspec.Raw: "unknown",
    Any: "unknown",
    type(None): "null",
}

_HEAD = f"""\
/* Written by `python -m tools.typescript` from core/messages.py, core/message_people.py,
 * core/message_quality.py, core/message_rig.py, core/picture_quality.py and
 * services/monitor/wire.py.
 *
 * 64-bit integers arrive as numbers: a time of today is then right to 256 ns, which a page does
 * not need better, and each field has one type (big integers would come for large values only).
 * Array fields are bytes; ARRAYS says what they hold, float32() looks at them as numbers.
 */

export const SCHEMA_VERSION = {messages.SCHEMA_VERSION};
"""

_TAIL = """\
/** Floats of an array field: a view where the bytes lie aligned, else a copy. */
export function float32(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset % 4 === 0
    ? new Float32Array(buffer, byteOffset, byteLength / 4)
    : new Float32Array(bytes.slice().buffer);
}
"""


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    current = TARGET.is_file() and TARGET.read_text() == render()
    if parser.parse_args(arguments).check:
        print(f"{TARGET}: {'current' if current else 'stale; run python -m tools.typescript'}")
        return 0 if current else 1
    TARGET.write_text(render())
    return 0


def render() -> str:
    """Text of the TypeScript file."""
    kinds = list(_structs())
    docs = _docs()
    parts = [_HEAD, *(_declaration(kind, docs) for kind in kinds), _topics(), _arrays(kinds)]
    return "\n".join([*parts, _TAIL])


def _structs() -> Iterator[type[msgspec.Struct]]:
    for module in _MODULES:
        for kind in vars(module).values():
            if not isinstance(kind, type) or not issubclass(kind, msgspec.Struct):
                continue
            if kind.__module__ == module.__name__ and kind not in _NOT_SAID:
                yield kind


def _declaration(kind: type[msgspec.Struct], docs: dict[str, str]) -> str:
    config = kind.__struct_config__
    hints = get_type_hints(kind, include_extras=True)
    own = {name: hints[name] for name in inspect.get_annotations(kind)}
    head = _comment(docs.get(kind.__name__), "")
    if config.array_like:
        items = ", ".join(f"{name}: {_type(hint)}" for name, hint in own.items())
        return f"{head}export type {kind.__name__} = readonly [{items}];\n"
    lines = [
        f"{_comment(docs.get(f'{kind.__name__}.{name}'), '  ')}  readonly "
        + (
            f"{name}?: {_without_null(hint)};"
            if config.omit_defaults
            else f"{name}: {_type(hint)};"
        )
        for name, hint in own.items()
    ]
    return "\n".join([f"{head}export interface {kind.__name__}{_extends(kind)} {{", *lines, "}\n"])


def _extends(kind: type[msgspec.Struct]) -> str:
    base = kind.__base__
    return "" if base in (None, msgspec.Struct) else f" extends {base.__name__}"


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " | ".join(json.dumps(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(_type(one) for one in arguments)
    if origin is dict:
        return f"Readonly<Record<{_type(arguments[0])}, {_type(arguments[1])}>>"
    if origin is tuple:
        return _tuple(arguments)
    return _PLAIN.get(hint) or hint.__name__


def _tuple(arguments: tuple[Any, ...]) -> str:
    if arguments[-1] is not Ellipsis:
        return f"readonly [{', '.join(map(_type, arguments))}]"
    item = _type(arguments[0])
    return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"


def _without_null(hint: Any) -> str:
    return " | ".join(_type(one) for one in get_args(hint) if one is not type(None))


def _topics() -> str:
    lines = [f'  readonly "{topic.name}": {topic.message.__name__};' for topic in TOPICS.values()]
    return "\n".join(["/** Message type by topic. */", "export interface Topics {", *lines, "}\n"])


def _arrays(kinds: list[type[msgspec.Struct]]) -> str:
    lines = [
        f"  {kind.__name__}: {{\n"
        + "".join(
            f'    {name}: {{ dtype: "{layout.dtype}", shape: {json.dumps(layout.shape)} }},\n'
            for name, layout in array_fields(kind).items()
        )
        + "  },"
        for kind in kinds
        if array_fields(kind)
    ]
    head = (
        "/** What array fields hold; a letter stands for a length that follows from the bytes. */"
    )
    return "\n".join([head, "export const ARRAYS = {", *lines, "} as const;\n"])


def _comment(doc: str | None, indent: str) -> str:
    if not doc:
        return ""
    text = inspect.cleandoc(doc).replace("``", "`")
    lines = textwrap.wrap(text, 100 - len(indent) - 3)
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/** " + f"\n{indent} *  ".join(lines) + f"\n{indent} */\n"


def _docs() -> dict[str, str]:
    """Docstrings by ``Class`` and ``Class.field``: Python keeps those of fields in no object."""
    found: dict[str, str] = {}
    for module in _MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for kind in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            found[kind.name] = ast.get_docstring(kind) or ""
            for field, after in zip(kind.body, kind.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    found[f"{kind.name}.{field.target.id}"] = _constant_text(after)
    return found


def _constant_text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
