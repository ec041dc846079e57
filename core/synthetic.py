"""Scenes with a known truth: a seeded rig and a walker, and what the cameras would say of them."""

import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel, Rig, project
from core.messages import Keypoints2D, Person2D, Person3D, Pose3D
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]

WIDTH_PX, HEIGHT_PX = 1920, 1080
_FOCAL_PX = 1100.0
_LENS = np.array([-0.05, 0.02, 0.0005, -0.0003, 0.0])
_PERIOD_NS = 16_666_667


def ring(n_cameras: int, radius_m: float = 4.0, seed: int = 0) -> Rig:
    """Cameras in a circle, 1.2 to 2 m high, that look at the middle; a mild lens each."""
    rng = np.random.default_rng(seed)
    models = []
    for i in range(n_cameras):
        turn = 2 * np.pi * (i + 0.2 * rng.random()) / n_cameras
        centre = np.array([radius_m * np.cos(turn), radius_m * np.sin(turn), rng.uniform(1.2, 2)])
        models.append(_looking(f"cam{i + 1:02d}", centre, np.array([0.0, 0.0, 1.0])))
    return Rig.of(models)


def models(rig: Rig) -> list[CameraModel]:
    """Each camera of a synthetic rig for itself, with the size of its pictures."""
    return [
        CameraModel(
            name=name,
            width_px=WIDTH_PX,
            height_px=HEIGHT_PX,
            image_from_cam=rig.image_from_cam[place],
            distortion=rig.distortion[place],
            cam_from_world=rig.cam_from_world[place],
        )
        for place, name in enumerate(rig.names)
    ]


def _looking(name: str, centre_m: F64, target_m: F64) -> CameraModel:
    forward = target_m - centre_m
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return CameraModel(
        name=name,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        image_from_cam=np.array(
            [[_FOCAL_PX, 0, WIDTH_PX / 2], [0, _FOCAL_PX, HEIGHT_PX / 2], [0, 0, 1]]
        ),
        distortion=_LENS,
        cam_from_world=np.column_stack([rotation, -rotation @ centre_m]),
    )


# Standing body: (forward, left, up) m of the right half and the midline; the left half mirrors it.
# fmt: off
_STANDING_M = {
    "Nose": (0.10, 0.0, 1.60), "Head": (0.0, 0.0, 1.75), "Neck": (0.0, 0.0, 1.45),
    "Hip": (0.0, 0.0, 0.95), "REye": (0.09, -0.03, 1.63), "REar": (0.0, -0.07, 1.60),
    "RShoulder": (0.0, -0.18, 1.42), "RElbow": (0.0, -0.22, 1.13), "RWrist": (0.02, -0.24, 0.88),
    "RHip": (0.0, -0.10, 0.93), "RKnee": (0.0, -0.10, 0.50), "RAnkle": (0.0, -0.10, 0.09),
    "RHeel": (-0.05, -0.10, 0.03), "RBigToe": (0.17, -0.08, 0.02), "RSmallToe": (0.13, -0.14, 0.02),
}
# fmt: on
_LEGS = ("Hip", "Knee", "Ankle", "Heel", "BigToe", "SmallToe")
_ARMS = ("Shoulder", "Elbow", "Wrist")


def standing_m() -> F64:
    """HALPE_26 keypoints (26, 3) of a person who stands at the origin and looks along x."""
    points = np.empty((len(HALPE_26.names), 3))
    for number, name in enumerate(HALPE_26.names):
        mirrored = name not in _STANDING_M
        x, y, z = _STANDING_M["R" + name[1:] if mirrored else name]
        points[number] = (x, -y if mirrored else y, z)
    return points


def walk_m(n_frames: int, rate_hz: float = 60.0) -> F64:
    """HALPE_26 keypoints (T, 26, 3) of a person who walks in a circle of 1 m at 1 m/s."""
    t_s = np.arange(n_frames) / rate_hz
    path_m = np.stack([np.sin(t_s), -np.cos(t_s)], axis=-1)
    return np.stack([at(*one) for one in zip(t_s, path_m, t_s, strict=True)])


