"""RTMO on a network that really measures, with rtmlib as the judge."""

from pathlib import Path

import numpy as np
import pytest
import rtmlib
from numpy.typing import NDArray

from core.config import PoseConfig
from core.pose.crops import Roi
from core.skeletons import SKELETONS
from core.synthetic_pictures import View
from services.backend_rtmo import Rtmo, open_rtmo
from tests.services import pose_scenes as scenes
from tests.services.pose_scenes import (
    CONFIG,
    CPU,
    DETECTOR,
    assert_same_people,
    best_error_px,
    sorted_by_place,
)

F64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return scenes.write_networks(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def one_stage(files: dict[str, Path]) -> Rtmo:
    return open_rtmo(files["rtmo"], SKELETONS["COCO_17"], CONFIG, CPU)


@pytest.fixture(scope="module")
def views() -> list[View]:
    return scenes.crossing()


def test_one_stage_people_are_measured_at_once(one_stage: Rtmo, views: list[View]) -> None:
    errors = []
    pictures = [one.picture for one in views]
    together = one_stage.detect(pictures)
    assert_same_people(together, [one_stage.detect([one])[0] for one in pictures])
    for view, people in zip(views, together, strict=True):
        assert len(people) == 2
        for one in people:
            assert one.estimate is not None
            errors.append(best_error_px(one.estimate.points_px, one.estimate.confidence, view))
    assert np.median(np.concatenate(errors)) < 1


def test_one_stage_regions_get_their_own_person(one_stage: Rtmo, views: list[View]) -> None:
    view = views[0]
    rois = [one_stage.region(points[:17] + 0.5) for points in view.points_px]
    rois = [one for one in rois if one is not None]
    away = Roi(40.0, 500.0, 60.0, 0.0)
    jobs = [(view.picture, one) for one in (rois[1], away, rois[0])]
    second, nobody, first = one_stage.estimate(jobs)
    assert nobody.presence == 0
    for who, found in ((0, first), (1, second)):
        seen = view.visible[who, :17] & (found.confidence > 0.3)
        off_px = np.linalg.norm(view.points_px[who, :17] + 0.5 - found.points_px, axis=1)[seen]
        assert np.median(off_px) < 1


def test_one_stage_agrees_with_rtmlib(files: dict[str, Path], views: list[View]) -> None:
    mine = open_rtmo(files["rtmo"], SKELETONS["COCO_17"], PoseConfig(min_detection=0.7), CPU)
    theirs = rtmlib.RTMO(str(files["rtmo"]), model_input_size=tuple(DETECTOR))
    picture = views[0].picture
    points, score = theirs(picture)
    people = mine.detect([picture])[0]
    assert len(people) == len(points) == 2
    for one, reference, sure in zip(sorted_by_place(people), *by_place(points, score), strict=True):
        known = sure > 0
        assert one.estimate is not None
        # rtmlib scales pixel centres as if they were counted from a half: that much apart
        away = (one.estimate.points_px - 0.5 - reference)[known]
        assert np.abs(away).max() <= 0.75
        np.testing.assert_allclose(one.estimate.confidence[known], sure[known], atol=1e-5)


def by_place(points: F64, score: F64) -> tuple[F64, F64]:
    order = np.argsort([one[sure > 0, 0].mean() for one, sure in zip(points, score, strict=True)])
    return points[order], score[order]


def test_who_was_just_found_is_not_measured_again(one_stage: Rtmo, views: list[View]) -> None:
    pictures = [views[0].picture, views[1].picture]
    found = one_stage.detect(pictures)
    jobs = [(pictures[0], one.roi) for one in found[0]] + [(views[2].picture, found[0][0].roi)]
    estimates = one_stage.estimate(jobs)
    assert [one is two.estimate for one, two in zip(estimates, found[0], strict=False)] == [
        True
    ] * 2
    again = one_stage.estimate(jobs)
    assert again[0] is not estimates[0]
    np.testing.assert_array_equal(again[0].points_px, estimates[0].points_px)
