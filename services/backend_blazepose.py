"""BlazePose as a pose backend: pictures to tensors, its two networks, their numbers to people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose import blazepose, certainty
from core.pose.backend import Estimate, Found
from core.pose.certainty import Certainty
from core.pose.certainty_table import CERTAINTIES
from core.pose.crops import Affine, Roi, Size, crop, letterbox_affine, roi_affine
from core.skeletons import HALPE_26, Skeleton
from services.inference import Runtime
from services.networks import Network, open_network
from services.preprocessing import Pixels

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_DETECTOR = Size(blazepose.DETECTOR_PX, blazepose.DETECTOR_PX)
_N_SQUARES = 3
_WEAK = 0.3
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

    def detect(self, pictures: Sequence[U8], *, thorough: bool = False) -> list[list[Found]]:
        """People in whole pictures (H, W, 3) BGR, the most certain first.

        ``thorough`` looks at squares along the longer side as well, and takes weaker signs: who is
        nobody after all has no presence in ``estimate``.
        """
        if not pictures:
            return []
        views = [
            (number, affine)
            for number, one in enumerate(pictures)
            for affine in _views(one.shape[1], one.shape[0], thorough=thorough)
        ]
        cuts = [crop(pictures[number], affine, _DETECTOR) for number, affine in views]
        boxes, logits = self.detector.run(np.stack(cuts))
        least = min(self.config.min_detection, _WEAK) if thorough else self.config.min_detection
        found: list[list[Found]] = [[] for _ in pictures]
        for box, logit, (number, affine) in zip(boxes, logits, views, strict=True):
            people = blazepose.detections(box, logit, affine, least)
            found[number] += [
                Found(one.score, blazepose.roi_of(*one.keypoints_px[:2])) for one in people
            ]
        return [sorted(people, key=lambda one: -one.score) for people in found]

    def estimate(self, jobs: Sequence[tuple[U8, Roi]]) -> list[Estimate]:
        """Keypoints in regions of pictures, in one run."""
        if not jobs:
            return []
        outputs, affines = self.landmarker.run_regions(jobs, _LANDMARKS)
        known = CERTAINTIES.get(self.config.model)
        return [
            _estimate(blazepose.landmarks(points, float(presence[0]), heatmap, affine), roi, known)
            for points, presence, heatmap, affine, (_, roi) in zip(
                *outputs, affines, jobs, strict=True
            )
        ]

    def region(self, points_px: F64) -> Roi | None:
        """Square around a person with keypoints (26, 2), upright along the trunk."""
        return blazepose.region(points_px)


def _views(width_px: int, height_px: int, *, thorough: bool) -> list[Affine]:
    """The whole picture; thoroughly also three squares along its longer side."""
    whole = letterbox_affine(width_px, height_px, _DETECTOR[0])
    if not thorough:
        return [whole]
    side = min(width_px, height_px)
    steps = np.linspace(side / 2, max(width_px, height_px) - side / 2, _N_SQUARES)
    centres = [(x, side / 2) if width_px > height_px else (side / 2, x) for x in steps]
    return [whole, *(roi_affine(Roi(x, y, side, 0.0), _DETECTOR) for x, y in centres)]


def _estimate(found: blazepose.Landmarks, roi: Roi, known: Certainty | None) -> Estimate:
    points, confidence = blazepose.to_halpe26(found)
    sharpness = certainty.sharpness(found.spread_px2, roi.height_px)
    covariance = None
    if known is not None:
        errors = certainty.covariance(known, sharpness, roi.height_px, found.spread_px2)
        covariance = blazepose.covariance_halpe26(errors)
    return Estimate(
        presence=found.presence,
        points_px=points,
        confidence=confidence,
        next_roi=blazepose.next_roi(found),
        covariance_px2=covariance,
        score=blazepose.score_halpe26(sharpness),
    )


def open_blazepose(folder_of: dict[str, Path], config: PoseConfig, runtime: Runtime) -> BlazePose:
    """Load both networks from the files of the model's asset group."""
    landmarks = folder_of[f"pose_landmark_{config.model.removeprefix('blazepose_')}.onnx"]
    detector = folder_of["pose_detection.onnx"]
    return BlazePose(
        open_network(detector, _DETECTOR_OUTPUTS, _MINUS_1_TO_1, runtime),
        open_network(landmarks, _LANDMARK_OUTPUTS, _0_TO_1, runtime, config.crop_on),
        config,
    )
