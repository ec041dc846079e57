"""BlazePose as a pose backend: pictures to tensors, its two networks, their numbers to people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose import blazepose, certainty
from core.pose.backend import Estimate, Found
from core.pose.certainty_table import CERTAINTIES
from core.pose.crops import Roi, Size, crop, letterbox_affine, roi_affine
from core.skeletons import HALPE_26, Skeleton
from services.inference import Network, open_session

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_DETECTOR = Size(blazepose.DETECTOR_PX, blazepose.DETECTOR_PX)
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
        boxes, logits = self.detector.run(_rgb(cuts, 1 / 127.5) - 1)
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
        affines = [roi_affine(roi, _LANDMARKS) for _, roi in jobs]
        cuts = [crop(one, a, _LANDMARKS) for (one, _), a in zip(jobs, affines, strict=True)]
        outputs = self.landmarker.run(_rgb(cuts, 1 / 255))
        return [
            _estimate(blazepose.landmarks(points, float(presence[0]), heatmap, affine), roi)
            for points, presence, heatmap, affine, (_, roi) in zip(
                *outputs, affines, jobs, strict=True
            )
        ]

    def region(self, points_px: F64) -> Roi | None:
        """Square around a person with keypoints (26, 2), upright along the trunk."""
        return blazepose.region(points_px)


def _estimate(found: blazepose.Landmarks, roi: Roi) -> Estimate:
    points, confidence = blazepose.to_halpe26(found)
    sharpness = certainty.sharpness(found.spread_px2, roi.height_px)
    errors = certainty.covariance(
        CERTAINTIES["blazepose_full"], sharpness, roi.height_px, found.spread_px2
    )
    return Estimate(
        presence=found.presence,
        points_px=points,
        confidence=confidence,
        next_roi=blazepose.next_roi(found),
        covariance_px2=blazepose.covariance_halpe26(errors),
        score=blazepose.score_halpe26(sharpness),
    )


def _rgb(cuts: list[U8], scale: float) -> F32:
    """BGR pictures to a batch (N, H, W, 3) of RGB tensors."""
    return np.stack(cuts)[..., ::-1].astype(np.float32) * np.float32(scale)


def open_blazepose(folder_of: dict[str, Path], config: PoseConfig) -> BlazePose:
    """Load both networks from the files of the asset group ``blazepose``."""
    detector = open_session(folder_of["pose_detection.onnx"], config.provider)
    landmarker = open_session(folder_of["pose_landmark_full.onnx"], config.provider)
    return BlazePose(
        Network(detector, ("Identity", "Identity_1")),
        Network(landmarker, ("Identity", "Identity_1", "Identity_3")),
        config,
    )