def at(t_s: float, place_m: F64, heading_rad: float) -> F64:
    """Keypoints (26, 3) of a walker at a time, over a point (2,) of the floor."""
    points = standing_m()
    phase = 2 * np.pi * 0.9 * t_s
    for side, shift in (("L", 0.0), ("R", np.pi)):
        thigh = 0.5 * np.sin(phase + shift)
        knee = 0.5 - 0.5 * np.cos(phase + shift - 1.0)
        _swing(points, [side + name for name in _LEGS], thigh)
        _swing(points, [side + name for name in _LEGS[1:]], -knee)
        _swing(points, [side + name for name in _ARMS], -0.6 * thigh)
    points[:, 2] += 0.02 * np.cos(2 * phase)
    cos, sin = np.cos(heading_rad), np.sin(heading_rad)
    turned = points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return turned + np.array([*place_m, 0.0])


def _swing(points: F64, chain: list[str], angle_rad: float) -> None:
    """Turn a limb about its first keypoint, forwards for a positive angle, in place."""
    numbers = [HALPE_26.index(name) for name in chain]
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    about_y = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    pivot = points[numbers[0]].copy()
    points[numbers] = (points[numbers] - pivot) @ about_y.T + pivot


def seen(
    rig: Rig,
    truth_m: F64,
    *,
    noise_px: float = 0.0,
    seed: int = 0,
    period_ns: int = _PERIOD_NS,
    start_ns: int = 1_700_000_000_000_000_000,
) -> list[Keypoints2D]:
    """What the cameras say of keypoints that move along ``truth_m`` (T, 26, 3), frame by frame."""
    rng = np.random.default_rng(seed)
    out = []
    for frame, points_m in enumerate(truth_m):
        pixels = project(rig, points_m)
        pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * noise_px
        for name, points_px in zip(rig.names, pixels, strict=True):
            out.append(keypoints(name, frame, start_ns + frame * period_ns, points_px))
    return out


def keypoints(camera: str, frame: int, t_ns: int, points_px: F64) -> Keypoints2D:
    """Build the message of one camera that sees all keypoints (26, 2) with confidence 0.9."""
    visible = np.isfinite(points_px).all(axis=1)
    person = Person2D(
        id=1,
        keypoints_px=points_px.astype("<f4").tobytes(),
        confidence=np.where(visible, 0.9, 0.0).astype("<f4").tobytes(),
    )
    return Keypoints2D(
        t_ns=t_ns,
        stamps={"received": t_ns + 1_000_000, "pose": t_ns + 20_000_000},
        camera=camera,
        frame=frame,
        skeleton=HALPE_26.name,
        model="synthetic",
        provider="none",
        persons=(person,),
    )


def pose(
    instant: int, t_ns: int, people_m: dict[int, F64], velocity_m_s: dict[int, F64] | None = None
) -> Pose3D:
    """Build the message of one instant with people of known keypoints (26, 3), by their ids."""
    still = np.zeros((len(HALPE_26.names), 3))
    speeds = velocity_m_s or {}
    return Pose3D(
        t_ns=t_ns,
        instant=instant,
        skeleton=HALPE_26.name,
        cameras=(),
        frames=(),
        consumed=(),
        persons=tuple(
            _person3d(number, points_m, speeds.get(number, still))
            for number, points_m in people_m.items()
        ),
    )


def _person3d(number: int, points_m: F64, velocity_m_s: F64) -> Person3D:
    known = np.isfinite(points_m).all(axis=1, keepdims=True)  # (J, 1)
    spread_m2 = np.where(known, [1e-4, 1e-4, 1e-4, 0.0, 0.0, 0.0], np.nan)
    return Person3D(
        id=number,
        keypoints_m=points_m.astype("<f4").tobytes(),
        covariance_m2=spread_m2.astype("<f4").tobytes(),
        velocity_m_s=np.where(known, velocity_m_s, np.nan).astype("<f4").tobytes(),
        predicted_m=points_m.astype("<f4").tobytes(),
        measured_m=points_m.astype("<f4").tobytes(),
        confidence=np.where(known, 0.9, 0.0).astype("<f4").tobytes(),
        n_views=np.where(known, 4, 0).astype(np.uint8).tobytes(),
        detections=(),
    )
