"""RTMO as a pose backend: one network that finds people and their keypoints at once.

Regions play no part in the measurement: whoever agrees best with a region is its person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose import boxes, rtmo, topdown
from core.pose.backend import Estimate, Found
from core.pose.crops import Roi, Size, letterboxed
from core.pose.rtmo import Measured
from core.skeletons import Skeleton
from services import pose_networks
from services.inference import Runtime
from services.pose_networks import ImageNetwork
from services.preprocessing import AS_THEY_ARE

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
_REGION = Size(192, 256)  # only its shape counts: that of an upright person's surroundings
_LEAST_IOU = 0.1


@dataclass(frozen=True, slots=True)
class Rtmo:
    """The one-stage network; a ``Backend``. ``presence`` is the score of the person's box."""

    network: ImageNetwork
    keypoints: Skeleton
    config: PoseConfig
    _looked: list[tuple[U8, list[Found]]] = field(default_factory=list)
    """What the last ``detect`` found: who is measured in the same pictures needs no second run."""

    @property
    def skeleton(self) -> Skeleton:
        """The keypoint set of the network."""
        return self.keypoints

    @property
    def derived(self) -> int:
        """None: what it gives it has been taught."""
        return 0

    @property
    def provider(self) -> str:
        """What it really runs on."""
        return self.network.network.provider

    def detect(self, pictures: Sequence[U8], *, thorough: bool = False) -> list[list[Found]]:
        """People in whole pictures (H, W, 3) BGR with their keypoints, the most certain first."""
        del thorough  # its input is large enough for people far away
        if not pictures:
            return []
        canvases = [letterboxed(one, self.network.size) for one in pictures]
        dets, keypoints = self.network.run([canvas for canvas, _ in canvases])
        found = [
            [
                self._found(one)
                for one in rtmo.people(det, points, affine, self.config.min_detection)
            ]
            for det, points, (_, affine) in zip(dets, keypoints, canvases, strict=True)
        ]
        self._looked[:] = zip(pictures, found, strict=True)
        return found

    def _found(self, one: Measured) -> Found:
        roi = boxes.region_of(one.corners_px, _REGION)
        found = topdown.estimate_of(one.points_px, one.visible, self.keypoints, _REGION, roi)
        estimate = Estimate(one.score, found.points_px, found.confidence, found.next_roi)
        return Found(one.score, roi, estimate)

    def estimate(self, jobs: Sequence[tuple[U8, Roi]]) -> list[Estimate]:
        """Keypoints of the person in each region; each picture goes through the network once.

        Nobody is given to two regions of a picture; a region without anybody has presence 0.
        """
        places: dict[int, list[int]] = {}
        for number, (picture, _) in enumerate(jobs):
            places.setdefault(id(picture), []).append(number)
        detected = self._people_in([jobs[numbers[0]][0] for numbers in places.values()])
        estimates = [topdown.nobody(self.keypoints, roi) for _, roi in jobs]
        for numbers, people in zip(places.values(), detected, strict=True):
            for region, person in _paired([jobs[i][1] for i in numbers], people):
                estimate = people[person].estimate
                if estimate is not None:
                    estimates[numbers[region]] = estimate
        return estimates

    def _people_in(self, pictures: Sequence[U8]) -> list[list[Found]]:
        known = {id(picture): people for picture, people in self._looked}
        unseen = [one for one in pictures if id(one) not in known]
        known |= dict(zip(map(id, unseen), self.detect(unseen), strict=True))
        self._looked.clear()
        return [known[id(one)] for one in pictures]

    def region(self, points_px: F64) -> Roi | None:
        """Upright region around a person with keypoints (J, 2)."""
        return topdown.region(points_px, _REGION)


def _paired(regions: list[Roi], people: list[Found]) -> list[tuple[int, int]]:
    """(region, person), the pairs that agree best first, each taken once."""
    if not people:
        return []
    corners = np.stack([_corners(one.roi) for one in people])
    agreement = np.stack([boxes.iou(_corners(one), corners) for one in regions])
    pairs = []
    for flat in np.argsort(-agreement, axis=None, kind="stable"):
        region, person = (int(one) for one in np.unravel_index(flat, agreement.shape))
        free = all(region != a and person != b for a, b in pairs)
        if free and agreement[region, person] >= _LEAST_IOU:
            pairs.append((region, person))
    return pairs


def _corners(roi: Roi) -> F64:
    half_width = roi.height_px * _REGION.width_px / _REGION.height_px / 2
    half_height = roi.height_px / 2
    return np.array(
        [
            roi.x_px - half_width,
            roi.y_px - half_height,
            roi.x_px + half_width,
            roi.y_px + half_height,
        ]
    )


def open_rtmo(
    path: Path,
    skeleton: Skeleton,
    config: PoseConfig,
    runtime: Runtime,
    size: Size | None = None,
) -> Rtmo:
    """Load the network; ``size`` of its input, where the file leaves it open.

    Raises:
        AssetError: the file is no network.
        ConfigError: a network of another kind, or one that gives other keypoints.
    """
    network = pose_networks.open_image_network(path, AS_THEY_ARE, runtime, size)
    pose_networks.require_one_stage(network, skeleton, path)
    return Rtmo(network, skeleton, config)
