"""RTMPose with YOLOX's boxes as a pose backend: pictures to tensors, their numbers to people.

The colours go in as the weights know them, red first; in the order of the pictures keypoints come
out all the same, only worse. Boxes found nowhere are nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose import boxes, simcc, topdown, yolox
from core.pose.backend import Estimate, Found
from core.pose.boxes import Box
from core.pose.crops import (
    IMAGENET_MEAN_RGB,
    IMAGENET_SD_RGB,
    Affine,
    Roi,
    Size,
    letterboxed,
)
from core.skeletons import Skeleton
from services import pose_networks
from services.inference import Runtime
from services.pose_networks import ImageNetwork
from services.preprocessing import AS_THEY_ARE, Pixels

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_RGB = Pixels.standardised(IMAGENET_MEAN_RGB, IMAGENET_SD_RGB)


@dataclass(frozen=True, slots=True)
class RtmPose:
    """A detector and a top-down network; a ``Backend``.

    ``presence`` is the mean score of the better half of the limbs, see ``core.pose.topdown``.
    """

    detector: ImageNetwork
    poser: ImageNetwork
    keypoints: Skeleton
    config: PoseConfig

    @property
    def skeleton(self) -> Skeleton:
        """The keypoint set of the top-down network."""
        return self.keypoints

    @property
    def derived(self) -> int:
        """None: what it gives it has been taught."""
        return 0

    @property
    def provider(self) -> str:
        """What the top-down network really runs on."""
        return self.poser.network.provider

    def detect(self, pictures: Sequence[U8], *, thorough: bool = False) -> list[list[Found]]:
        """People in whole pictures (H, W, 3) BGR, the most certain first."""
        del thorough  # its input is large enough for people far away
        if not pictures:
            return []
        canvases = [letterboxed(one, self.detector.size) for one in pictures]
        outputs = self.detector.run([canvas for canvas, _ in canvases])
        return [
            [
                Found(one.score, boxes.region_of(one.corners_px, self.poser.size))
                for one in self._people([output[i] for output in outputs], affine)
            ]
            for i, (_, affine) in enumerate(canvases)
        ]

    def _people(self, outputs: list[F32], affine: Affine) -> list[Box]:
        least = self.config.min_detection
        if pose_networks.is_raw(self.detector):
            return yolox.raw_people(outputs[0], self.detector.size, affine, least)
        labels = outputs[1].astype(np.int64) if len(outputs) > 1 else None
        return yolox.suppressed_people(outputs[0], labels, affine, least)

    def estimate(self, jobs: Sequence[tuple[U8, Roi]]) -> list[Estimate]:
        """Keypoints in regions of pictures, in one run."""
        if not jobs:
            return []
        size = self.poser.size
        (rows_x, rows_y), affines = self.poser.network.run_regions(jobs, size)
        points, score = simcc.decode(rows_x, rows_y, size, subpixel=self.config.subpixel)
        return [
            topdown.estimate_of(affine(mine), sure, self.keypoints, size, roi)
            for (_, roi), affine, mine, sure in zip(jobs, affines, points, score, strict=True)
        ]

    def region(self, points_px: F64) -> Roi | None:
        """Upright region around a person with keypoints (J, 2)."""
        return topdown.region(points_px, self.poser.size)


def open_rtmpose(
    detector: Path,
    pose: Path,
    skeleton: Skeleton,
    config: PoseConfig,
    runtime: Runtime,
    sizes: tuple[Size | None, Size | None] = (None, None),
) -> RtmPose:
    """Load both networks; ``sizes`` of their inputs, where the files leave them open.

    Raises:
        AssetError: a file is no network.
        ConfigError: a network is not of that kind, or gives other keypoints.
    """
    finder = pose_networks.open_image_network(detector, AS_THEY_ARE, runtime, sizes[0])
    pose_networks.require_yolox(finder, detector)
    poser = pose_networks.open_image_network(pose, _RGB, runtime, sizes[1], config.crop_on)
    pose_networks.require_simcc(poser, skeleton, pose)
    return RtmPose(finder, poser, skeleton, config)
