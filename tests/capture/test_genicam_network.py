"""Four GigE Vision cameras, each on a machine of its own at a cable: what networks do to them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import numpy as np
import pytest

from core.camera_config import CameraConfig, GenicamConfig
from tests.capture.fake_cameras import Machine, machines, need_aravis, need_networks
from tests.capture.live_run import Player

pytestmark = [pytest.mark.slow, pytest.mark.faults]

CABLE_OUT_S = 2.0


@pytest.fixture
def cameras() -> Iterator[list[Machine]]:
    need_aravis()
    need_networks()
    with machines(4) as made:
        yield made


@pytest.fixture
def players(cameras: list[Machine]) -> Iterator[list[Player]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Player(_config(one)))) for one in cameras]


def _config(machine: Machine) -> CameraConfig:
    settings = GenicamConfig(device=machine.device, rate_hz=60.0, width_px=128, height_px=96)
    return CameraConfig(name=machine.cable, driver="genicam", reduce=1, genicam=settings)


def test_four_cameras_at_once_by_their_own_clocks(players: list[Player]):
    for one in players:
        one.wait_for(120)
        assert {frame.time.origin for frame in one.came.frames if frame.time} == {"hardware"}
        assert len(one.came.pairs) >= 120


def test_torn_frames_are_counted_by_camera_and_the_rig_goes_on(
    cameras: list[Machine], players: list[Player]
):
    for one in players:
        one.wait_for(30)
    cameras[1].lose(per_mille=20)
    enough = [len(one.came.frames) + 150 for one in players]
    for one, n_frames in zip(players, enough, strict=True):
        one.wait_for(n_frames)
    torn = [one.came.lost["network: incomplete"] for one in players]
    assert torn[1] > 5
    assert torn[1] > 5 * max(torn[0], torn[2], torn[3])


def test_a_cable_out_for_two_seconds_costs_its_frames_and_no_more(
    cameras: list[Machine], players: list[Player]
):
    pulled, others = players[2], [players[0], players[1], players[3]]
    for one in players:
        one.wait_for(30)
    n_before = [len(one.came.frames) for one in others]
    cameras[2].unplug()
    threading.Event().wait(CABLE_OUT_S)
    cameras[2].plug()
    n_gone_on = [len(one.came.frames) for one in others]
    pulled.wait_for(len(pulled.came.frames) + 60)
    assert min(np.subtract(n_gone_on, n_before)) > 30
    lost = pulled.came.lost["network: no frame"] + pulled.came.lost["network: incomplete"]
    assert lost > 0.7 * CABLE_OUT_S * 60
    assert pulled.came.lost.keys() <= {"network: no frame", "network: incomplete"}
