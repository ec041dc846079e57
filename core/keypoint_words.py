"""Keypoints in plain words, for people who read a report."""

import re
from collections.abc import Iterable

_SIDES = {"L": "left", "R": "right"}
_SIDED = re.compile(r"([LR])([A-Z].*)")
_WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def in_words(names: Iterable[str]) -> list[str]:
    """Names such as RSmallToe in words; both sides of one make one: "small toes"."""
    sides: dict[str, list[str]] = {}
    for name in names:
        sided = _SIDED.fullmatch(name)
        stem, side = (sided[2], _SIDES[sided[1]]) if sided else (name, "")
        sides.setdefault(_WORD_BEGINS.sub(" ", stem).lower(), []).append(side)
    return [_told(stem, found) for stem, found in sides.items()]


def _told(stem: str, sides: list[str]) -> str:
    return f"{stem}s" if len(sides) > 1 else f"{sides[0]} {stem}".strip()
