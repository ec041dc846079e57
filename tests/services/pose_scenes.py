"""Networks that really measure, and pictures of people for them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core import synthetic, synthetic_scenes
from core.cameras import CameraModel
from core.config import PoseConfig
from core.pose.backend import Found
from core.pose.crops import Size
from core.synthetic_pictures import (
    BACKGROUND,
    PALETTE,
    SUITS,
    View,
    reduced,
    render,
    with_large_head,
)
from services import synthetic_networks as networks
from services.inference import Runtime

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
CONFIG = PoseConfig(provider="cpu")
CPU = Runtime("cpu")
SIZE, DETECTOR = Size(192, 256), Size(416, 416)


def write_networks(folder: Path) -> dict[str, Path]:
    return {
        "pose": networks.write_rtmpose(folder / "pose.onnx", SIZE),
        "pose_of_one": networks.write_rtmpose(folder / "pose_of_one.onnx", SIZE, batch=1),
        "detector": networks.write_yolox(folder / "detector.onnx", DETECTOR),
        "raw": networks.write_yolox(folder / "raw.onnx", DETECTOR, raw=True),
        "rtmo": networks.write_rtmo(folder / "rtmo.onnx", DETECTOR),
    }


def cameras(n_cameras: int = 4) -> list[CameraModel]:
    return [reduced(one, 2) for one in synthetic.models(synthetic.ring(n_cameras))]


def crossing() -> list[View]:
    """Two people who cross each other's way, seen by four cameras at three times."""
    people_m = with_large_head(synthetic_scenes.crossing_m(2, 41, 15.0))
    return [render(one, people_m[:, t]) for t in (0, 20, 40) for one in cameras()]


def empty(height: int = 540, width: int = 960) -> U8:
    return np.full((height, width, 3), BACKGROUND, np.uint8)


def ball(picture: U8, number: int, place: tuple[float, float], radius: float = 9.0) -> None:
    """A keypoint on the first suit, its middle at continuous coordinates, drawn in place."""
    at = [round((one - 0.5) * 256) for one in place]
    for colour, r in ((SUITS[0], radius * 2.2), (PALETTE[number], radius)):
        cv2.circle(picture, at, round(r * 256), colour.tolist(), -1, cv2.LINE_AA, 8)


def scattered(seed: int = 0) -> tuple[U8, F64]:
    """A picture with all keypoints at known places (26, 2) between the pixels."""
    rng = np.random.default_rng(seed)
    picture = empty()
    cells = np.stack(np.meshgrid(np.arange(5), np.arange(6)), axis=-1).reshape(-1, 2)[:26]
    places = np.array([420.0, 130.0]) + cells * 46 + rng.uniform(-3, 3, (26, 2))
    for number, place in enumerate(places):
        ball(picture, number, (place[0], place[1]))
    return picture, places


def best_error_px(points_px: F64, confidence: F64, view: View) -> F64:
    """Errors of what is seen, against the person that fits best; everything continuous."""
    away = np.linalg.norm(view.points_px[:, : len(points_px)] + 0.5 - points_px, axis=-1)
    who = int(np.nanmedian(away, axis=1).argmin())
    return away[who][view.visible[who, : len(points_px)] & (confidence > 0.3)]


def sorted_by_place(people: Sequence[Found]) -> list[Found]:
    return sorted(people, key=lambda one: one.roi.x_px)


def assert_same_people(some: Sequence[Sequence[Found]], others: Sequence[Sequence[Found]]) -> None:
    assert [[(one.score, one.roi) for one in people] for people in some] == [
        [(one.score, one.roi) for one in people] for people in others
    ]
