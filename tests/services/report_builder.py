"""Reports of a synthetic walker with made-up angles, small enough to check by hand."""

import numpy as np
from numpy.typing import NDArray

from core import synthetic, trc
from core.skeletons import HALPE_26
from services.report import Provenance, Report, ReportPerson, ReportQuality

RATE_HZ = 60.0
GAP = slice(30, 42)
"""Frames in which the left wrist is missing and the left elbow is not observed."""
COORDINATES = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz",
    "hip_flexion_r", "hip_adduction_r", "hip_rotation_r", "knee_angle_r", "ankle_angle_r",
    "subtalar_angle_r", "mtp_angle_r",
    "hip_flexion_l", "hip_adduction_l", "hip_rotation_l", "knee_angle_l", "ankle_angle_l",
    "subtalar_angle_l", "mtp_angle_l",
    "L5_S1_Flex_Ext", "L5_S1_Lat_Bending", "L5_S1_axial_rotation",
    "arm_flex_r", "arm_add_r", "arm_rot_r", "elbow_flex_r", "pro_sup_r",
    "arm_flex_l", "arm_add_l", "arm_rot_l", "elbow_flex_l", "pro_sup_l",
)  # fmt: skip
_SHAPES = {
    "hip_flexion": (10, 28, 1.0), "knee_angle": (30, 28, 1.9), "ankle_angle": (2, 14, 2.6),
    "elbow_flex": (35, 14, 4.0), "arm_flex": (5, 20, 4.1), "arm_add": (-75, 4, 0.0),
    "arm_rot": (10, 12, 1.0), "subtalar_angle": (0, 6, 0.4), "hip_adduction": (0, 6, 0.0),
    "hip_rotation": (-3, 5, 2.0), "pelvis_tilt": (-6, 2, 0.5), "pelvis_rotation": (20, 6, 0.0),
    "pelvis_ty": (0.95, 0.02, 0.0),
}  # fmt: skip


def person(n_frames: int = 100, number: int = 1, shift_m: float = 0.0) -> ReportPerson:
    """A walker in a circle, with a gap, and coordinates that are not observed."""
    places = HALPE_26.marker_places
    points_m = trc.from_world(synthetic.walk_m(n_frames, RATE_HZ)[:, places] + [shift_m, 0, 0])
    points_m[GAP, HALPE_26.markers.index("LWrist")] = np.nan
    times_s = np.arange(n_frames) / RATE_HZ
    values = np.stack([_values(name, times_s) for name in COORDINATES], axis=1)
    error_mm = 24 + 6 * np.sin(times_s * 5) ** 2
    return ReportPerson(
        id=number,
        rate_hz=RATE_HZ,
        times_s=times_s,
        markers=HALPE_26.markers,
        points_m=points_m,
        bones=tuple((HALPE_26.names[a], HALPE_26.names[b]) for a, b in HALPE_26.bones),
        height_m=1.78,
        mass_kg=72.0,
        coordinates=COORDINATES,
        values=values,
        sd=np.stack([_sd(name, times_s) for name in COORDINATES], axis=1),
        observed=observed(n_frames),
        error_mm=error_mm,
        marker_error_mm={name: 12.0 + 1.7 * i for i, name in enumerate(HALPE_26.markers)},
        events=_heel_strikes(n_frames),
    )


def _values(name: str, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    stem, _, side = name.rpartition("_")
    middle, swing, lag = _SHAPES.get(name, _SHAPES.get(stem, (0, 3, 0.0)))
    phase = 2 * np.pi * 0.9 * times_s - lag + (np.pi if side == "r" else 0.0)
    return middle + swing * (np.sin(phase) + 0.25 * np.sin(2 * phase))


def _sd(name: str, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    usual = 0.004 if name[-3:] in ("_tx", "_ty", "_tz") else 3.0 if "rot" in name else 1.4
    return usual * (1 + 0.5 * np.sin(3 * times_s) ** 2)


def observed(n_frames: int) -> NDArray[np.bool_]:
    """(T, Q): forearm rotation and toes never, the left elbow not in the gap."""
    flags = np.ones((n_frames, len(COORDINATES)), dtype=bool)
    flags[:, [i for i, one in enumerate(COORDINATES) if one.startswith(("pro_sup", "mtp"))]] = False
    flags[GAP, COORDINATES.index("elbow_flex_l")] = False
    return flags


def _heel_strikes(n_frames: int) -> tuple[tuple[float, str], ...]:
    half_s = 0.5 / 0.9
    times_s = np.arange(0.3, n_frames / RATE_HZ, half_s)
    sides = ("left", "right")
    return tuple((float(t), f"heel strike, {sides[i % 2]}") for i, t in enumerate(times_s))


def report(*persons: ReportPerson, title: str = "Walking, trial 3") -> Report:
    """A report of one walker, or of the given persons."""
    return Report(
        title=title,
        input_name="walk-03",
        persons=persons or (person(),),
        quality=quality(),
        sync_offset_ms={"cam01": 0.0, "cam02": -16.7, "cam03": 4.2, "cam04": float("nan")},
        settings={
            "triangulation": {"method": "robust", "robust_px": 27.0, "min_cameras": 2},
            "filtering": {"enabled": True, "cutoff_hz": 6.0, "order": 4},
        },
        unused_settings=("pose.mode", "personAssociation.likelihood_threshold_association"),
        provenance=(
            Provenance("keypoints", "as recorded", "HALPE_26", 0.0),
            Provenance("triangulation", "robust, all cameras", "kinelive 0.1.0", 38.4),
            Provenance("inverse kinematics", "Levenberg-Marquardt", "kinelive 0.1.0", 2140.0),
        ),
        warnings=("cam04 was not synchronised: its time is taken as it came.",),
    )


def quality(held_out_px: float = 9.3) -> ReportQuality:
    """Of four cameras."""
    return ReportQuality(
        held_out_px=held_out_px,
        held_out_per_camera_px={"cam01": 8.1, "cam02": 9.0, "cam03": 11.7, "cam04": 10.2},
        reprojection_px=6.2,
        cameras_per_point=3.71,
        n_points=2188,
        n_missing=12,
        segment_cv=0.031,
    )
