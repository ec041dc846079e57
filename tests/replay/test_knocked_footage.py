"""Real keypoints, of footage played again and again: nothing has moved, or one camera has."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from core import calibration, cameras, fusion, mending_state
from core.cameras import Rig, project
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import CameraPlace, Keypoints2D, Person2D, view
from tests.unit.mending_scenes import knocked
from tools import bench_seen

F64 = NDArray[np.float64]
ROOT = Path(__file__).parents[2]
RATE_HZ, EACH = 20, 3
SECONDS, KNOCK_S = 30, 15
WITHIN_S = {"refined": 5, "shipped": 8}
"""Cameras that are off by a degree from the beginning agree so badly that it takes longer."""
LEAST_PX = 25
"""Keypoints are off by half of that: a knock that shifts people by less is not seen for sure."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def footage() -> tuple[dict[str, Rig], list[list[Keypoints2D]]]:
    """The rig as shipped and as refined; for each instant what its cameras see."""
    seen = bench_seen.demo("blazepose_full")
    path = ROOT / "configs" / "calibration" / "demo.toml"
    refined = calibration.parse(path.name, path.read_text())
    rigs = {
        "shipped": seen.rig,
        "refined": cameras.select(refined, seen.rig.names, path.name),
    }
    n_cameras = len(seen.rig.names)
    instants = [
        seen.messages[i : i + n_cameras] for i in range(0, len(seen.messages), EACH * n_cameras)
    ]
    return rigs, instants


def points_m(rig: Rig, instants: list[list[Keypoints2D]]) -> list[F64]:
    """Where the fusion has the person, instant by instant."""
    state, found = FusionState(), list[F64]()
    for one in (message for instant in instants for message in instant):
        state, poses = fusion.step(state, one, rig, FusionConfig())
        found += [view(pose.persons[0], "keypoints_m") for pose in poses if pose.persons]
    return found


def moved_by(message: Keypoints2D, shift_px: F64) -> Keypoints2D:
    persons = tuple(
        Person2D(
            one.id,
            (view(one, "keypoints_px") + shift_px).astype("<f4").tobytes(),
            one.confidence,
            one.covariance_px2,
        )
        for one in message.persons
    )
    return msgspec.structs.replace(message, persons=persons)


def told(
    rig: Rig, instants: list[list[Keypoints2D]], camera: str = "", shift_px: list[F64] | None = None
) -> list[tuple[float, tuple[CameraPlace, ...]]]:
    """Play the footage round and round; ``camera`` sees it shifted from the knock on."""
    state, out = FusionState(), list[tuple[float, tuple[CameraPlace, ...]]]()
    for number in range(SECONDS * RATE_HZ):
        for one in instants[number % len(instants)]:
            message = msgspec.structs.replace(
                one, t_ns=10**18 + number * 10**9 // RATE_HZ, frame=number
            )
            if shift_px and one.camera == camera and number >= KNOCK_S * RATE_HZ:
                message = moved_by(message, shift_px[number % len(instants)])
            state, poses = fusion.step(state, message, rig, FusionConfig())
            places = mending_state.report(state.mending, rig)
            if poses and places != (out[-1][1] if out else ()):
                out.append((number / RATE_HZ, places))
    return out


@pytest.mark.parametrize("which", ["shipped", "refined"])
def test_nothing_is_touched_while_nothing_moves(footage, which):
    rigs, instants = footage
    assert told(rigs[which], instants) == []


@pytest.mark.parametrize("which", ["shipped", "refined"])
@pytest.mark.parametrize("number", range(4))
def test_a_knocked_camera_is_named_and_found_again(footage, which, number):
    rigs, instants = footage
    rig = rigs[which]
    camera = rig.names[number]
    at = points_m(rig, instants * 2)[-len(instants) :]
    shift_px, typical = next(
        (shift_px, typical)
        for seed in range(number + 1, 20)
        for real in [knocked(rig, camera, 2.0, 0.03, seed=seed)]
        for shift_px in [[(project(real, one) - project(rig, one))[number] for one in at]]
        for typical in [float(np.nanmedian(np.linalg.norm(shift_px, axis=-1)))]
        if typical >= LEAST_PX
    )
    filled = [np.where(np.isfinite(one), one, np.nanmedian(one, axis=0)) for one in shift_px]
    found = told(rig, instants, camera, filled)
    print(f"{which}, {camera} knocked so that it sees people {typical:.0f} px aside:")
    for second, places in found:
        print(
            f"  {second - KNOCK_S:.1f} s",
            [(one.says, one.before_px, one.after_px) for one in places],
        )
    assert found[0][0] - KNOCK_S < WITHIN_S[which]
    assert {one.camera for _, places in found for one in places} == {camera}
    assert found[-1][1][0].state == "new"
