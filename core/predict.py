"""Where the people will be when they are shown, and how far off that then was.

Showing takes its time; a prediction to the moment of the display makes up for it. How good it is
shows only afterwards: what was predicted is kept until its time has come, and compared with what is
measured then. Letters: J keypoints.
"""

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import kalman
from core.kalman import KeypointFilter
from core.messages import Person3D, Pose3D, PredictionQuality, view

F64 = NDArray[np.float64]

MOST_AHEAD_NS = 150_000_000
"""Nothing is predicted further than this beyond its last measurement: it would be a guess."""
_MEMORY_NS = 2_000_000_000
_LONGEST_GAP_NS = 150_000_000
_MOST_PROMISES = 64


class Prediction(NamedTuple):
    """Keypoints at a time to come."""

    points_m: F64  # (J, 3), NaN where unknown or too long unseen
    covariance_m2: F64  # (J, 3, 3), grows with the time ahead


def ahead(state: KeypointFilter, t_ns: int, noise: float | F64) -> Prediction:
    """Predict from a filtered state to a time not before its own.

    ``noise`` as of ``core.kalman.predict``. A keypoint last measured more than 150 ms before
    ``t_ns`` is not predicted.
    """
    moved = kalman.predict(state, t_ns, noise)
    unknown = ~(t_ns - state.seen_ns <= MOST_AHEAD_NS)
    points_m, covariance_m2 = moved.points_m.copy(), moved.covariance[:, :3, :3].copy()
    points_m[unknown], covariance_m2[unknown] = np.nan, np.nan
    return Prediction(points_m, covariance_m2)


class Promise(NamedTuple):
    """What an instant said of a time to come: for each person where it is and where it will be."""

    due_ns: int
    people: dict[int, tuple[F64, F64]]


class Kept(NamedTuple):
    """Running mean squared error of one person, m2."""

    predicted: float
    held: float
    """Of the last pose shown as it is."""
    compared: float = 1.0


class Promises(msgspec.Struct, frozen=True):
    """Predictions whose time has not come, and what became of the others."""

    open: tuple[Promise, ...] = ()
    last_ns: int = 0
    measured_m: dict[int, F64] = {}
    """Of the last instant, by person."""
    kept: dict[int, Kept] = {}


def step(state: Promises, pose: Pose3D) -> Promises:
    """Take in an instant: compare what is due with it, remember what it predicts."""
    measured_m = {one.id: view(one, "measured_m").astype(float) for one in pose.persons}
    kept = {who: one for who, one in state.kept.items() if who in measured_m}
    share = 1 - math.exp(-max(pose.t_ns - state.last_ns, 0) / _MEMORY_NS)
    for promise in state.open:
        if state.last_ns <= promise.due_ns <= pose.t_ns <= state.last_ns + _LONGEST_GAP_NS:
            part = (promise.due_ns - state.last_ns) / max(pose.t_ns - state.last_ns, 1)
            for who in promise.people.keys() & state.measured_m.keys() & measured_m.keys():
                then_m = (1 - part) * state.measured_m[who] + part * measured_m[who]
                _follow(kept, who, promise.people[who], then_m, share)
    still = tuple(one for one in state.open if one.due_ns > pose.t_ns)[-_MOST_PROMISES + 1 :]
    due_ns = pose.t_ns + round(pose.ahead_ms * 1e6)
    people = {one.id: _said(one) for one in pose.persons}
    return Promises((*still, Promise(due_ns, people)), pose.t_ns, measured_m, kept)


def _said(person: Person3D) -> tuple[F64, F64]:
    return view(person, "keypoints_m"), view(person, "predicted_m")


def _follow(
    kept: dict[int, Kept], who: int, said: tuple[F64, F64], then_m: F64, share: float
) -> None:
    held, predicted = (((points_m - then_m) ** 2).sum(axis=1) for points_m in said)
    known = np.isfinite(held) & np.isfinite(predicted)
    if known.any():
        now = Kept(float(predicted[known].mean()), float(held[known].mean()))
        old = kept.get(who, Kept(0.0, 0.0, 0.0))
        part = max(share, 1 / (1 + old.compared))  # the mean, until there is enough to forget
        kept[who] = Kept(
            old.predicted + part * (now.predicted - old.predicted),
            old.held + part * (now.held - old.held),
            old.compared + 1,
        )


def report(state: Promises) -> tuple[PredictionQuality, ...]:
    """Say how far off the predictions were, over the last two seconds."""
    return tuple(
        PredictionQuality(
            id=who,
            predicted_mm=1e3 * math.sqrt(one.predicted),
            held_mm=1e3 * math.sqrt(one.held),
        )
        for who, one in sorted(state.kept.items())
    )
