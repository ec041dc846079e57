"""Extrinsics from people: fitted to half of the instants, scored in held-out cameras on the others.

Keypoints tell neither size nor place: those of the calibration given are kept (``place.put_like``),
or the size follows from a length that is known. A result that does not lower the error of a camera
that took no part, at instants that took no part, is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import offline, quality
from core.calibration import place, scale, scratch
from core.calibration.bundle import adjust
from core.calibration.scale import Scale
from core.cameras import Rig
from core.errors import CalibrationError
from core.offline import Recording
from core.process_config import TriangulationConfig
from core.skeletons import Skeleton

F64 = NDArray[np.float64]
MIN_LIKELIHOOD = 0.3
ALL = "all"
_MOST_INSTANTS = 2000
_LEAST_INSTANTS = 5
_FROM_NOTHING_SHARE = 0.015  # of the picture's longer side: what keypoints may be off by


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What the cameras saw of somebody at T instants."""

    points_px: F64  # (T, C, J, 2) with the lens, NaN where not seen
    likelihood: F64  # (T, C, J), 0 where not seen, not sure or not detected but derived
    skeleton: Skeleton

    @property
    def flat(self) -> tuple[F64, F64]:
        """Pixels (C, TJ, 2) and likelihood (C, TJ)."""
        n_cameras = self.likelihood.shape[1]
        return (
            self.points_px.swapaxes(0, 1).reshape(n_cameras, -1, 2),
            self.likelihood.swapaxes(0, 1).reshape(n_cameras, -1),
        )

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Views":
        """Some of the instants."""
        return Views(self.points_px[rows], self.likelihood[rows], self.skeleton)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A rig that was fitted to people, and how well it does where it was not fitted."""

    rig: Rig
    before_px: dict[str, float] | None
    """Median held-out error of each camera and of all; None where there was no rig before."""
    after_px: dict[str, float]
    moved_m: F64  # (C,), NaN where there was no rig before
    turned_deg: F64  # (C,) likewise
    n_fitted: int
    n_scored: int
    scale: Scale
    is_better: bool


def views_of(recording: Recording) -> Views:
    """What may be used of a recording, left and right put right."""
    right = offline.put_right(recording, TriangulationConfig(min_likelihood=MIN_LIKELIHOOD))
    seen = np.isfinite(right.points_px).all(axis=-1) & (right.likelihood >= MIN_LIKELIHOOD)
    seen[:, :, list(right.derived)] = False
    return Views(right.points_px, np.where(seen, right.likelihood, 0.0), right.skeleton)


def halves(recordings: Sequence[Recording]) -> tuple[list[Views], list[Views]]:
    """The even and the odd instants of each person, evenly thinned where there are very many."""
    parts: tuple[list[Views], list[Views]] = [], []
    most = max(1, _MOST_INSTANTS // max(1, len(recordings)))
    for recording in recordings:
        views = views_of(recording)
        is_seen = ((views.likelihood > 0).sum(axis=1) >= 2).any(axis=1)
        for parity, part in enumerate(parts):
            rows = np.flatnonzero(is_seen & (recording.frames % 2 == parity))
            places = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)
            part.append(views.of(rows[places]))
    return parts


def together(parts: Sequence[Views]) -> tuple[F64, F64]:
    """Pixels (C, N, 2) and likelihood (C, N) of several people."""
    points, likelihood = zip(*(one.flat for one in parts), strict=True)
    return np.concatenate(points, axis=1), np.concatenate(likelihood, axis=1)


def held_out_px(rig: Rig, parts: Sequence[Views]) -> dict[str, float]:
    """Median over all keypoints of how far each camera is from what the others say, and of all.

    NaN for a camera that saw nothing that two others saw.
    """
    error_px = quality.held_out_px(rig, *together(parts), MIN_LIKELIHOOD)
    rows = {name: error_px[number] for number, name in enumerate(rig.names)} | {ALL: error_px}
    seen = {name: row[np.isfinite(row)] for name, row in rows.items()}
    return {name: float(np.median(row)) if len(row) else np.nan for name, row in seen.items()}


def fitted(rig: Rig, points_px: F64, weight: F64, *, focal: bool = False) -> Rig:
    """The cameras as they agree best with pixels (C, N, 2) of weight (C, N); place and size kept.

    Raises:
        CalibrationError: too little was seen by two cameras.
    """
    try:
        return place.put_like(adjust(rig, points_px, weight, focal=focal).rig, rig)
    except ValueError as error:
        raise CalibrationError(str(error)) from error


def refine(rig: Rig, recordings: Sequence[Recording], known: Scale, *, focal: bool) -> Outcome:
    """Make the cameras agree with what they saw of people.

    Args:
        rig: C cameras, about right.
        recordings: one of each person, the first the one whose height may be known.
        known: what the size is told from.
        focal: also seek the focal lengths.

    Raises:
        CalibrationError: too little was seen, or the height cannot be told.
    """
    even, odd = halves(recordings)
    _require_enough(even, odd)
    held = fitted(rig, *together(even), focal=focal)
    done = scale.put_on(held, known, _points_m(held, even[0]), even[0].skeleton)
    before_px, after_px = held_out_px(rig, odd), held_out_px(done, odd)
    return Outcome(
        rig=done,
        before_px=before_px,
        after_px=after_px,
        moved_m=place.moved_m(rig, done),
        turned_deg=place.turned_deg(rig, done),
        n_fitted=_n_instants(even),
        n_scored=_n_instants(odd),
        scale=known,
        is_better=after_px[ALL] < before_px[ALL],
    )


def from_nothing(
    lenses: Rig, recording: Recording, known: Scale, picture_px: int, *, focal: bool
) -> Outcome:
    """Find the cameras from what they saw of one person who walks.

    Args:
        lenses: C cameras of which only the lenses count.
        recording: the person.
        known: a height or baseline.
        picture_px: longer side of the largest picture.
        focal: also seek the focal lengths, from those given.

    Raises:
        CalibrationError: too little was seen in common, or up and down cannot be told.
    """
    rough = _found(lenses, recording)
    with_rig = Recording(
        rough, recording.skeleton, recording.rate_hz, recording.frames,
        recording.points_px, recording.likelihood, recording.derived,
    )  # fmt: skip
    even, odd = halves([with_rig])
    _require_enough(even, odd)
    rig = adjust(rough, *together(even), focal=focal).rig
    rig = scratch.upright(rig, _points_m(rig, even[0]), recording.skeleton)
    rig = scale.put_on(rig, known, _points_m(rig, even[0]), recording.skeleton)
    after_px = held_out_px(rig, odd)
    unknown = np.full(len(rig.names), np.nan)
    return Outcome(
        rig=rig,
        before_px=None,
        after_px=after_px,
        moved_m=unknown,
        turned_deg=unknown,
        n_fitted=_n_instants(even),
        n_scored=_n_instants(odd),
        scale=known,
        is_better=after_px[ALL] <= _FROM_NOTHING_SHARE * picture_px,
    )


def _found(lenses: Rig, recording: Recording) -> Rig:
    """From the even instants, left and right as they were detected."""
    rows = np.flatnonzero(recording.frames % 2 == 0)
    rows = rows[np.linspace(0, len(rows) - 1, min(_MOST_INSTANTS, len(rows))).astype(int)]
    seen = recording.likelihood[rows]
    seen = np.where(seen >= MIN_LIKELIHOOD, seen, 0.0)
    seen[:, :, list(recording.derived)] = 0.0
    return scratch.find(lenses, *Views(recording.points_px[rows], seen, recording.skeleton).flat)


def _points_m(rig: Rig, views: Views) -> F64:
    return scratch.triangulated(rig, views.points_px, views.likelihood)


def _n_instants(parts: Sequence[Views]) -> int:
    return sum(len(one.likelihood) for one in parts)


def _require_enough(even: Sequence[Views], odd: Sequence[Views]) -> None:
    least = min(_n_instants(even), _n_instants(odd))
    if least < _LEAST_INSTANTS:
        raise CalibrationError(
            f"{least} instants at which two cameras saw the same person: too few to fit one half "
            "and to score on the other"
        )
