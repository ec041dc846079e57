"""The report of an offline run: one HTML file that opens without a network or another file.

``render`` takes plain values, whoever computed them; nothing here reads a recording.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import verdict
from core.verdict import Verdict
from services import report_page, report_payload

F64 = NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class ReportPerson:
    """One person's movement and angles; T frames, M markers, Q coordinates."""

    id: int
    rate_hz: float
    times_s: F64  # (T,) from the start of the recording
    markers: tuple[str, ...]
    points_m: F64  # (T, M, 3) as in a trc: Y up, NaN where missing
    bones: tuple[tuple[str, str], ...] = ()
    """Pairs of markers that the picture joins; a pair with an unknown marker is left out."""
    height_m: float = NAN
    mass_kg: float = NAN
    coordinates: tuple[str, ...] = ()
    """Names as in a .mot; none where no angles were computed."""
    values: F64 = field(default_factory=lambda: np.empty((0, 0)))
    """(T, Q) degrees, metres for translations (names in ``_tx``, ``_ty``, ``_tz``)."""
    sd: F64 | None = None
    """(T, Q) standard deviation in the same units, NaN where unknown."""
    observed: NDArray[np.bool_] | None = None
    """(Q,) or (T, Q): whether the markers tell the coordinate; None: they all do. A value that is
    not observed is neither drawn nor counted in the table."""
    unobserved_because: Mapping[str, str] = field(default_factory=dict)
    """Reason by coordinate, in plain words; where none is given, the usual one."""
    error_mm: F64 | None = None
    """(T,) RMS distance of the model's markers to the measured ones."""
    marker_error_mm: Mapping[str, float] = field(default_factory=dict)
    """RMS over the frames by marker; these may be other markers than the drawn ones."""
    events: tuple[tuple[float, str], ...] = ()
    """(time in s, name), such as heel strikes."""


@dataclass(frozen=True, slots=True)
class ReportQuality:
    """How good the recording is: what ``summary.json`` says under ``quality``."""

    held_out_px: float
    """Median error in a held-out camera."""
    held_out_per_camera_px: Mapping[str, float]
    reprojection_px: float
    cameras_per_point: float
    n_points: int
    n_missing: int
    segment_cv: float
    """Standard deviation / mean of the length of segments."""
    picture_px: int = verdict.USUAL_PICTURE_PX
    """Longer side of the cameras' pictures."""
    never_given: tuple[str, ...] = ()
    """Markers in words that the pose model does not give; they are not among the missing."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """One stage of the computation."""

    stage: str
    method: str
    version: str
    took_ms: float = NAN


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that the file says."""

    title: str
    input_name: str
    persons: tuple[ReportPerson, ...]
    quality: ReportQuality
    sync_offset_ms: Mapping[str, float] | None = None
    """By camera, what was added to its times."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings used, by key; tables in tables are written as ``a.b``."""
    unused_settings: tuple[str, ...] = ()
    """Keys that were given and have no effect."""
    provenance: tuple[Provenance, ...] = ()
    warnings: tuple[str, ...] = ()
    """In plain words."""

    @property
    def verdict(self) -> Verdict:
        """What the quality amounts to."""
        quality = self.quality
        return verdict.judge(
            quality.held_out_px,
            quality.n_points,
            quality.n_missing,
            quality.picture_px,
            dict(quality.held_out_per_camera_px),
        )


def render(report: Report, most_numbers: int = report_payload.MOST_NUMBERS) -> str:
    """Text of the HTML file.

    Long recordings: where all curves and trajectories together are more than ``most_numbers``,
    only every n-th frame of them is put into the file, and the page says so. The tables are always
    computed from all frames.

    Raises:
        ValueError: arrays of a person whose shapes do not fit each other.
        BundleError: the page has to be built and cannot be.
    """
    payload = report_payload.of(report, most_numbers)
    said = f"{report.verdict.word}: {' '.join(report.verdict.reasons)}"
    encoded = msgspec.json.encode(payload).decode()
    return report_page.fill(report_page.page(), report.title, said, encoded)
