"""Decoding against hand-made network outputs."""

import numpy as np
import pytest

from core.pose import blazepose, crops
from core.pose.crops import Roi
from core.skeletons import HALPE_26

SQUARE = crops.Size(256, 256)
IDENTITY = crops.roi_affine(Roi(128, 128, 256, 0.0), SQUARE)


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def outputs(people: list[tuple[int, float, tuple[float, float]]]):
    """Detector outputs with people of 60x100 px: anchor, score, centre."""
    boxes = np.zeros((2254, 12), np.float32)
    logits = np.full((2254, 1), -20.0, np.float32)
    for anchor, score, centre in people:
        relative = np.array(centre) - blazepose.ANCHORS[anchor] * 224
        boxes[anchor] = [*relative, 60, 100, *np.tile(relative, 4)]
        boxes[anchor, 6:8] += [0, -40]
        logits[anchor] = logit(score)
    return boxes, logits


def test_there_are_2254_anchors_in_the_picture():
    assert blazepose.ANCHORS.shape == (2254, 2)
    assert (blazepose.ANCHORS > 0).all()
    assert (blazepose.ANCHORS < 1).all()


def test_two_people_are_two_and_the_surer_comes_first():
    to_picture = crops.letterbox_affine(448, 224, 224)
    found = blazepose.detections(
        *outputs([(500, 0.7, (60, 112)), (900, 0.9, (150, 112))]), to_picture, 0.5
    )
    assert [round(one.score, 2) for one in found] == [0.9, 0.7]
    np.testing.assert_allclose(found[0].keypoints_px[0], [300, 112], atol=1e-3)
    np.testing.assert_allclose(found[0].box_px, [[240, 12], [360, 212]], atol=1e-3)


def test_overlapping_boxes_are_averaged_by_their_scores():
    boxes, logits = outputs([(500, 0.6, (100, 112)), (501, 0.9, (110, 112))])
    found = blazepose.detections(boxes, logits, crops.letterbox_affine(224, 224, 224), 0.5)
    assert len(found) == 1
    np.testing.assert_allclose(
        found[0].keypoints_px[0, 0], (0.6 * 100 + 0.9 * 110) / 1.5, atol=1e-3
    )


def test_weak_detections_are_left_out():
    boxes, logits = outputs([(500, 0.4, (100, 112))])
    assert not blazepose.detections(boxes, logits, IDENTITY, 0.5)


def test_the_region_stands_up_with_the_person():
    upright = blazepose.roi_of(np.array([100.0, 200.0]), np.array([100.0, 100.0]))
    assert upright == Roi(100.0, 200.0, 250.0, 0.0)
    lying = blazepose.roi_of(np.array([100.0, 200.0]), np.array([200.0, 200.0]))
    assert lying.angle_rad == pytest.approx(np.pi / 2)


def heatmap_with_peak(landmark: int, column: int, row: int) -> np.ndarray:
    heatmap = np.full((64, 64, 39), -20.0, np.float32)
    heatmap[row, column, landmark] = 20.0
    return heatmap


def test_landmarks_move_to_the_peak_of_their_heatmap():
    points = np.full((39, 2), 100.0)
    refined = blazepose.refine(points, heatmap_with_peak(5, 26, 24))
    np.testing.assert_allclose(refined[5], [104.0, 96.0], atol=1e-5)
    np.testing.assert_array_equal(np.delete(refined, 5, axis=0), np.delete(points, 5, axis=0))


@pytest.mark.parametrize("place", [(-40.0, 100.0), (100.0, 300.0), (0.0, 0.0), (255.9, 255.9)])
def test_landmarks_at_and_beyond_the_edge_do_no_harm(place):
    points = np.tile(place, (39, 1))
    refined = blazepose.refine(points, np.zeros((64, 64, 39), np.float32))
    assert np.isfinite(refined).all()


def test_a_peak_too_far_away_is_not_taken():
    points = np.full((39, 2), 100.0)
    assert (blazepose.refine(points, heatmap_with_peak(5, 60, 60))[5] == 100).all()


def test_refinement_is_the_plain_loop():
    rng = np.random.default_rng(0)
    points, heatmap = rng.random((39, 2)) * 256, rng.normal(0, 4, (64, 64, 39)).astype("f4")
    np.testing.assert_allclose(
        blazepose.refine(points, heatmap), refine_by_loop(points, heatmap), atol=1e-4
    )


def refine_by_loop(points, heatmap):
    out = points.copy()
    for j, (x, y) in enumerate(points):
        column, row = int(x / 4), int(y / 4)
        cells = [
            (c, r, 1 / (1 + np.exp(-float(heatmap[r, c, j]))))
            for c in range(max(0, column - 3), min(64, column + 4))
            for r in range(max(0, row - 3), min(64, row + 4))
        ]
        total = sum(weight for *_, weight in cells)
        if max(weight for *_, weight in cells) >= 0.5:
            out[j, 0] = sum(c * weight for c, _, weight in cells) / total * 4
            out[j, 1] = sum(r * weight for _, r, weight in cells) / total * 4
    return out


def test_the_spread_of_a_heatmap_turns_and_grows_with_the_crop():
    """A heat map twice as long as wide; the crop turned by a right angle and doubled."""
    y, x = np.mgrid[:64, :64]
    probability = np.exp(-((x - 30) ** 2) / (2 * 1.2**2) - (y - 30) ** 2 / (2 * 0.6**2))
    heatmap = np.repeat(np.log(probability + 1e-12)[..., None], 39, axis=2).astype("f4")
    points = np.zeros((39, 5), np.float32)
    points[:, :2] = 120.0
    for angle, scale in ((0.0, 1.0), (np.pi / 2, 2.0)):
        affine = crops.roi_affine(Roi(128, 128, 256 * scale, angle), SQUARE)
        xx, yy, xy = blazepose.landmarks(points.reshape(-1), 1.0, heatmap, affine).spread_px2[7]
        long, short = (xx, yy) if angle == 0 else (yy, xx)
        assert 3 * short < long < 5 * short
        assert xy == pytest.approx(0.0, abs=1e-6 * long)
        assert long == pytest.approx((4 * 1.2 * scale) ** 2, rel=0.25)


