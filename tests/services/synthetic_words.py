"""The messages and pictures of a synthetic run."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core import synthetic
from core.messages import CameraQuality, CameraStatus, Person2D, RigQuality
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]

SIZE_PX = (960, 540)


def status(camera: str, t_ns: int) -> CameraStatus:
    return CameraStatus(
        t_ns=t_ns,
        camera=camera,
        driver="file",
        codec="h264",
        extradata=b"",
        width_px=synthetic.WIDTH_PX,
        height_px=synthetic.HEIGHT_PX,
        rate_hz=60.0,
        time_base_s=(1, 60),
        time_origin="file",
        time_uncertainty_ns=0,
    )


def covariance_m2(n_keypoints: int) -> bytes:
    """From 1 to 5 cm standard deviation upwards, half as much along x, and tilted."""
    up_m = np.linspace(0.01, 0.05, n_keypoints)
    parts = np.stack([0.25 * up_m**2, 0.25 * up_m**2, up_m**2, *3 * [0.1 * up_m**2]], axis=-1)
    return parts.astype("<f4").tobytes()


def quality(cameras: tuple[str, ...], t_ns: int) -> RigQuality:
    """The second camera's clock was off, the third is late, the last keypoints are worst."""
    return RigQuality(
        t_ns=t_ns,
        cameras=tuple(
            CameraQuality(
                camera=name,
                held_out_px=6.0 + place,
                turned_deg=0.2,
                says=f"{name} is 12 ms late" if place == 2 else "",
                late_ms=12.2 if place == 2 else 0.1,
                late_sd_ms=0.6,
                offset_ms=40.3 if place == 1 else 0.2,
                offset_uncertainty_ms=2.1,
                shift_ms=-39.8 if place == 1 else 0.0,
            )
            for place, name in enumerate(cameras)
        ),
        skeleton=HALPE_26.name,
        keypoint_px=np.linspace(3, 16, len(HALPE_26.names)).astype("<f4").tobytes(),
    )


def person(number: int, points_px: F64) -> Person2D:
    return Person2D(
        id=number,
        keypoints_px=points_px.astype("<f4").tobytes(),
        confidence=np.full(len(points_px), 0.9, "<f4").tobytes(),
    )


def picture(people_px: list[F64], instant: int) -> NDArray[np.uint8]:
    """A room with mannequins, half size, and a bar that moves with the instant."""
    width, height = SIZE_PX
    rows = np.linspace(96, 150, height, dtype=np.uint8)
    picture = np.repeat(np.repeat(rows[:, None], width, 1)[..., None], 3, 2)
    picture[height * 6 // 10 :] = (88, 104, 118)
    for points_px in people_px:
        half = points_px / 2
        for a, b in HALPE_26.bones:
            ends = [tuple(int(v) for v in half[j]) for j in (a, b)]
            cv2.line(picture, ends[0], ends[1], (70, 62, 56), 22, cv2.LINE_AA)
    x = instant * 16 % width
    picture[-8:, x : x + 60] = (210, 210, 210)
    return np.ascontiguousarray(picture)
