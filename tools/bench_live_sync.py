"""Free-running cameras whose clocks are off, put right while they run; and those that are not."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core import fusion, steering, synthetic
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Keypoints2D, Person2D, Pose3D, view
from core.steering import Steering
from core.sync.found import Views
from core.synthetic_sync import START_NS, free_running, truth_m

F64 = NDArray[np.float64]
Row = dict[str, float | str]

MS = 1_000_000
DRIFTS_PPM = (0.0, 50.0, 0.0, -50.0)
_OFFSETS_MS = ((0, 5, -5, 0), (0, 0, 12, 0), (0, -150, 40, 0), (80, 0, 0, -30), (-150, 150, 0, 12))
_SECONDS = 60
_JUDGED_S = 20  # the last ones
_NEAR_MS = 4.5
_STEERED = FusionConfig(alignment="interpolated")
_AS_IT_IS = FusionConfig(alignment="interpolated", steer_time="off")


def offsets() -> list[Row]:
    """Constant offsets and a drift of 50 ppm: what is found, and what that does to the points."""
    return [_row(one) for one in _OFFSETS_MS]


def _row(late_ms: Sequence[float]) -> Row:
    rig = synthetic.ring(4)
    messages = free_running(rig, _SECONDS, late_ms, drift_ppm=DRIFTS_PPM)
    state, poses, right_s, most_ms = FusionState(), list[Pose3D](), np.inf, 0.0
    for message in messages:
        state, done = fusion.step(state, message, rig, _STEERED)
        poses += done
        t_s = (message.t_ns - START_NS) * 1e-9
        left_ms = late_at(late_ms, t_s)
        left_ms += [state.steering.shift_ns(name) / MS for name in rig.names]
        off_ms = float(np.abs(left_ms - np.median(left_ms)).max())
        right_s = min(right_s, t_s) if off_ms < _NEAR_MS else np.inf
        most_ms = 0.0 if right_s == np.inf else max(most_ms, off_ms)
    known = state.steering.known
    truth_ms = late_at(late_ms, _SECONDS)
    truth_ms -= np.median(truth_ms)
    errors = [
        abs(known[name].late_ms - true)
        for name, true in zip(rig.names, truth_ms, strict=True)
        if name in known
    ]
    return {
        "late ms": " ".join(f"{one:+g}" for one in late_ms),
        "known": f"{len(known)} of 4",
        "error ms": max(map(float, errors), default=float("nan")),
        "stated ms": max((one.wide_ms for one in known.values()), default=float("nan")),
        "right from s": right_s,
        "then off by ms": most_ms,
        "before mm": _error_mm(_fused(messages[-4 * 30 * _JUDGED_S :], rig), late_ms),
        "after mm": _error_mm(poses, late_ms),
    }


def late_at(late_ms: Sequence[float], t_s: float) -> F64:
    """(C,) ms after so many seconds of drift."""
    return np.array(late_ms) + np.array(DRIFTS_PPM) * t_s * 1e-3


def _fused(messages: Sequence[Keypoints2D], rig: Rig) -> list[Pose3D]:
    state, poses = FusionState(), list[Pose3D]()
    for message in messages:
        state, done = fusion.step(state, message, rig, _AS_IT_IS)
        poses += done
    return poses


def _error_mm(poses: Sequence[Pose3D], late_ms: Sequence[float]) -> float:
    """Mean 3D error of the last seconds, at the time that the median camera has."""
    middle_ns = round(float(np.median(late_at(late_ms, _SECONDS))) * MS)
    found = [
        np.linalg.norm(view(pose.persons[0], "measured_m") - truth_m(pose.t_ns - middle_ns), axis=1)
        for pose in poses
        if pose.persons and pose.t_ns > START_NS + (_SECONDS - _JUDGED_S + 1) * 1000 * MS
    ]
    return 1e3 * float(np.nanmean(found))


def in_time(views: Views, rig: Rig, seconds: float) -> list[Row]:
    """The largest shifts of the trial's cameras, which were triggered together, in loops."""
    return [
        {"footage": name, "seconds": seconds, **_largest(looped(views, seconds, turn=turn), rig)}
        for name, turn in (("again and again", False), ("there and back", True))
    ]


def looped(views: Views, seconds: float, *, turn: bool) -> Iterator[Keypoints2D]:
    """A recording over and over; ``turn``: forwards and backwards, without a leap."""
    n_frames = views.points_px.shape[1]
    order = [*range(n_frames), *(reversed(range(n_frames)) if turn else ())]
    for frame in range(round(seconds * views.rate_hz)):
        row = order[frame % len(order)]
        for camera, name in enumerate(views.names):
            points_px = views.points_px[camera, row].astype("<f4").tobytes()
            confidence = views.confidence[camera, row].astype("<f4").tobytes()
            yield Keypoints2D(
                t_ns=START_NS + round(frame * 1e9 / views.rate_hz),
                camera=name,
                frame=frame,
                skeleton="BODY_25B",
                model="",
                provider="",
                persons=(Person2D(1, points_px, confidence),),
            )


def _largest(messages: Iterator[Keypoints2D], rig: Rig) -> Row:
    state, most_ms, largest_ms, windows = Steering(), 0.0, 0.0, 0
    for message in messages:
        before, state = state.answers, steering.step(state, message, rig, _STEERED)
        windows += state.answers is not before
        most_ms = max([most_ms, *(abs(state.shift_ns(name)) / MS for name in rig.names)])
        largest_ms = max([largest_ms, *(abs(one.late_ms) for one in state.known.values())])
    wide_ms = [one.wide_ms for one in state.known.values()]
    return {
        "windows": windows,
        "estimate at most ms": largest_ms,
        "stated ms": float(np.median(wide_ms)) if wide_ms else float("nan"),
        "largest shift ms": most_ms,
    }
