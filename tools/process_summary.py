"""What ``kinelive process`` says of its results: ``summary.json``, and a table for people."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table

from core import segments
from core.keypoint_words import in_words
from core.offline import Reconstruction, Recording
from core.process_config import ProcessConfig
from services.recordings import Loaded

F64 = NDArray[np.float64]

UNITS = {"height_m": "m", "trc": "m", "held_out_camera_px": "px", "reprojection_px": "px"}
NEVER = "never given by this pose model: {}"
NOBODY = "nobody: no keypoint was seen well enough by enough cameras"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One person, triangulated."""

    recording: Recording
    points: Reconstruction
    held_out_px: F64
    """(T, C, J) as of ``offline.held_out_px``."""

    @property
    def is_there(self) -> bool:
        """Whether any keypoint was found."""
        return bool(np.isfinite(self.points.points_m).any())


def never_given(results: Iterable[Result]) -> tuple[str, ...]:
    """Markers that no picture of anybody has: the pose model does not give them. None where there
    is nothing at all, which says nothing of the model."""
    each = [one.recording for one in results]
    if not each:
        return ()
    given = np.any([np.isfinite(one.points_px[..., 0]).any(axis=(0, 1)) for one in each], axis=0)
    if not given.any():
        return ()
    skeleton = each[0].skeleton
    return tuple(name for name in skeleton.markers if not given[skeleton.index(name)])


def quality(
    results: Sequence[Result], cameras: Sequence[str], never: Collection[str] = ()
) -> dict[str, Any]:
    """How good it is, of the points that go into the trc, before they are filtered.

    Markers that are ``never`` given in the whole trial do not count as missing.
    """
    found, error_px, n_cameras, held_out_px, variations = [], [], [], [], []
    for one in results:
        skeleton = one.recording.skeleton
        places = [skeleton.index(name) for name in skeleton.markers if name not in never]
        found.append(np.isfinite(one.points.points_m[:, places, 0]).ravel())
        error_px.append(one.points.error_px[:, places].ravel())
        n_cameras.append(one.points.n_cameras[:, places].ravel())
        held_out_px.append(one.held_out_px[:, :, places].swapaxes(1, 2).reshape(-1, len(cameras)))
        variations.append(segments.variation(one.points.points_m, one.recording.skeleton))
    there = _joined(found).astype(bool)
    return {
        "held_out_camera_px": _held_out(held_out_px, cameras),
        "reprojection_px": _mean(_joined(error_px)[there]),
        "cameras_per_point": _mean(_joined(n_cameras)[there]),
        "points": int(there.sum()),
        "points_missing": int((~there).sum()),
        "never_given": list(never),
        "segment_cv": _mean(np.array([one for one in variations if np.isfinite(one)])),
    }


def _held_out(errors_px: Sequence[F64], cameras: Sequence[str]) -> dict[str, Any]:
    error_px = np.concatenate([np.empty((0, len(cameras))), *errors_px])
    return {
        "median": _median(error_px),
        "per_camera": {name: _median(error_px[:, place]) for place, name in enumerate(cameras)},
        "points": int(np.isfinite(error_px).sum()),
    }


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([np.empty(0), *arrays])


def _mean(values: F64) -> float:
    return float(values.mean()) if values.size else float("nan")


def _median(values: F64) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else float("nan")


def summary(
    loaded: Loaded,
    config: ProcessConfig,
    results: Mapping[int, Result],
    persons: Sequence[dict[str, Any]],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Put together what ``summary.json`` says; ``persons`` are those that were written."""
    pictures, never = loaded.pictures, never_given(results.values())
    unseen = [NEVER.format(", ".join(in_words(never)))] if never else []
    return {
        "kinelive": metadata.version("kinelive"),
        "input": loaded.name,
        "kind": loaded.kind,
        "calibration": loaded.calibration,
        "cameras": pictures.rig.names,
        "skeleton": pictures.skeleton.name,
        "rate_hz": pictures.rate_hz,
        "frames": len(pictures.frames),
        "persons": list(persons),
        "quality": quality(list(results.values()), pictures.rig.names, never),
        "units": UNITS,
        "settings": msgspec.to_builtins(config),
        "unused_settings": list(loaded.unused_settings),
        "notes": [*loaded.notes, *unseen, *notes, *([] if persons else [NOBODY])],
    }


def table(summary: Mapping[str, Any]) -> Table:
    """Show the results for people."""
    shown = Table(title=escape(f"kinelive process {summary['input']}"), show_header=False)
    _add_quality(shown, summary["quality"])
    for person in summary["persons"]:
        height_m = person["height_m"]
        tall = "height not known" if np.isnan(height_m) else f"{height_m:.2f} m tall"
        shown.add_row(f"person {person['id']}", f"{person['frames']} frames, {tall}")
        if angles := person["kinematics"]:
            rms_mm = angles["marker_rms_mm"]
            shown.add_row("  model's markers are off by", f"{rms_mm['mean']:.1f} mm RMS")
        if len(summary["persons"]) > 1:
            _add_quality(shown, person["quality"], "  ")
    return shown


def _add_quality(shown: Table, values: Mapping[str, Any], indent: str = "") -> None:
    held_out = values["held_out_camera_px"]
    each = ", ".join(f"{name} {px:.1f}" for name, px in held_out["per_camera"].items())
    median = f"{held_out['median']:.1f} px median ({each})"
    shown.add_row(f"{indent}error in a held-out camera", median)
    shown.add_row(f"{indent}reprojection", f"{values['reprojection_px']:.1f} px mean")
    shown.add_row(f"{indent}cameras per point", f"{values['cameras_per_point']:.2f}")
    shown.add_row(f"{indent}segment lengths vary by", f"{values['segment_cv']:.1%}")
