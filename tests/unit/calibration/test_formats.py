"""Calibrations of other programs: what they say of a point must be what we see of it."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from scipy.spatial.transform import Rotation

from core import calibration
from core.calibration import formats
from core.calibration.checks import centre_m, require_metres
from core.cameras import CameraModel, Rig, project
from core.errors import CalibrationError

POINTS_M = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], (40, 3))
WRITTEN = [name for name, one in formats.FORMATS.items() if one.write]
SMALL = strategies.floats(-0.1, 0.1)
TURN = strategies.tuples(*[strategies.floats(-2.0, 2.0)] * 3)


def camera(name="cam1", turn=(1.2, 0.9, -0.7), k3=0.02, focal=1400.0) -> CameraModel:
    """A camera 4 m away that looks at the middle of the points, rolled somehow."""
    rotation = Rotation.from_rotvec(turn).as_matrix()
    return CameraModel(
        name=name,
        width_px=1920,
        height_px=1080,
        image_from_cam=np.array([[focal, 0, 955.3], [0, focal + 3, 544.1], [0, 0, 1.0]]),
        distortion=np.array([-0.05, 0.03, 0.001, -0.0007, k3]),
        cam_from_world=np.column_stack([rotation, [0, 0, 4.0] - rotation @ [0, 0, 1.0]]),
    )


def seen(model: CameraModel) -> np.ndarray:
    return project(Rig.of([model]), POINTS_M)[0]


def theirs(model: CameraModel, points_m=POINTS_M) -> np.ndarray:
    """The pixels that OpenCV gives for a camera."""
    turn = cv2.Rodrigues(model.cam_from_world[:, :3])[0]
    pixels = cv2.projectPoints(
        points_m, turn, model.cam_from_world[:, 3], model.image_from_cam, model.distortion
    )[0]
    return np.asarray(pixels)[:, 0]


@settings(deadline=None, max_examples=30)
@given(
    turn=TURN, k3=SMALL, focal=strategies.floats(300, 9000), kind=strategies.sampled_from(WRITTEN)
)
def test_what_is_written_is_read(turn, k3, focal, kind):
    cameras = [camera("a-1", turn, k3, focal), camera("b_2", turn[::-1], 0.0, focal)]
    files = formats.write(cameras, kind)
    named = {name or f"out{formats.FORMATS[kind].ending}": text for name, text in files.items()}
    back = formats.read(named, "there")
    assert list(back) == ["a-1", "b_2"]
    for one in cameras:
        np.testing.assert_allclose(seen(back[one.name]), seen(one), atol=1e-6)
        assert (back[one.name].width_px, back[one.name].height_px) == (1920, 1080)


def test_a_name_that_is_no_key_is_refused():
    for kind in ("opencv", "easymocap", "opencap"):
        with pytest.raises(CalibrationError, match="letters, digits"):
            formats.write([camera("../etc")], kind)
    again = calibration.parse("c.toml", formats.write([camera('a "b"\\')], "pose2sim")[""].decode())
    assert list(again) == ['a "b"\\']


def qualisys(left=0, top=0) -> str:
    text = formats.write([camera()], "qualisys")[""].decode()
    window = f'left="{left}" top="{top}" right="{left + 999}" bottom="{top + 799}"'
    return text.replace('left="0" top="0" right="1919" bottom="1079"', window)


def test_a_window_of_the_sensor_shifts_the_pixels():
    whole = calibration.parse("c.qca.txt", qualisys())["cam1"]
    window = calibration.parse("c.qca.txt", qualisys(300, 120))["cam1"]
    np.testing.assert_allclose(seen(window), seen(whole) - [300, 120], atol=1e-9)
    assert (window.width_px, window.height_px) == (1000, 800)


def test_qualisys_is_told_by_content_too():
    assert list(calibration.parse("export.xml", qualisys())) == ["cam1"]


def xcp(rotation: Rotation, place_m, radial="", kind="Vue Video") -> str:
    numbers = [" ".join(map(repr, map(float, v))) for v in (rotation.as_quat(), 1e3 * place_m)]
    return f"""<?xml version="1.0"?><Cameras><Camera DEVICEID="2107" TYPE="{kind}"
      SENSOR_SIZE="1920 1080" PIXEL_ASPECT_RATIO="1"><KeyFrames><KeyFrame FOCAL_LENGTH="1700"
      ORIENTATION="{numbers[0]}" POSITION="{numbers[1]}" PRINCIPAL_POINT="950 530"
      {radial}/></KeyFrames></Camera><Camera DEVICEID="1" TYPE="Vantage"/></Cameras>"""


def test_vicon_puts_distorted_pixels_right():
    """A point on the ray of a pixel that Vicon's own formula put right is seen at that pixel."""
    rotation, place_m = Rotation.from_rotvec([1.2, 0.9, -0.7]), np.array([1.0, -2.0, 1.5])
    radial = 'VICON_RADIAL2="Vicon3Parameter 955 535 3e-8 -2e-15 0"'
    model = calibration.parse("c.xcp", xcp(rotation, place_m, radial))["2107"]
    seen_px = np.random.default_rng(1).uniform([0, 0], [1919, 1079], (100, 2))
    off = seen_px - [955, 535]
    square = (off**2).sum(axis=1, keepdims=True)
    ideal_px = [955, 535] + off * (1 + 3e-8 * square - 2e-15 * square**2)
    assert np.abs(ideal_px - seen_px).max() > 10
    rays = np.column_stack([(ideal_px - [950, 530]) / 1700, np.ones(100)])
    points_m = 3 * rays @ rotation.as_matrix() + place_m
    np.testing.assert_allclose(project(Rig.of([model]), points_m)[0], seen_px, atol=0.1)
    np.testing.assert_allclose(centre_m(model.cam_from_world), place_m)


