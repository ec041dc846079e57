"""The report of a calibration: one HTML file that opens without a network or another file.

``render`` takes plain values, whoever computed them. A calibration from measured points is told by
``of_points`` in one call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.calibration import bands, coverage
from core.calibration.bands import Headline, Judged
from core.calibration.checks import centre_m
from core.calibration.sighting import Sighting
from core.cameras import CameraModel
from core.errors import ConfigError
from services import calibration_report_payload, report_page

F64 = NDArray[np.float64]

FILE = "calibration.html"
_PAGE = "calibration.html"
_ENDINGS = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a camera, as it is shown."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReportCamera:
    """A camera of the report; what is judged of it and its sightings go by its name."""

    name: str
    size_px: tuple[int, int]
    figures: tuple[Figure, ...] = ()
    coverage: NDArray[np.int64] | None = None
    """Points in each cell of the picture (``core.calibration.coverage``); None: not shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """What the 3D view shows."""

    cameras: tuple[CameraModel, ...]
    points_m: F64 = field(default_factory=lambda: np.empty((0, 3)))  # (N, 3), NaN where missing
    lines: tuple[tuple[int, int], ...] = ()
    """Pairs of points that are joined."""
    has_floor: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of words and numbers, as they are shown."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    n_words: int = 1
    """Columns from the left that are words, not numbers."""
    is_folded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationReport:
    """All that the file says."""

    title: str
    input_name: str
    judged: tuple[Judged, ...]
    cameras: tuple[ReportCamera, ...]
    sightings: tuple[Sighting, ...] = ()
    seen: str = "point"
    """What one point of a sighting is: corner, keypoint."""
    bones: tuple[tuple[int, int], ...] = ()
    """Pairs of points of a sighting that its picture joins."""
    photos: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    """JPEG by (camera, view), of any size; the picture is shown in it whole."""
    space: Space | None = None
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know, in plain words."""
    good: str = bands.LEADS["good"]
    """What to say first where all is good."""

    @property
    def headline(self) -> Headline:
        """What the calibration amounts to."""
        return bands.headline(self.judged, self.good)


def render(report: CalibrationReport) -> str:
    """Text of the HTML file.

    Raises:
        BundleError: the page has to be built and cannot be.
    """
    headline = report.headline
    said = f"{headline.word}: {headline.lead} {' '.join(headline.reasons)}"
    encoded = msgspec.json.encode(calibration_report_payload.of(report)).decode()
    return report_page.fill(report_page.page(_PAGE), report.title, said, encoded)


def place_of(given: Path) -> Path:
    """Where a report goes: the file that is named, or ``calibration.html`` in the folder.

    Raises:
        ConfigError: a name of another kind of file.
    """
    if given.is_dir():
        return given / FILE
    if given.suffix.lower() in _ENDINGS:
        return given
    if given.suffix or given.is_file():
        raise ConfigError(f"--report {given}: a name.html, or a folder for {FILE}")
    return given / FILE


def write(given: Path, report: CalibrationReport) -> Path:
    """Write the report, and return where it is.

    Raises:
        ConfigError: it cannot be written there.
        BundleError: the page has to be built and cannot be.
    """
    path, text = place_of(given), render(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--report {given}: cannot be written: {error}") from error
    return path


def camera_of(
    model: CameraModel, sightings: Sequence[Sighting], figures: Sequence[Figure] = ()
) -> ReportCamera:
    """A calibrated camera, with the cells in which it saw something that was used."""
    size_px = (model.width_px, model.height_px)
    seen = [one.detected_px for one in sightings if one.camera == model.name and one.used]
    cells = coverage.counts(np.concatenate(seen), size_px) if seen else None
    return ReportCamera(model.name, size_px, tuple(figures), cells)


def standing(model: CameraModel) -> Figure:
    """Where a camera stands."""
    place = ", ".join(f"{value:.3f}" for value in centre_m(model.cam_from_world))
    return Figure("Stands at", f"{place} m")


def of_points(
    title: str,
    input_name: str,
    models: Sequence[CameraModel],
    sightings: Sequence[Sighting],
    points_m: F64,
    *,
    photos: Mapping[tuple[str, str], bytes] | None = None,
    lines: Sequence[tuple[int, int]] = (),
    figures: Mapping[str, Sequence[Figure]] | None = None,
    notes: Sequence[str] = (),
) -> CalibrationReport:
    """Report cameras whose places follow from points (N, 3) m that were measured.

    Args:
        title: of the page.
        input_name: where it comes from.
        models: the cameras as they were found.
        sightings: of each camera, at least one that is used.
        points_m: for the 3D view.
        photos: JPEG by (camera, view).
        lines: pairs of points that are joined in the 3D view.
        figures: more numbers of a camera, by its name.
        notes: what a reader must know.
    """
    judged = []
    for model in models:
        mine = [one for one in sightings if one.camera == model.name and one.used]
        off_px = np.concatenate([one.error_px for one in mine] or [np.empty(0)])
        off_px = off_px[np.isfinite(off_px)]
        rms_px = float(np.sqrt((off_px**2).mean())) if len(off_px) else np.nan
        size_px = (model.width_px, model.height_px)
        percent = bands.share(rms_px, size_px)
        judged.append(bands.POINTS.judge(percent, model.name, f"{rms_px:.2f} px"))
    return CalibrationReport(
        title=title,
        input_name=input_name,
        judged=tuple(judged),
        cameras=tuple(
            camera_of(one, sightings, [standing(one), *(figures or {}).get(one.name, ())])
            for one in models
        ),
        sightings=tuple(sightings),
        photos=photos or {},
        space=Space(tuple(models), points_m, tuple(lines)),
        notes=tuple(notes),
    )
