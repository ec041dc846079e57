"""Decoders of RTMPose, YOLOX and RTMO against hand-made outputs, and the regions between them."""

import numpy as np
import pytest

from core.pose import boxes, crops, rtmo, simcc, topdown, yolox
from core.pose.crops import Affine, Normalisation, Roi, Size
from core.skeletons import HALPE_26, SKELETONS

SIZE = Size(192, 256)
IDENTITY = Affine(np.eye(2), np.zeros(2))


def bumps(centres, count, height=0.8):
    """Rows (1, K, count) with a peak at each broken bin."""
    place = np.arange(count)[None] - np.asarray(centres)[:, None]
    return (height * np.exp(-0.5 * (place / 6) ** 2))[None].astype(np.float32)


def test_simcc_takes_the_middle_of_the_highest_bin():
    points, score = simcc.decode(bumps([100, 7.2], 384), bumps([31, 400.4], 512), SIZE)
    np.testing.assert_allclose(points[0], [[50.5, 16.0], [4.0, 200.5]])  # bins / 2 + 0.5
    np.testing.assert_allclose(score[0], [0.8, 0.8], atol=1e-2)


def test_simcc_between_the_bins():
    truth = np.array([[100.3, 31.4], [7.2, 400.4], [200.49, 60.51]])
    rows = bumps(truth[:, 0], 384), bumps(truth[:, 1], 512)
    points, _ = simcc.decode(*rows, SIZE, subpixel=True)
    np.testing.assert_allclose(points[0], truth / 2 + 0.5, atol=2e-3)


def test_simcc_at_the_rim_stays_there():
    rows = np.zeros((1, 2, 384), np.float32), np.zeros((1, 2, 512), np.float32)
    rows[0][0, 0, 0] = rows[1][0, 0, 511] = 1.0
    points, score = simcc.decode(*rows, SIZE, subpixel=True)
    np.testing.assert_allclose(points[0, 0], [0.5, 256.0])
    np.testing.assert_allclose(score[0], [1.0, 0.0])


def test_the_score_is_the_mean_of_both_axes():
    _, score = simcc.decode(bumps([9], 384, 0.9), bumps([9], 512, 0.3), SIZE)
    np.testing.assert_allclose(score, 0.6, atol=1e-6)


def test_boxes_with_suppression_inside():
    dets = np.array([[0, 0, 10, 20, 0.6], [5, 5, 9, 9, 0.9], [1, 1, 2, 2, 0.0]], np.float32)
    found = yolox.suppressed_people(dets, None, IDENTITY, 0.0)
    assert [round(one.score, 3) for one in found] == [0.9, 0.6]
    labels = np.array([0, 16, 0])
    (one,) = yolox.suppressed_people(dets, labels, IDENTITY, 0.5)
    np.testing.assert_allclose(one.corners_px, [0, 0, 10, 20])


def raw_rows(people, n_classes=80):
    """Raw output with (row, box, score, class)."""
    cells, strides = yolox.grid(Size(640, 640))
    rows = np.zeros((len(cells), 5 + n_classes), np.float32)
    for row, (x0, y0, x1, y1), score, label in people:
        middle, side = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0])
        rows[row, :2] = middle / strides[row] - cells[row]
        rows[row, 2:4] = np.log(side / strides[row])
        rows[row, 4], rows[row, 5 + label] = 1.0, score
    return rows


def test_raw_boxes_are_decoded_and_doubles_suppressed():
    assert yolox.n_cells(Size(640, 640)) == 8400
    assert yolox.n_cells(Size(416, 416)) == 3549
    rows = raw_rows(
        [
            (3000, (100, 100, 200, 300), 0.8, 0),
            (6500, (104, 102, 205, 304), 0.9, 0),
            (8399, (400, 100, 500, 300), 0.7, 0),
            (100, (10, 10, 90, 90), 0.95, 16),
            (200, (10, 10, 90, 90), 0.4, 0),
        ]
    )
    found = yolox.raw_people(rows, Size(640, 640), IDENTITY, 0.5)
    assert [round(one.score, 3) for one in found] == [0.9, 0.7]
    np.testing.assert_allclose(found[0].corners_px, [104, 102, 205, 304], atol=1e-3)
    np.testing.assert_allclose(found[1].corners_px, [400, 100, 500, 300], atol=1e-3)


