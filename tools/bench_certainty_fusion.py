"""What the fusion makes of covariances: real footage, with one camera after the other left out."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from core import fusion
from core.anatomy import anatomy_of
from core.cameras import Rig, project
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.quality import views_of
from tools.bench_seen import Seen

F64 = NDArray[np.float64]
Row = dict[str, float | str]

_CUTOFF_HZ = 6.0
_SETTLED = 20  # instants, until the cameras' noise is known


def compare(seen: Seen, name: str) -> list[Row]:
    """The fusion by confidence and by covariance, both with all else the same.

    held-out: triangulated points of a fusion without the camera, against what that camera saw, odd
    instants. jitter: of triangulated and filtered points, root mean square distance to their own
    6 Hz Butterworth, without lag. lengths: coefficient of variation of the segments, median.
    """
    return [_row(seen, name, use_covariance=use) for use in (False, True)]


def _row(seen: Seen, name: str, *, use_covariance: bool) -> Row:
    config = FusionConfig(use_covariance=use_covariance)
    whole = _fused(seen.rig, seen.messages, config)
    off_px = _held_out_px(seen, whole, config)
    measured_m, filtered_m = (_stacked(whole, one) for one in ("measured_m", "keypoints_m"))
    anatomy = anatomy_of(seen.messages[0].skeleton)
    ends = measured_m[:, anatomy.segments]
    lengths_m = np.linalg.norm(ends[:, :, 0] - ends[:, :, 1], axis=-1)
    spread = np.nanstd(lengths_m, axis=0) / np.nanmean(lengths_m, axis=0)
    rate_hz = 1e9 / float(np.median(np.diff([one.t_ns for one in whole])))
    return {
        "extrinsics": name,
        "weights": "covariance" if use_covariance else "confidence",
        "held-out px, median": float(np.median(off_px)),
        "mean": float(off_px.mean()),
        "p90": float(np.percentile(off_px, 90)),
        "jitter mm": _jitter_mm(measured_m, rate_hz),
        "filtered": _jitter_mm(filtered_m, rate_hz),
        "lengths CV, %": 100 * float(np.median(spread)),
    }


def _fused(rig: Rig, messages: list[Keypoints2D], config: FusionConfig) -> list[Pose3D]:
    state, poses = fusion.FusionState(), list[Pose3D]()
    for message in messages:
        state, done = fusion.step(state, message, rig, config)
        poses += done
    poses += fusion.finish(state, rig, config)[1]
    return [pose for pose in poses if pose.persons]


def _stacked(poses: list[Pose3D], field: str) -> F64:
    """(T, J, 3) of the first person."""
    settled = [one for one in poses if one.instant >= _SETTLED]
    return np.stack([view(one.persons[0], field) for one in settled]).astype(np.float64)


def _held_out_px(seen: Seen, whole: list[Pose3D], config: FusionConfig) -> F64:
    """Distances of all keypoints, cameras and odd instants."""
    frames = {(one.camera, one.frame): one for one in seen.messages}
    saw = {pose.t_ns: views_of(pose, 0, frames, seen.rig) for pose in whole if pose.instant % 2}
    distances = [np.empty(0)]
    for place, camera in enumerate(seen.rig.names):
        others = [one for one in seen.messages if one.camera != camera]
        for pose in _fused(_without(seen.rig, place), others, config):
            if pose.instant < _SETTLED or pose.t_ns not in saw:
                continue
            points_px, confidence = saw[pose.t_ns]
            expected = project(seen.rig, view(pose.persons[0], "measured_m").astype(np.float64))
            away = np.linalg.norm(points_px[place] - expected[place], axis=-1)
            usable = (confidence[place] >= config.min_confidence) & np.isfinite(away)
            distances.append(away[usable])
    return np.concatenate(distances)


def _without(rig: Rig, place: int) -> Rig:
    keep = [one for one in range(len(rig.names)) if one != place]
    return replace(
        rig,
        names=tuple(rig.names[one] for one in keep),
        image_from_cam=rig.image_from_cam[keep],
        distortion=rig.distortion[keep],
        cam_from_world=rig.cam_from_world[keep],
        image_from_world=rig.image_from_world[keep],
    )


def _jitter_mm(points_m: F64, rate_hz: float) -> float:
    """Of keypoints (T, J, 3) that were always there; the median keypoint."""
    always = np.isfinite(points_m).all(axis=(0, 2))
    sections = butter(2, _CUTOFF_HZ, fs=rate_hz, output="sos")
    smooth = sosfiltfilt(sections, points_m[:, always], axis=0)
    away_m = np.linalg.norm(points_m[:, always] - smooth, axis=-1)
    return 1e3 * float(np.median(np.sqrt((away_m**2).mean(axis=0))))
