"""A rig to try without any camera: synthetic devices, their calibration, networks that see them.

Unlike in ``services.synthetic_footage`` nothing is filmed beforehand: the cameras are live devices
with clocks, queues and faults of their own (``capture.synthetic``), and where the walker really is
can be asked for any moment.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from capture import synthetic
from core.camera_config import CameraConfig, SyntheticConfig
from core.config import PoseConfig, RunConfig
from core.pose.crops import Size
from core.skeletons import HALPE_26
from services import synthetic_networks
from services.synthetic_footage import calibration_text

_POSE, _DETECTOR = Size(192, 256), Size(416, 416)
_NO_CHANGE: Mapping[str, Any] = {}


def write(
    folder: Path,
    *,
    n_cameras: int = 4,
    rate_hz: float = 15.0,
    smaller: int = 2,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunConfig:
    """Write calibration and networks, and return the run.

    Args:
        folder: is made if need be.
        n_cameras: in the ring.
        rate_hz: of all cameras.
        smaller: pictures are 1920x1080 divided by this.
        changes: by camera name (``cam01`` …), other values of its ``SyntheticConfig``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    usual = SyntheticConfig(n_cameras=n_cameras, rate_hz=rate_hz, smaller=smaller)
    models = synthetic.models(usual)
    calibration = folder / "calibration.toml"
    calibration.write_text(calibration_text(models), encoding="utf-8")
    pose = synthetic_networks.write_rtmpose(folder / "pose.onnx", _POSE)
    detector = synthetic_networks.write_yolox(folder / "detector.onnx", _DETECTOR)
    cameras = tuple(
        CameraConfig(
            name=model.name,
            driver="synthetic",
            reduce=1,
            synthetic=msgspec.structs.replace(
                usual, place=place, **(changes or {}).get(model.name, _NO_CHANGE)
            ),
        )
        for place, model in enumerate(models)
    )
    networks = PoseConfig(
        model="custom",
        detector_path=str(detector),
        pose_path=str(pose),
        skeleton=HALPE_26.name,
        provider="cpu",
    )
    return RunConfig(cameras=cameras, calibration=str(calibration), pose=networks)


def off_m(points_m: np.ndarray, monotonic_ns: int) -> np.ndarray:
    """Distances (26,) m of measured keypoints (26, 3) from the walker's at that moment."""
    return np.linalg.norm(points_m - synthetic.truth_m(monotonic_ns)[0], axis=-1)
