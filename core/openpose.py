"""OpenPose's json, one file a frame: text to arrays and back. Touches no file."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import WireError

F64 = NDArray[np.float64]
_VERSION = 1.3


class _Person(msgspec.Struct, frozen=True):
    pose_keypoints_2d: tuple[float | None, ...] = ()


class _Frame(msgspec.Struct, frozen=True):
    people: tuple[_Person, ...]


class _NumberedPerson(msgspec.Struct, frozen=True):
    person_id: tuple[int]
    pose_keypoints_2d: list[float]


class _WrittenFrame(msgspec.Struct, frozen=True):
    version: float
    people: list[_NumberedPerson]


def parse(text: str | bytes) -> list[F64]:
    """Read the people of one frame, each (J, 3): x px, y px, likelihood 0..1.

    A keypoint that was not detected (likelihood 0, or a number that is none) is NaN, NaN, 0.
    Likelihoods above 1, as some networks give, count as 1. A person without keypoints is left out.

    Raises:
        WireError: reason ``malformed``: not such a file, or not three numbers a keypoint.
    """
    try:
        frame = msgspec.json.decode(text, type=_Frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError("malformed", f"not OpenPose json: {error}") from error
    return [_keypoints(one) for one in frame.people if one.pose_keypoints_2d]


def _keypoints(person: _Person) -> F64:
    flat = np.array(person.pose_keypoints_2d, dtype=np.float64)
    if len(flat) % 3:
        raise WireError("malformed", f"{len(flat)} numbers: not three a keypoint")
    keypoints = flat.reshape(-1, 3)
    seen = np.isfinite(keypoints).all(axis=1) & (keypoints[:, 2] > 0)
    points_px = np.where(seen[:, None], keypoints[:, :2], np.nan)
    likelihood = np.where(seen, np.minimum(keypoints[:, 2], 1.0), 0.0)
    return np.column_stack([points_px, likelihood])


def write(people: Mapping[int, F64]) -> bytes:
    """Write the people of one frame by number, each (J, 3): x px, y px, likelihood 0..1.

    A keypoint with NaN or without likelihood is written 0, 0, 0: not detected. All digits are
    kept, so that ``parse`` gives the same numbers.
    """
    numbered = [
        _NumberedPerson((number,), _flat(keypoints)) for number, keypoints in people.items()
    ]
    return msgspec.json.encode(_WrittenFrame(_VERSION, numbered))


def _flat(keypoints: F64) -> list[float]:
    seen = np.isfinite(keypoints).all(axis=1) & (keypoints[:, 2] > 0)
    return np.where(seen[:, None], keypoints, 0.0).ravel().tolist()
