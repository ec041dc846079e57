"""BlazePose as a pose backend: pictures to tensors, its two networks, their numbers to people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose import blazepose
from core.pose.backend import Estimate, Found
from core.pose.crops import Roi, Size, crop, letterbox_affine
from core.skeletons import HALPE_26, Skeleton
from services.inference import Runtime
from services.networks import Network, open_network
from services.preprocessing import Pixels

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_DETECTOR = Size(blazepose.DETECTOR_PX, blazepose.DETECTOR_PX)
_DETECTOR_OUTPUTS = ("Identity", "Identity_1")
_LANDMARK_OUTPUTS = ("Identity", "Identity_1", "Identity_3")
_MINUS_1_TO_1 = Pixels((1 / 127.5,) * 3, (-1.0,) * 3, rgb=True, channels_first=False)
_0_TO_1 = Pixels((1 / 255,) * 3, (0.0,) * 3, rgb=True, channels_first=False)
_LANDMARKS = Size(blazepose.LANDMARK_PX, blazepose.LANDMARK_PX)


@dataclass(frozen=True, slots=True)
class BlazePose:
    """The two networks of BlazePose; a ``Backend``."""

    detector: Network
    landmarker: Network
    config: PoseConfig

    @property
    def skeleton(self) -> Skeleton:
        """HALPE_26, into which the landmarks are carried."""
        return HALPE_26

    @property
    def derived(self) -> int:
        """Neck, Hip and Head."""
        return blazepose.DERIVED_BITS

    @property
    def provider(self) -> str:
        """What the landmark network really runs on."""
        return self.landmarker.provider

    def detect(self, pictures: Sequence[U8]) -> list[list[Found]]:
        """People in whole pictures (H, W, 3) BGR, the most certain first."""
        if not pictures:
            return []
        affines = [letterbox_affine(one.shape[1], one.shape[0], _DETECTOR[0]) for one in pictures]
        cuts = [crop(one, a, _DETECTOR) for one, a in zip(pictures, affines, strict=True)]
        boxes, logits = self.detector.run(np.stack(cuts))
        least = self.config.min_detection
        return [
            [
                Found(one.score, blazepose.roi_of(*one.keypoints_px[:2]))
                for one in blazepose.detections(box, logit, affine, least)
            ]
            for box, logit, affine in zip(boxes, logits, affines, strict=True)
        ]

    def estimate(self, jobs: Sequence[tuple[U8, Roi]]) -> list[Estimate]:
        """Keypoints in regions of pictures, in one run."""
        if not jobs:
            return []
        outputs, affines = self.landmarker.run_regions(jobs, _LANDMARKS)
        return [
            _estimate(blazepose.landmarks(points, float(presence[0]), heatmap, affine))
            for points, presence, heatmap, affine in zip(*outputs, affines, strict=True)
        ]

    def region(self, points_px: F64) -> Roi | None:
        """Square around a person with keypoints (26, 2), upright along the trunk."""
        return blazepose.region(points_px)


def _estimate(found: blazepose.Landmarks) -> Estimate:
    points, confidence = blazepose.to_halpe26(found)
    return Estimate(found.presence, points, confidence, blazepose.next_roi(found))


def open_blazepose(folder_of: dict[str, Path], config: PoseConfig, runtime: Runtime) -> BlazePose:
    """Load both networks from the files of the asset group ``blazepose``."""
    detector = open_network(
        folder_of["pose_detection.onnx"], _DETECTOR_OUTPUTS, _MINUS_1_TO_1, runtime
    )
    landmarker = open_network(
        folder_of["pose_landmark_full.onnx"], _LANDMARK_OUTPUTS, _0_TO_1, runtime, config.crop_on
    )
    return BlazePose(detector, landmarker, config)
