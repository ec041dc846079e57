import cv2
import numpy as np
import pytest
from hypothesis import given, strategies

from core import calibration, synthetic
from core.cameras import Rig, project, select, undistort
from core.errors import CalibrationError
from services import models

RIG = synthetic.ring(4)
COORDINATE = strategies.floats(-0.8, 0.8)


def test_projection_is_opencvs():
    points = np.random.default_rng(0).uniform([-0.8, -0.8, 0.2], [0.8, 0.8, 1.8], (50, 3))
    ours = project(RIG, points)
    for i in range(4):
        rotation = cv2.Rodrigues(RIG.cam_from_world[i, :, :3])[0]
        theirs = cv2.projectPoints(
            points, rotation, RIG.cam_from_world[i, :, 3], RIG.image_from_cam[i], RIG.distortion[i]
        )[0][:, 0]
        np.testing.assert_allclose(ours[i], theirs, atol=1e-9)


@given(COORDINATE, COORDINATE, COORDINATE)
def test_undistort_undoes_the_lens(x, y, z):
    point = np.array([[x, y, z + 1.0]])
    ideal = undistort(RIG.image_from_cam, RIG.distortion, project(RIG, point))
    without_lens = Rig(
        RIG.names, RIG.image_from_cam, np.zeros((4, 5)), RIG.cam_from_world, RIG.image_from_world
    )
    np.testing.assert_allclose(ideal, project(without_lens, point), atol=1e-8)


def test_one_camera_or_many_frames_may_be_asked_for():
    pixels = np.random.default_rng(0).uniform(100, 1000, (3, 4, 26, 2))
    ours = undistort(RIG.image_from_cam, RIG.distortion, pixels)
    assert ours.shape == pixels.shape
    one = undistort(RIG.image_from_cam[2], RIG.distortion[2], pixels[1, 2])
    np.testing.assert_array_equal(ours[1, 2], one)
    walk_px = project(RIG, synthetic.walk_m(5))
    assert walk_px.shape == (4, 5, 26, 2)
    np.testing.assert_array_equal(walk_px[:, 3], project(RIG, synthetic.walk_m(5)[3]))


def test_missing_points_stay_missing():
    points = np.array([[[np.nan, np.nan], [900.0, 500.0]]] * 4)
    ideal = undistort(RIG.image_from_cam, RIG.distortion, points)
    assert np.isnan(ideal[:, 0]).all()
    assert np.isfinite(ideal[:, 1]).all()


def test_points_behind_a_camera_are_not_seen():
    behind = -10 * RIG.cam_from_world[0, 2, :3][None]
    centre = -RIG.cam_from_world[0, :, :3].T @ RIG.cam_from_world[0, :, 3]
    assert np.isnan(project(RIG, behind + centre)[0]).all()


def test_a_camera_without_calibration_is_named():
    with pytest.raises(CalibrationError, match="no calibration for cam9; it has cam01"):
        select({"cam01": None}, ["cam01", "cam9"], "c.toml")  # pyright: ignore[reportArgumentType]


TOML = """
[cam1]
name = "cam1"
size = [1088, 1920]
matrix = [[1681.2, 0.0, 533.0], [0.0, 1681.1, 948.1], [0.0, 0.0, 1.0]]
distortions = [-0.046, 0.14, 0.0006, 0.0007]
rotation = [1.1, -0.4, 0.2]
translation = [0.1, 0.5, 3.0]
fisheye = false
[metadata]
adjusted = false
"""


def test_pose2sim_toml():
    model = calibration.parse("Calib.toml", TOML)["cam1"]
    np.testing.assert_allclose(model.distortion, [-0.046, 0.14, 0.0006, 0.0007, 0])
    np.testing.assert_allclose(
        cv2.Rodrigues(model.cam_from_world[:, :3])[0][:, 0], [1.1, -0.4, 0.2]
    )
    assert (model.width_px, model.height_px) == (1088, 1920)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("fisheye = false", "fisheye = true"), "fisheye"),
        (("matrix", "matrx"), "missing or bad 'matrix'"),
        (("1681.2", "-1681.2"), "focal length is not positive"),
        (("0.1, 0.5, 3.0", "0.1, 0.5"), "cam1: missing or bad"),
        (("0.1, 0.5, 3.0", "0.1, nan, 3.0"), "not finite"),
        (("1088, 1920", "0, 1920"), "picture size"),
        (("[cam1]", "[cam1"), "not TOML"),
    ],
)
def test_broken_toml_is_explained(change, says):
    with pytest.raises(CalibrationError, match=says):
        calibration.parse("Calib.toml", TOML.replace(*change))


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(CalibrationError, match=r"these are read: .*\.toml; .*\.qca\.txt"):
        calibration.parse("calib.docx", "")


def qualisys_text() -> str:
    return models.ensure("demo")["Calib.qca.txt"].read_text()


def test_qualisys_of_the_demo():
    """Distances between cameras as measured, lenses not divided, the person's room in view."""
    found = calibration.parse("Calib.qca.txt", qualisys_text())
    assert list(found) == ["cam01", "cam02", "cam03", "cam04"]
    one = found["cam01"]
    np.testing.assert_allclose(one.distortion, [-0.046183, 0.139983, 0.000608, 0.00069, 0])
    np.testing.assert_allclose(one.image_from_cam[0, 0], 107599.671875 / 64)
    assert (one.width_px, one.height_px) == (1088, 1920)
    centre_m = -one.cam_from_world[:, :3].T @ one.cam_from_world[:, 3]
    np.testing.assert_allclose(centre_m, [1.46023237, -1.90915905, 1.89650585], atol=1e-8)
    rig = Rig.of(list(found.values()))
    assert np.isfinite(project(rig, np.array([[-1.0, 0.0, 1.0]]))).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("<calibration", "<calibratio"), "not XML"),
        (('r11="0.55', 'r11="9.55'), "cam01: its rotation matrix is no rotation"),
        (("focalLengthU", "focalLenU"), "cam01: missing or bad 'focalLengthU'"),
        (("<transform", "<transfrm"), "cam01: missing or bad 'element <transform>'"),
        (('x="1460.2323709212087"', 'x="far"'), "cam01: missing or bad could not convert"),
        (('model="none"', 'model="Miqus"'), "no cameras in it"),
    ],
)
def test_broken_qualisys_is_explained(change, says):
    with pytest.raises(CalibrationError, match=says):
        calibration.parse("c.qca.txt", qualisys_text().replace(*change))
