"""The last seconds of free-running cameras, looked at as a recording is: epipolar distances.

One person, all cameras on one grid.

Each camera is interpolated between its own frames, always at the same places of the grid: what
that takes from the noise it takes at every lag alike, so that no lag is favoured.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.cameras import Rig
from core.lateness import Answer, Late, Question
from core.messages import Keypoints2D, Person2D, view
from core.pieces import Pieces
from core.sync import epipolar
from core.sync.found import Views
from core.sync.people import main_person
from core.sync.settings import SyncConfig

F64 = NDArray[np.float64]

MOST_HZ = 30.0  # people do not move faster than this tells
_LEAST_FRAMES = 20
_WINDOW_S = 0.5
_RESAMPLINGS = 60


def answering(
    question: Question, rig: Rig, min_confidence: float, longest_gap_s: float
) -> Pieces[Answer]:
    """How late cameras are in a window, in pieces of a few ms; nothing where it does not tell.

    Args:
        question: the window.
        rig: its cameras.
        min_confidence: keypoints below are not used.
        longest_gap_s: between frames further apart nothing is interpolated.
    """
    nothing = Answer(question.begun_ns, question.reference, {})
    views = yield from views_of(question.frames, rig.names, longest_gap_s)
    if views is None or not question.reference:
        return nothing
    settings = SyncConfig(
        window_s=_WINDOW_S, resamplings=_RESAMPLINGS, min_confidence=min_confidence
    )
    found = yield from epipolar.estimating(views, rig, rig.index(question.reference), settings)
    ms = 1e3 / found.rate_hz
    late = {
        one.camera: Late(one.offset_frames * ms, one.uncertainty_frames * ms)
        for one in found.offsets
        if not one.doubt
    }
    return Answer(question.begun_ns, question.reference, late if len(late) > 1 else {})


def views_of(
    frames: Mapping[str, Sequence[Keypoints2D]], names: Sequence[str], longest_gap_s: float
) -> Pieces[Views | None]:
    """What cameras saw, each by the capture times it gave; None where that is too little.

    Args:
        frames: of each camera, oldest first.
        names: cameras in their order; who has no frames is NaN throughout.
        longest_gap_s: between frames further apart nothing is interpolated.
    """
    seen = {name: one for name in names if len(one := frames.get(name, ())) >= _LEAST_FRAMES}
    if len(seen) < 2:
        return None
    rate_hz = min(MOST_HZ, *(_rate_hz(one) for one in seen.values()))
    begin_ns = min(one[0].t_ns for one in seen.values())
    end_ns = max(one[-1].t_ns for one in seen.values())
    grid_s = np.arange(int((end_ns - begin_ns) * 1e-9 * rate_hz) + 1) / rate_hz
    n_keypoints = next(
        (len(one.confidence) // 4 for each in seen.values() for two in each for one in two.persons),
        0,
    )
    if not n_keypoints:
        return None
    table = np.full((len(names), len(grid_s), n_keypoints, 3), np.nan)
    table[..., 2] = 0.0
    for place, name in enumerate(names):
        if name in seen:
            table[place] = _on_grid(seen[name], begin_ns, grid_s, n_keypoints, longest_gap_s)
            yield
    return Views(tuple(names), rate_hz, table[..., :2], table[..., 2])


def _rate_hz(frames: Sequence[Keypoints2D]) -> float:
    return (len(frames) - 1) * 1e9 / (frames[-1].t_ns - frames[0].t_ns)


def _on_grid(
    frames: Sequence[Keypoints2D],
    begin_ns: int,
    grid_s: F64,
    n_keypoints: int,
    longest_gap_s: float,
) -> F64:
    """One camera's main person (T, J, 3) at the times of a grid."""
    people = {row: [_points(person) for person in one.persons] for row, one in enumerate(frames)}
    person = main_person(people, len(frames), n_keypoints)
    t_s = np.array([one.t_ns - begin_ns for one in frames]) * 1e-9
    after = np.clip(np.searchsorted(t_s, grid_s, side="right"), 1, len(t_s) - 1)
    before = after - 1
    gap_s = t_s[after] - t_s[before]
    part = ((grid_s - t_s[before]) / gap_s)[:, None, None]
    points = (1 - part) * person[before, :, :2] + part * person[after, :, :2]
    inside = (grid_s >= t_s[0]) & (grid_s <= t_s[-1]) & (gap_s <= longest_gap_s)
    sure = np.minimum(person[before, :, 2], person[after, :, 2])
    known = inside[:, None] & np.isfinite(points).all(axis=-1)
    found = np.concatenate([points, np.where(known, sure, 0.0)[..., None]], axis=-1)
    found[~known, :2] = np.nan
    return found


def _points(person: Person2D) -> F64:
    """(J, 3) px, px, confidence."""
    points_px, confidence = view(person, "keypoints_px"), view(person, "confidence")
    return np.column_stack([points_px, confidence]).astype(np.float64)
