"""A whole rig of GigE Vision cameras on machines of their own, through what networks do to them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import pytest

from core.messages import CameraStatus, ClockSample, Message, Packet
from services import models, prepare
from services.inventory import take_inventory
from services.session import Session, open_session
from services.supervisor import Supervisor
from tests.capture.fake_cameras import Machine, machines, need_aravis, need_networks
from tests.command import kinelive

T = TypeVar("T", bound=Message)
pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]
NAMES = ("cam01", "cam02", "cam03", "cam04")
CALIBRATION = """
[{name}]
name = "{name}"
size = [320, 240]
matrix = [[300.0, 0.0, 160.0], [0.0, 300.0, 120.0], [0.0, 0.0, 1.0]]
distortions = [0.0, 0.0, 0.0, 0.0]
rotation = [1.57, {turn}, 0.0]
translation = [0.0, 1.0, 4.0]
fisheye = false
"""
CAMERA = """
[[cameras]]
name = "{name}"
driver = "genicam"
deliver_hz = 4
genicam = {{ device = "{device}", rate_hz = 30, width_px = 320, height_px = 240 }}
"""
SETTINGS = """
calibration = "Calib.toml"
kinematics = { enabled = false }
monitor = { port = 0 }
"""


def rig_file(folder: Path, made: list[Machine]) -> Path:
    turns = [CALIBRATION.format(name=name, turn=0.3 * n) for n, name in enumerate(NAMES)]
    (folder / "Calib.toml").write_text("".join(turns))
    cameras = [
        CAMERA.format(name=name, device=one.device) for name, one in zip(NAMES, made, strict=True)
    ]
    path = folder / "rig.toml"
    path.write_text(SETTINGS + "".join(cameras))
    return path


def count(supervisor: Supervisor, camera: str, counter: str) -> int:
    said = supervisor.health.get(f"camera.{camera}")
    return (said.counts | said.drops).get(counter, 0) if said else 0


def until_more(supervisor: Supervisor, camera: str, counter: str, more: int) -> None:
    """Tick until a counter of a camera's process has gone up by so much."""
    enough = count(supervisor, camera, counter) + more
    deadline = time.monotonic() + 60
    while count(supervisor, camera, counter) < enough:
        assert time.monotonic() < deadline, f"{camera}: {counter} stays below {enough}"
        supervisor.tick()


@pytest.fixture
def made() -> Iterator[list[Machine]]:
    need_aravis()
    need_networks()
    with machines(len(NAMES)) as four:
        yield four


def live(supervisor: Supervisor, made: list[Machine]) -> None:
    """Two good seconds, a bad network at cam02, and the cable of cam03 out for two seconds."""
    supervisor.start()
    for name in NAMES:
        until_more(supervisor, name, "frames", 60)
    made[1].lose(per_mille=20)
    until_more(supervisor, "cam02", "network: incomplete", 20)
    made[2].unplug()
    threading.Event().wait(2.0)
    made[2].plug()
    for name in NAMES:
        until_more(supervisor, name, "frames", 60)


def recorded(session: Session, kind: type[T], camera: str) -> list[T]:
    """The messages of a kind that are of one camera."""
    return [
        one.message
        for one in [*session.messages(), *session.packets(camera)]
        if isinstance(one.message, kind) and one.key.endswith(f"/{camera}")
    ]


def test_a_rig_of_gige_cameras_records_and_tells_what_was_lost_and_why(
    tmp_path: Path, made: list[Machine]
):
    models.ensure("blazepose")
    run = prepare.read_run(rig_file(tmp_path, made))
    run = prepare.with_session(run, tmp_path / "session")
    with Supervisor(run) as supervisor:
        live(supervisor, made)
        restarts = {name: child.restarts for name, child in supervisor.children.items()}
    assert not any(restarts.values())
    session = open_session(tmp_path / "session")
    for camera in NAMES:
        (*_, status) = recorded(session, CameraStatus, camera)
        assert (status.driver, status.codec, status.time_origin) == ("genicam", "mjpeg", "hardware")
        packets = recorded(session, Packet, camera)
        assert len(packets) > 120
        picture = cv2.imdecode(np.frombuffer(packets[-1].payload, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (240, 320, 3)
        assert recorded(session, ClockSample, camera)
    inventory = take_inventory(session)
    assert inventory.closed
    assert inventory.drops_by_reason["network: incomplete"] >= 20
    lost = inventory.camera_facts["cam03"].losses
    # Where the process waits for the camera's answer meanwhile, the driver runs out of buffers.
    assert lost.get("network: no frame", 0) + lost.get("queue: underrun", 0) > 30
    shown = kinelive("inspect", str(tmp_path / "session"))
    assert shown.returncode == 0
    assert "network: incomplete" in shown.stdout