def test_a_landmark_outside_its_heatmap_has_no_spread():
    points = np.full((39, 5), -60.0, np.float32)
    found = blazepose.landmarks(
        points.reshape(-1), 1.0, np.zeros((64, 64, 39), np.float32), IDENTITY
    )
    assert np.isnan(found.spread_px2).all()


def test_derived_keypoints_have_the_covariance_of_their_parents():
    one = np.tile([4.0, 9.0, 1.0], (39, 1))
    out = blazepose.covariance_halpe26(one)
    index = HALPE_26.index
    np.testing.assert_array_equal(out[index("LKnee")], one[25])
    np.testing.assert_allclose(out[index("Hip")], one[23] / 2)
    assert out[index("Head"), 0] > out[index("LEar"), 0]
    assert np.isnan(out[index("LSmallToe")]).all()


def some_landmarks():
    points = np.random.default_rng(1).random((39, 2)) * 100
    return blazepose.Landmarks(1.0, points, np.linspace(0.5, 0.99, 39), np.ones((39, 3)))


def test_halpe26_has_what_blazepose_has_and_says_what_it_lacks():
    found = some_landmarks()
    points, confidence = blazepose.to_halpe26(found)
    index = HALPE_26.index
    np.testing.assert_array_equal(points[index("LKnee")], found.points_px[25])
    np.testing.assert_array_equal(points[index("RBigToe")], found.points_px[32])
    np.testing.assert_allclose(points[index("Hip")], found.points_px[[23, 24]].mean(axis=0))
    for name in ("LSmallToe", "RSmallToe"):
        assert np.isnan(points[index(name)]).all()
        assert confidence[index(name)] == 0
    derived = {n for j, n in enumerate(HALPE_26.names) if blazepose.DERIVED_BITS >> j & 1}
    assert derived == {"Head", "Neck", "Hip"}


def test_left_stays_left():
    found = some_landmarks()
    points, _ = blazepose.to_halpe26(found)
    left = [HALPE_26.index(f"L{name}") for name in ("Shoulder", "Elbow", "Wrist", "Hip")]
    np.testing.assert_array_equal(points[left], found.points_px[[11, 13, 15, 23]])


def test_a_crop_holds_what_its_region_covers():
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[100:140, 200:240] = 255
    cut = crops.crop(picture, crops.roi_affine(Roi(220, 120, 80, 0.0), SQUARE), SQUARE)
    assert cut[128, 128].tolist() == [255, 255, 255]
    assert cut[10, 10].tolist() == [0, 0, 0]
    bright = (cut[:, :, 0] > 127).sum() / 256**2
    assert bright == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("side_px", [50.0, 200.0, 900.0, 4000.0])
def test_points_go_through_a_crop_and_back(side_px):
    """A bright spot lies in the crop where the affine says."""
    picture = np.zeros((960, 540, 3), np.uint8)
    radius = max(2, round(side_px / 60))
    y, x = np.mgrid[:960, :540]
    spot = np.array([270.5, 480.5])  # continuous: the middle of pixel (270, 480)
    picture[(x - 270) ** 2 + (y - 480) ** 2 <= radius**2] = 255
    affine = crops.roi_affine(Roi(280.0, 470.0, side_px, 0.3), SQUARE)
    cut = crops.crop(picture, affine, SQUARE)[:, :, 0].astype(float)
    rows, columns = np.mgrid[:256, :256] + 0.5
    centre = np.array([(cut * columns).sum(), (cut * rows).sum()]) / cut.sum()
    np.testing.assert_allclose(affine(centre), spot, atol=0.02 * side_px / 256 * 10)


@pytest.mark.parametrize(
    "roi",
    [
        Roi(210.3, 190.7, 301.4, 0.0),
        Roi(20.1, 400.0, 222.2, 0.0),  # over the left and the lower edge
        Roi(460.0, 30.0, 130.0, 0.0),  # over the right and the upper one
    ],
)
def test_upright_regions_are_cut_at_whole_pixels_and_their_map_tells(roi: Roi):
    size = crops.Size(192, 256)
    y, x = np.mgrid[:480, :480]
    picture = np.stack([x / 2, y / 2, np.full_like(x, 7.0)], -1).astype(np.uint8)
    affine = crops.region_affine(roi, size)
    cut = crops.crop(picture, affine, size)
    warped = crops.crop(picture, crops.Affine(affine.matrix, affine.offset_px + 1e-4), size)
    assert cut.shape == warped.shape == (256, 192, 3)
    whole = crops.roi_affine(roi, size)
    corners = np.array([[0.0, 0.0], size])
    assert np.abs(affine(corners) - whole(corners)).max() <= 0.5
    inside = ((affine(np.indices((256, 192), np.float64)[::-1].T + 0.5) // 1) % 480 > 8).all(-1).T
    where = inside & (warped[:, :, 2] == 7) & (cut[:, :, 2] == 7)
    off = np.abs(cut.astype(int) - warped)[where]
    assert where.mean() > 0.3
    assert np.mean(off) < 0.6


def test_a_region_outside_the_picture_is_black():
    size = crops.Size(192, 256)
    picture = np.full((100, 100, 3), 200, np.uint8)
    affine = crops.region_affine(Roi(-500.0, 50.0, 100.0, 0.0), size)
    assert not crops.crop(picture, affine, size).any()
