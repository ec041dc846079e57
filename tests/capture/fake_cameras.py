"""Fake GigE Vision cameras, real processes that speak the protocol, and machines to put them on."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from capture import gi_bridge
from core.errors import CameraError
from services.file_lock import file_lock
from tests.conftest import need

FAKE = "arv-fake-gv-camera-0.8"
_CONTROL_PORT = f":{3956:04X} "
_LOOPBACK = Path(tempfile.gettempdir()) / "kinelive-fake-camera.lock"
_NUMBERS = count()


def need_aravis() -> None:
    """Skip where Aravis is not installed; in CI that is a failure."""
    need(shutil.which(FAKE), f"{FAKE} (apt-get install aravis-tools)")
    try:
        gi_bridge.load()
    except CameraError as error:
        need(None, str(error))


def need_networks() -> None:
    """Skip where networks of our own cannot be made; in CI the tools for it must be there."""
    need(shutil.which("ip"), "ip (apt-get install iproute2)")
    need(shutil.which("nft"), "nft (apt-get install nftables)")
    made = subprocess.run(["ip", "netns", "add", _name("try")], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"needs to be allowed network namespaces: {made.stderr.decode().strip()}")
    _do("ip", "netns", "del", _name("try"))


@contextmanager
def fake_camera(*options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The one camera on this host's loopback; yields the name of the device and the process.

    The protocol's port is fixed, so that test runs on one host take turns.
    """
    with file_lock(_LOOPBACK, lambda: None), _camera("127.0.0.1", options) as camera:
        yield camera


@contextmanager
def _camera(
    interface: str, options: tuple[str, ...] = (), within: tuple[str, ...] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    serial = f"T{os.getpid()}N{next(_NUMBERS)}"
    process = subprocess.Popen([*within, FAKE, "-i", interface, "-s", serial, *options])
    try:
        _wait_until_it_listens(process)
        yield f"Aravis-Fake-{serial}", process
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes]) -> None:
    sockets = Path(f"/proc/{process.pid}/net/udp")  # of the network the camera is in
    deadline = time.monotonic() + 20
    while _CONTROL_PORT not in sockets.read_text():
        assert process.poll() is None, "the fake camera ended"
        assert time.monotonic() < deadline, "the fake camera does not listen"
        threading.Event().wait(0.01)


@dataclass(frozen=True)
class Machine:
    """A camera on a machine of its own, at the end of a cable."""

    device: str
    process: subprocess.Popen[bytes]
    namespace: str
    cable: str
    """The host's end."""

    def lose(self, per_mille: int) -> None:
        """Let the network lose that share of the picture's packets, none of the control's."""
        rules = (
            "table inet loss { chain out { type filter hook output priority 0; "
            "meta l4proto udp udp sport != 3956 "
            f"numgen random mod 1000 < {per_mille} counter drop; }}; }}"
        )
        _do("ip", "netns", "exec", self.namespace, "nft", "-f", "-", given=rules)

    def unplug(self) -> None:
        """Pull the cable."""
        _do("ip", "link", "set", self.cable, "down")

    def plug(self) -> None:
        """Put the cable back."""
        _do("ip", "link", "set", self.cable, "up")


@contextmanager
def machines(n_machines: int) -> Iterator[list[Machine]]:
    """Cameras on machines of their own, each at a cable to this host."""
    with ExitStack() as stack:
        yield [stack.enter_context(_machine(next(_NUMBERS))) for _ in range(n_machines)]


@contextmanager
def _machine(number: int) -> Iterator[Machine]:
    namespace, cable = _name(f"n{number}"), _name(f"c{number}")
    network = f"10.{200 + os.getpid() % 50}.{number}"
    inside = ("ip", "netns", "exec", namespace)
    _do("ip", "netns", "add", namespace)
    try:
        _do("ip", "link", "add", cable, "type", "veth", "peer", "eth0", "netns", namespace)
        _do("ip", "addr", "add", f"{network}.1/24", "brd", "+", "dev", cable)
        _do("ip", "link", "set", cable, "up")
        _do(*inside, "ip", "link", "set", "lo", "up")
        _do(*inside, "ip", "addr", "add", f"{network}.2/24", "brd", "+", "dev", "eth0")
        _do(*inside, "ip", "link", "set", "eth0", "up")
        with _camera("eth0", within=inside) as (device, process):
            yield Machine(device, process, namespace, cable)
    finally:
        subprocess.run(["ip", "link", "del", cable], capture_output=True, check=False)
        _do("ip", "netns", "del", namespace)


def _name(part: str) -> str:
    return f"kl{os.getpid()}{part}"  # names of interfaces have 15 characters at most


def _do(*command: str, given: str = "") -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, input=given)