def test_vicon_cameras_that_are_no_video_or_not_calibrated():
    with pytest.raises(CalibrationError, match="no cameras in it"):
        calibration.parse("c.xcp", xcp(Rotation.identity(), np.ones(3), kind="Vantage"))
    text = xcp(Rotation.identity(), np.ones(3)).replace("FOCAL_LENGTH", "FOCAL")
    with pytest.raises(CalibrationError, match="2107: missing or bad 'FOCAL_LENGTH'"):
        calibration.parse("c.xcp", text)
    bad = xcp(Rotation.identity(), np.ones(3), 'VICON_RADIAL="-4e-7 1e-12"')
    with pytest.raises(CalibrationError, match=r"2107: .*OpenCV's model is off"):
        calibration.parse("c.xcp", bad)


def test_pose2sim_is_as_opencv_projects():
    one = camera()
    text = formats.write([one], "pose2sim")[""].decode()
    np.testing.assert_allclose(seen(calibration.parse("c.toml", text)["cam1"]), theirs(one))


def test_an_ignored_camera_is_left_out():
    text = formats.write([camera("a"), camera("b")], "pose2sim")[""].decode()
    assert list(calibration.parse("c.toml", text.replace("[cam_1]", "[cam_1]\nignore = true"))) == [
        "b"
    ]


def storage(tmp_path, name: str, nodes: dict) -> bytes:
    """A file as OpenCV itself writes it."""
    path = tmp_path / name
    out = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for key, value in nodes.items():
        if isinstance(value, list):
            out.startWriteStruct(key, cv2.FILE_NODE_SEQ)
            for one in value:
                out.write("", one)
            out.endWriteStruct()
        else:
            out.write(key, value)
    out.release()
    return path.read_bytes()


def test_opencvs_own_file(tmp_path):
    one = camera()
    nodes = {
        "image_width": 1920,
        "image_height": 1080,
        "camera_matrix": one.image_from_cam,
        "distortion_coefficients": one.distortion[:, None],
        "rvec": np.asarray(cv2.Rodrigues(one.cam_from_world[:, :3])[0]),
        "tvec": one.cam_from_world[:, 3:].copy(),
    }
    found = formats.read({"left.yml": storage(tmp_path, "left.yml", nodes)}, "there")["left"]
    np.testing.assert_allclose(seen(found), theirs(one), atol=1e-6)


