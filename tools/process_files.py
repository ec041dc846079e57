"""The files of one person of ``kinelive process``: points, markers, model, angles."""

import importlib
import importlib.util
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import mot, trc
from core.errors import ConfigError
from core.kinematics.tree import TRANSLATIONAL
from tools import c3d_files
from tools.process_ik import Angles
from tools.process_kinematics import Kinematics
from tools.process_markers import Person

F64 = NDArray[np.float64]
Content = str | bytes

_AUGMENTED = "_LSTM"


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Beginnings of a person's file names."""

    raw: str
    filtered: str


def check_parquet(*, wanted: bool) -> None:
    """Raise ConfigError where .parquet is wanted and cannot be."""
    if wanted and importlib.util.find_spec("pyarrow") is None:
        raise ConfigError(
            "kinematics.parquet=true: pyarrow is not installed; `uv sync --extra parquet`, or leave"
            " the setting out: the .csv has the same table"
        )


def write(
    names: Names, person: Person, raw_m: F64, one: Kinematics, *, parquet: bool
) -> tuple[dict[str, str | None], dict[str, Content]]:
    """File names for ``summary.json`` by kind, and contents by file name.

    Args:
        names: as the recording is called.
        person: with the points as they are written.
        raw_m: (T, J, 3) as they were triangulated.
        one: what came of the joint angles.
        parquet: the table of the angles in that form, too.
    """
    files: dict[str, Content] = {}
    said = {"trc": f"{names.filtered}.trc", "trc_raw": f"{names.raw}.trc"}
    for file_name, points_m in ((said["trc_raw"], raw_m), (said["trc"], person.points_m)):
        files[file_name] = _points(person, points_m, file_name)
    stem, shown = names.filtered, trc.parse(str(files[said["trc"]]))
    kinds: dict[str, str | None] = dict.fromkeys(("trc_augmented", "osim", "mot", "csv", "parquet"))
    if one.followed is not None and one.followed.augmented is not None:
        stem, shown = f"{stem}{_AUGMENTED}", one.followed.table
        kinds["trc_augmented"] = f"{stem}.trc"
        files[f"{stem}.trc"] = trc.write(shown, f"{stem}.trc")
    if one.angles is not None and one.model is not None:
        angles = _angles(stem, one.angles, shown.times_s, one.model.osim, parquet=parquet)
        kinds |= {kind: name for kind, (name, _) in angles.items()}
        files |= dict(angles.values())
    first = int(person.frames[0]) if len(person.frames) else 0
    world_m = trc.to_world(shown.points_m)
    files[f"{stem}.c3d"] = c3d_files.encode(world_m, shown.markers, person.rate_hz, first)
    return {**said, **kinds, "c3d": f"{stem}.c3d"}, files


def _points(person: Person, points_m: F64, file_name: str) -> str:
    skeleton = person.skeleton
    markers_m = points_m[:, skeleton.marker_places]
    return trc.write(
        trc.of_world(markers_m, skeleton.markers, person.rate_hz, person.frames), file_name
    )


def _angles(
    stem: str, angles: Angles, times_s: F64, osim: str, *, parquet: bool
) -> dict[str, tuple[str, Content]]:
    motion = mot.of_coordinates(angles.tree, times_s, angles.coordinates)
    columns = table(angles, times_s)
    files: dict[str, tuple[str, Content]] = {
        "osim": (f"{stem}.osim", osim),
        "mot": (f"{stem}.mot", mot.write(motion)),
        "csv": (f"{stem}.csv", _csv(columns)),
    }
    if parquet:
        files["parquet"] = (f"{stem}.parquet", _parquet(columns))
    return files


def table(angles: Angles, times_s: F64) -> dict[str, F64]:
    """Columns (T,): time, each coordinate and its standard deviation, the unit in the name.

    NaN: values of frames that were not solved, and deviations where the markers say nothing.
    """
    columns = {"time_s": times_s}
    for q, name in enumerate(angles.tree.coordinates):
        shifts = angles.tree.coordinate_kind[q] == TRANSLATIONAL
        unit, factor = ("m", 1.0) if shifts else ("deg", np.rad2deg(1.0))
        sd = np.where(np.isfinite(angles.sd[:, q]), factor * angles.sd[:, q], np.nan)
        columns[f"{name}_{unit}"] = np.where(angles.kept, np.nan, factor * angles.coordinates[:, q])
        columns[f"{name}_sd_{unit}"] = sd
    return columns


def _csv(columns: Mapping[str, F64]) -> str:
    lines = [",".join(columns)]
    rows = np.column_stack(list(columns.values()))
    lines += [",".join("" if np.isnan(one) else f"{one:.10g}" for one in row) for row in rows]
    return "\n".join(lines) + "\n"


def _parquet(columns: Mapping[str, F64]) -> bytes:
    arrow: Any = importlib.import_module("pyarrow")
    writer: Any = importlib.import_module("pyarrow.parquet")
    file = io.BytesIO()
    writer.write_table(arrow.table(dict(columns)), file)
    return file.getvalue()
