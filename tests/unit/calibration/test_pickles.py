"""OpenCap's pickles: read as OpenCap writes them, and nothing in them is ever run."""

import contextlib
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from core.calibration import formats
from core.calibration.safe_pickle import unpickle
from core.cameras import Rig, project
from core.errors import CalibrationError

BOARD_MM = np.array([[0.0, 0, 0], [240, 0, 0], [0, 180, 0], [240, 180, 0]])
MATRIX = np.array([[1400.0, 0, 540], [0, 1400, 960], [0, 0, 1]])
SHIFT_MM = np.array([[-100.0], [50.0], [2500.0]])


def content() -> dict:
    """A camera in front of an upright board, as OpenCap keeps it."""
    return {
        "distortion": np.zeros((1, 5)),
        "intrinsicMat": MATRIX,
        "imageSize": np.array([[1920.0], [1080.0]]),
        "rotation": np.eye(3),
        "translation": SHIFT_MM,
        "rotation_EulerAngles": np.zeros((3, 1)),
    }


@pytest.mark.parametrize("protocol", range(6))
def test_the_board_is_seen_where_opencap_sees_it(protocol):
    file = {"Cam0/cameraIntrinsicsExtrinsics.pickle": pickle.dumps(content(), protocol)}
    model = formats.read(file, "there")["Cam0"]
    in_camera = BOARD_MM + SHIFT_MM.T
    expected_px = in_camera[:, :2] / in_camera[:, 2:] * 1400 + [540, 960]
    world_m = BOARD_MM @ np.array([[-1, 0, 0], [0, 0, -1], [0, -1, 0]]).T / 1000
    np.testing.assert_allclose(project(Rig.of([model]), world_m)[0], expected_px)
    assert world_m[2, 2] < world_m[0, 2]  # further down the board is lower in the world
    assert (model.width_px, model.height_px) == (1080, 1920)


def test_older_names_and_other_kinds_of_numbers():
    now = pickle.dumps(content(), 3)
    then = now.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert then != now
    np.testing.assert_array_equal(unpickle(then)["intrinsicMat"], MATRIX)  # pyright: ignore[reportIndexIssue]
    for one in (
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.float32(2.5),
    ):
        for protocol in range(6):
            np.testing.assert_array_equal(unpickle(pickle.dumps(one, protocol)), one)  # pyright: ignore[reportArgumentType]


class Runs:
    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


class Calls:
    """Asks for an array in a way that would take all memory."""

    def __reduce__(self):
        return np.ndarray, ((10**12,),)


MANY = struct.pack("<i", 10**8)
HOSTILE = {
    "a program": (pickle.dumps({"rotation": Runs()}), "exec in it"),
    "within an array": (pickle.dumps(np.array([Runs()], dtype=object)), "not"),
    "a huge array": (pickle.dumps(Calls()), "no names in it"),
    "a shape that lies": (
        pickle.dumps(np.zeros(4), 2).replace(b"K\x04\x85", b"J" + MANY + b"\x85"),
        "not read",
    ),
    "an attribute of a module": (b"cos\nsystem\n(S'true'\ntR.", "os.system in it"),
    "a dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "ndarray.dump in it"),
    "by number": (b"\x80\x02\x82\x01.", "not read"),
    "a persistent thing": (b"Pthing\n.", "not read"),
    "cut off": (pickle.dumps(content())[:-40], "not read"),
    "nothing": (b"", "not read"),
    "too large": (b" " * 2_000_000, "too large"),
    "a set": (pickle.dumps({1, 2}), "not a plain value"),
    "not a dict": (pickle.dumps([1]), "no names in it"),
    "another thing": (pickle.dumps({"a": 1}), "missing or bad 'imageSize'"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused(what):
    text, says = HOSTILE[what]
    with pytest.raises(CalibrationError, match=says):
        formats.read({"Cam0/c.pickle": text}, "there")


def test_a_pickle_within_itself_ends():
    loop: list = []
    loop.append(loop)
    with pytest.raises(CalibrationError, match="containers within containers"):
        unpickle(pickle.dumps(loop))


@settings(deadline=None)
@given(strategies.binary())
def test_any_bytes_are_read_or_refused(content):
    with contextlib.suppress(CalibrationError):
        unpickle(content)


@settings(deadline=None)
@given(strategies.integers(0, 400), strategies.binary(min_size=1, max_size=3))
def test_damaged_pickles_are_read_or_refused(where, put):
    whole = pickle.dumps(content())
    with contextlib.suppress(CalibrationError):
        unpickle(whole[:where] + put + whole[where + len(put) :])
