"""Trials with a known truth through the production code: what the fusion is worth, in millimetres.

Said by ``kinelive bench accuracy``, held to limits by ``tests/unit/test_synthetic_trials.py``.
Letters: P people, T time, J keypoints.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core import fusion, synthetic, synthetic_scenes
from core.cameras import Rig
from core.config import FusionConfig
from core.messages import Keypoints2D, Pose3D, view
from core.synthetic_scenes import START_NS, Faults

F64 = NDArray[np.float64]

SETTLING_S = 1.0
"""Not scored: the noise of the cameras is not known yet."""
_STRANGER_M = 0.5
_BAD = Faults(noise_px=2.0, outlier_share=0.05, missing_share=0.05)
_UNEVEN = Faults(noise_px=4.0, uneven=0.7, longest=3.0)
_HEAVY = Faults(noise_px=2.0, tail_freedom=3.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """One scene."""

    name: str
    n_cameras: int = 4
    n_people: int = 1
    duration_s: float = 6.0
    rate_hz: float = 60.0
    radius_m: float = 4.0
    faults: Faults = field(default_factory=Faults)
    turn_deg: float = 0.0
    """Calibration error: rotation of each camera, standard deviation for each axis …"""
    shift_m: float = 0.0
    """… and its place."""


TRIALS = (
    Trial("clean", faults=Faults()),
    Trial("2 cameras, 2 px", 2, faults=Faults(noise_px=2.0)),
    Trial("3 cameras, 2 px", 3, faults=Faults(noise_px=2.0)),
    Trial("4 cameras, 2 px", 4, faults=Faults(noise_px=2.0)),
    Trial("8 cameras, 2 px", 8, faults=Faults(noise_px=2.0)),
    Trial("12 cameras, 2 px", 12, faults=Faults(noise_px=2.0)),
    Trial("4 cameras, 2 px, 5 % at 100 px, 5 % missing", faults=_BAD),
    Trial("4 cameras, heavy tails (t3), 2 px", faults=_HEAVY),
    Trial("4 cameras, uneven noise, told by the confidence", faults=_UNEVEN),
    Trial(
        "4 cameras, uneven noise, told by the covariance",
        faults=replace(_UNEVEN, says_covariance=True),
    ),
    Trial("4 cameras, calibration off 0.2 deg, 5 mm", faults=_BAD, turn_deg=0.2, shift_m=0.005),
    Trial("4 cameras, clocks off 5 ms", faults=Faults(noise_px=2.0, clock_sd_ms=5.0)),
    Trial("4 cameras, one lost for 2 s", faults=Faults(2.0, lost=(("cam02", 120, 240),))),
    Trial("3 people cross, 4 cameras", 4, 3, 60.0, 15.0, 5.0, Faults(2.0, 0.05, occlusion=True)),
    Trial("4 people cross, 8 cameras", 8, 4, 20.0, 30.0, 5.0, Faults(2.0, 0.05, occlusion=True)),
)


@dataclass(frozen=True, slots=True)
class Score:
    """Filtered keypoints against the truth."""

    n_instants: int
    mean_mm: float
    p95_mm: float
    max_mm: float
    switches: int
    """Somebody who got another id."""
    strangers: int
    """Shown where nobody is."""
    missing_share: float
    """People who were there and not shown."""


def run(trial: Trial, config: FusionConfig, seed: int = 0) -> Score:
    """Make the scene, fuse it, score it; the fusion knows the calibration as it should be."""
    return score(fuse(*scene(trial, seed), config), truth_m(trial), trial.rate_hz)


def truth_m(trial: Trial) -> F64:
    """Keypoints (P, T, 26, 3)."""
    n_frames = round(trial.duration_s * trial.rate_hz)
    if trial.n_people == 1:
        return synthetic.walk_m(n_frames, trial.rate_hz)[None]
    return synthetic_scenes.crossing_m(trial.n_people, n_frames, trial.rate_hz)


def scene(trial: Trial, seed: int = 0) -> tuple[Rig, list[Keypoints2D]]:
    """The rig as calibrated, and what the cameras, as they really stand, say."""
    rig = synthetic.ring(trial.n_cameras, trial.radius_m, seed)
    really = synthetic_scenes.miscalibrated(rig, trial.turn_deg, trial.shift_m, seed)
    people_m = truth_m(trial)
    return rig, synthetic_scenes.seen(
        really, people_m, trial.faults, seed=seed, rate_hz=trial.rate_hz
    )


def fuse(rig: Rig, messages: list[Keypoints2D], config: FusionConfig) -> list[Pose3D]:
    """All instants of a recording."""
    state, poses = fusion.FusionState(), list[Pose3D]()
    for message in messages:
        state, done = fusion.step(state, message, rig, config)
        poses += done
    return poses + fusion.finish(state, rig, config)[1]


def score(poses: list[Pose3D], people_m: F64, rate_hz: float) -> Score:
    """Compare poses with the truth (P, T, 26, 3) of the same rate; the first second is left out."""
    who_is: dict[int, int] = {}
    switches = strangers = missing = 0
    errors_mm = [np.empty(0)]
    settled = [pose for pose in poses if pose.t_ns - START_NS >= SETTLING_S * 1e9]
    for pose in settled:
        there = people_m[:, round((pose.t_ns - START_NS) * 1e-9 * rate_hz)]
        met = set[int]()
        for person in pose.persons:
            away_mm = 1e3 * np.linalg.norm(view(person, "keypoints_m") - there, axis=-1)
            who = int(np.argmin(np.nanmean(away_mm, axis=1)))
            if np.nanmean(away_mm[who]) > 1e3 * _STRANGER_M:
                strangers += 1
                continue
            met.add(who)
            switches += who_is.setdefault(who, person.id) != person.id
            who_is[who] = person.id
            errors_mm.append(away_mm[who][np.isfinite(away_mm[who])])
        missing += len(people_m) - len(met)
    every_mm = np.concatenate(errors_mm)
    return Score(
        n_instants=len(settled),
        mean_mm=float(every_mm.mean()),
        p95_mm=float(np.percentile(every_mm, 95)),
        max_mm=float(every_mm.max()),
        switches=switches,
        strangers=strangers,
        missing_share=missing / (len(settled) * len(people_m)),
    )
