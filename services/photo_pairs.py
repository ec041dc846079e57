"""Which photos of several cameras were taken at the same time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import CalibrationError
from services.board_pictures import Source

STILL = "the board"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Pairing:
    """What belongs together."""

    bodies: Mapping[str, Sequence[str]]
    """By camera: the instant of each photo."""
    says: str
    """How it was told, in words."""


def still(found: Sequence[Source]) -> Pairing:
    """All photos show the same thing, which does not move."""
    return Pairing({one.camera: [STILL] * len(one.files) for one in found}, "one board for all")


def pairing(found: Sequence[Source]) -> Pairing:
    """By the last number in the names if that fits, else by order.

    Raises:
        CalibrationError: neither can be.
    """
    numbers = {one.camera: [_last_number(path) for path in one.files] for one in found}
    if _numbers_fit(numbers):
        named = {camera: [str(one) for one in some] for camera, some in numbers.items()}
        return Pairing(named, "photos with the same last number in their names")
    counts = {one.camera: len(one.files) for one in found}
    if len(set(counts.values())) > 1:
        says = ", ".join(f"{camera} {count}" for camera, count in counts.items())
        raise CalibrationError(
            f"photos cannot be paired: their numbers do not agree, and their counts differ ({says})"
            "; give photos of the same instant the same number, such as 01.jpg in each folder"
        )
    rows = {camera: [str(n + 1) for n in range(count)] for camera, count in counts.items()}
    return Pairing(rows, "photos by their order, as their numbers do not agree")


def _last_number(path: Path) -> int | None:
    every = _NUMBER.findall(path.stem)
    return int(every[-1]) if every else None


def _numbers_fit(numbers: Mapping[str, Sequence[int | None]]) -> bool:
    """Whether each photo has a number of its own, and half of each camera's are another's too."""
    for camera, some in numbers.items():
        others = {one for name, rest in numbers.items() if name != camera for one in rest}
        if None in some or len(set(some)) < len(some):
            return False
        if 2 * sum(one in others for one in some) < len(some):
            return False
    return True