def test_an_empty_scene_has_no_person():
    assert not yolox.raw_people(raw_rows([]), Size(640, 640), IDENTITY, 0.0)
    assert not yolox.suppressed_people(np.zeros((4, 5), np.float32), None, IDENTITY, 0.0)
    nothing = np.zeros((4, 5), np.float32), np.zeros((4, 17, 3), np.float32)
    assert not rtmo.people(*nothing, IDENTITY, 0.0)


def test_one_stage_people_come_once_and_in_the_picture():
    dets = np.array([[0, 0, 10, 20, 0.6], [0, 0, 10, 19, 0.9], [40, 0, 50, 20, 0.7]], np.float32)
    keypoints = np.zeros((3, 17, 3), np.float32)
    keypoints[:, :, 0] = [[1.0], [2.0], [3.0]]
    keypoints[:, :, 2] = 0.5
    twice = Affine(2 * np.eye(2), np.zeros(2))
    first, second = rtmo.people(dets, keypoints, twice, 0.3)
    assert (round(first.score, 3), round(second.score, 3)) == (0.9, 0.7)
    np.testing.assert_allclose(first.points_px, np.tile([5.0, 1.0], (17, 1)))
    np.testing.assert_allclose(second.corners_px, [80, 0, 100, 40])
    assert (first.visible == 0.5).all()


def test_overlap_by_hand():
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30.0]])
    np.testing.assert_allclose(boxes.iou(others[0], others), [1, 1 / 3, 0])


def test_the_region_is_padded_and_takes_the_shape_of_the_input():
    tall = boxes.region_of(np.array([10.0, 20, 60, 220]), SIZE)
    assert tall == Roi(35.0, 120.0, 250.0, 0.0)
    wide = boxes.region_of(np.array([0.0, 0, 300, 100]), SIZE)
    assert wide == Roi(150.0, 50.0, 300 / 0.75 * 1.25, 0.0)


def test_a_letterbox_maps_back_exactly():
    picture = np.full((33, 101, 3), 200, np.uint8)
    canvas, affine = crops.letterboxed(picture, Size(64, 64))
    inner_px = np.argwhere((canvas == 200).all(axis=2)).max(axis=0)[::-1] + 1.0
    np.testing.assert_allclose(affine(inner_px), [101, 33])
    assert (canvas[int(inner_px[1]) :] == 114).all()


def test_tensors_have_their_channels_in_order():
    cut = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    mean, sd = np.array([10.0, 20, 30]), np.array([2.0, 3, 4])
    got = crops.tensor([cut, cut[::-1]], Normalisation((10, 20, 30), (2, 3, 4), rgb=True))
    wanted = (np.stack([cut, cut[::-1]])[..., ::-1] - mean) / sd
    np.testing.assert_allclose(got, wanted.transpose(0, 3, 1, 2), atol=1e-5)
    raw = crops.tensor([cut], crops.RAW_BGR)
    np.testing.assert_array_equal(raw[0], cut.transpose(2, 0, 1))


def test_a_half_hidden_person_is_one_and_an_empty_region_is_none():
    names = SKELETONS["COCO_17"].names
    seen = np.array([0.9 if name[1:] in ("Shoulder", "Elbow", "Wrist") else 0.0 for name in names])
    assert topdown.presence(seen, SKELETONS["COCO_17"]) == pytest.approx(0.9)
    assert topdown.presence(np.full(17, 0.1), SKELETONS["COCO_17"]) == pytest.approx(0.1)
    hand = SKELETONS["HAND_21"]
    assert topdown.presence(np.ones(21), hand) == 1.0


def test_an_estimate_keeps_what_is_known_only():
    points = np.random.default_rng(1).uniform(100, 200, (26, 2))
    score = np.linspace(-0.1, 1.2, 26)
    looked_in = Roi(150, 150, 200, 0.0)
    found = topdown.estimate_of(points, score, HALPE_26, SIZE, looked_in)
    assert (found.confidence >= 0).all()
    assert (found.confidence <= 1).all()
    assert np.isnan(found.points_px[found.confidence == 0]).all()
    assert found.next_roi == topdown.region(points[score >= 0.3], SIZE)
    lost = topdown.estimate_of(points, np.zeros(26), HALPE_26, SIZE, looked_in)
    assert (lost.presence, lost.next_roi) == (0.0, looked_in)


def test_no_region_around_hardly_anything():
    points = np.full((26, 2), np.nan)
    assert topdown.region(points, SIZE) is None
    points[:2] = [[5, 5], [9, 9]]
    assert topdown.region(points, SIZE) is None
    points[:3] = 5.0
    assert topdown.region(points, SIZE) is None
