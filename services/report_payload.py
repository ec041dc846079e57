"""A report as the JSON that its page reads: words and tables as they are, curves as float32 bytes.

Bytes are little-endian, base64, NaN kept. ``services/monitor/web/src/report/payload.ts`` reads it.
"""

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import coordinate_table
from core.coordinate_table import CAUTIONS, GROUPS

if TYPE_CHECKING:
    from services.report import Report, ReportPerson

F64 = NDArray[np.float64]

MOST_NUMBERS = 2_000_000
"""Of 4 bytes, 5.3 in base64: a file of 12 MB at most. Ten minutes at 60 Hz of one person with 22
markers and 40 coordinates are shown at 20 Hz."""
LEAST_OBSERVED = 0.05
"""A coordinate that is observed in a smaller part of the frames is not drawn."""


def of(report: "Report", most_numbers: int = MOST_NUMBERS) -> dict[str, Any]:
    """All that the page needs.

    Raises:
        ValueError: arrays of a person whose shapes do not fit each other.
    """
    for person in report.persons:
        _check(person)
    every = max(1, math.ceil(sum(map(_numbers, report.persons)) / most_numbers))
    return {
        "kinelive": metadata.version("kinelive"),
        "title": report.title,
        "input": report.input_name,
        "verdict": asdict(report.verdict),
        "every": every,
        "groups": GROUPS,
        "cautions": CAUTIONS,
        "persons": [_person(person, every) for person in report.persons],
        "quality": asdict(report.quality),
        "sync_offset_ms": report.sync_offset_ms,
        "settings": list(_flat(report.settings)),
        "unused_settings": report.unused_settings,
        "provenance": [asdict(one) for one in report.provenance],
        "warnings": report.warnings,
    }


def _check(person: "ReportPerson") -> None:
    n_frames, shape = len(person.times_s), (len(person.times_s), len(person.coordinates))
    expected: list[tuple[str, NDArray[Any], list[tuple[int, ...]]]]
    expected = [("points_m", person.points_m, [(n_frames, len(person.markers), 3)])]
    if person.coordinates:
        expected.append(("values", person.values, [shape]))
    if person.sd is not None:
        expected.append(("sd", person.sd, [shape]))
    if person.observed is not None:
        expected.append(("observed", person.observed, [shape, shape[1:]]))
    if person.error_mm is not None:
        expected.append(("error_mm", person.error_mm, [(n_frames,)]))
    for name, array, shapes in expected:
        if array.shape not in shapes:
            raise ValueError(
                f"person {person.id}: {name} is {array.shape}, not {' or '.join(map(str, shapes))}"
            )


def _numbers(person: "ReportPerson") -> int:
    per_frame = 2 + 3 * len(person.markers) + 2 * len(person.coordinates)
    return len(person.times_s) * per_frame


def _person(person: "ReportPerson", every: int) -> dict[str, Any]:
    values = _observed(person)
    sd = np.full(values.shape, np.nan)
    if person.sd is not None:
        sd = np.where(np.isfinite(values), person.sd, np.nan)
    rows = [_coordinate(person, q, values[:, q], sd[:, q]) for q in range(values.shape[1])]
    drawn = [place for place, row in enumerate(rows) if row["drawn"]]
    return {
        "id": person.id,
        "height_m": person.height_m,
        "mass_kg": person.mass_kg,
        "rate_hz": person.rate_hz,
        "n_frames": len(person.times_s),
        "times_s": encode(person.times_s[::every]),
        "markers": person.markers,
        "points_m": encode(person.points_m[::every]),
        "bones": _bones(person),
        "coordinates": rows,
        "values": encode(values[::every, drawn].T),
        "sd": None if person.sd is None else encode(sd[::every, drawn].T),
        "error_mm": None if person.error_mm is None else encode(person.error_mm[::every]),
        "mean_error_mm": _mean(person.error_mm) if person.error_mm is not None else None,
        "marker_error_mm": list(person.marker_error_mm.items()),
        "events": person.events,
    }


def _observed(person: "ReportPerson") -> F64:
    """Values (T, Q), NaN where they are not observed."""
    shape = (len(person.times_s), len(person.coordinates))
    values = person.values if person.coordinates else np.empty(shape)
    return values if person.observed is None else np.where(person.observed, values, np.nan)


def _coordinate(person: "ReportPerson", place: int, values: F64, sd: F64) -> dict[str, Any]:
    """One row of the table: (T,) values and sd, NaN where not observed."""
    there = values[np.isfinite(values)]
    share = len(there) / max(1, len(values))
    said = asdict(coordinate_table.describe(person.coordinates[place]))
    unseen = person.unobserved_because.get(said["name"], said.pop("unseen"))
    row = {**said, "observed": share, "drawn": share >= LEAST_OBSERVED, "because": unseen}
    if not row["drawn"]:
        return row
    low, high = float(there.min()), float(there.max())
    figures = {"min": low, "max": high, "mean": _mean(there), "range": high - low, "sd": _mean(sd)}
    return row | figures


def _mean(values: F64) -> float:
    """Mean of what is there; NaN where nothing is."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else float("nan")


def _bones(person: "ReportPerson") -> list[tuple[int, int]]:
    place = {name: number for number, name in enumerate(person.markers)}
    return [(place[a], place[b]) for a, b in person.bones if a in place and b in place]


def encode(values: NDArray[Any]) -> str:
    """Numbers as little-endian float32 in base64, row-major."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def _flat(table: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