def test_opencv_without_pose_says_what_is_missing(tmp_path):
    nodes = {"camera_matrix": np.eye(3), "distortion_coefficients": np.zeros((1, 5))}
    with pytest.raises(CalibrationError, match=r"left: missing or bad .*rotation_matrix or R"):
        formats.read({"left.yml": storage(tmp_path, "left.yml", nodes)}, "there")


def test_easymocaps_own_pair(tmp_path):
    one = camera()
    lenses = {"names": ["01"], "K_01": one.image_from_cam, "dist_01": one.distortion[None].copy()}
    turn = np.asarray(cv2.Rodrigues(one.cam_from_world[:, :3])[0])
    poses = {"names": ["01"], "R_01": turn, "T_01": one.cam_from_world[:, 3:].copy()}
    files = {
        "intri.yml": storage(tmp_path, "intri.yml", lenses),
        "extri.yml": storage(tmp_path, "extri.yml", poses),
    }
    found = formats.read(files, "there")["01"]
    np.testing.assert_allclose(seen(found), theirs(one), atol=1e-6)
    assert (found.width_px, found.height_px) == (1911, 1088)  # twice the principal point
    with pytest.raises(CalibrationError, match=r"belong together; found intri\.yml"):
        formats.read({"intri.yml": files["intri.yml"]}, "there")


@pytest.mark.parametrize("rows", [3, 4])
def test_biocv_is_in_mm(rows):
    one = camera()
    pose = np.vstack([one.cam_from_world, [0, 0, 0, 1]])[:rows]
    pose[:3, 3] *= 1000
    lines = ["1920", "1080", *_lines(one.image_from_cam), "", *_lines(pose), ""]
    text = "\n".join([*lines, " ".join(map(repr, one.distortion.tolist()))]) + "\n"
    found = formats.read({"03.mp4.calib": text.encode()}, "there")["03"]
    np.testing.assert_allclose(seen(found), theirs(one), atol=1e-9)
    with pytest.raises(CalibrationError, match="03: 5 numbers"):
        formats.read({"03.calib": b"1 2 3 4 5"}, "there")


def _lines(matrix) -> list[str]:
    return [" ".join(map(repr, row)) for row in matrix.tolist()]


def test_the_wrong_files_are_explained():
    with pytest.raises(CalibrationError, match=r"unknown format.*Vicon \.xcp.*bioCV"):
        formats.read({"c.docx": b""}, "there")
    with pytest.raises(CalibrationError, match=r"a\.toml, b\.toml: name the one"):
        formats.read({"a.toml": b"", "b.toml": b""}, "there")
    with pytest.raises(CalibrationError, match="pose2sim and biocv"):
        formats.read({"a.toml": b"", "b.calib": b""}, "there")
    with pytest.raises(CalibrationError, match="vicon is not written"):
        formats.write([camera()], "vicon")
    skew = camera()
    skew.image_from_cam[0, 1] = 1.0
    with pytest.raises(CalibrationError, match="skew"):
        formats.write([skew], "qualisys")


def test_millimetres_are_noticed():
    far = camera("b")
    far.cam_from_world[:, 3] += 1000
    with pytest.raises(CalibrationError, match="--unit mm"):
        require_metres({"a": camera(), "b": far}, "there")
    require_metres({"a": camera(), "b": camera("b", (0.1, 0.2, 0.3))}, "there")


@settings(deadline=None, max_examples=60)
@given(kind=strategies.sampled_from(sorted(formats.FORMATS)), content=strategies.binary())
def test_garbage_is_an_error_that_is_meant(kind, content):
    names = {"opencap": "a.pickle", "biocv": "a.calib", "vicon": "a.xcp", "opencv": "a.yml"}
    name = names.get(kind, "a.toml")
    with pytest.raises(CalibrationError):
        formats.read({name: b"%YAML K" + content if kind == "opencv" else content}, "there")
