"""Two hosts on one machine: network namespaces with a cable between, each with its own clock."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.command import ROOT
from tests.conftest import need

HUB, FAR = "10.77.31.1", "10.77.31.2"
APART_S = 500
"""By exactly this the far host's monotonic clock is ahead of the hub's, if not said otherwise."""


class TwoHosts:
    """The hub, and a host at the other end of a cable."""

    def __init__(self) -> None:
        self._spaces = tuple(f"kl{side}{os.getpid()}" for side in ("hub", "far"))
        self._ends = tuple(f"kl{side}{os.getpid() % 100_000}" for side in "hf")

    def __enter__(self) -> "TwoHosts":
        for space in self._spaces:
            _ip("netns", "add", space)
        hub_end, far_end = self._ends
        _ip("link", "add", hub_end, "type", "veth", "peer", "name", far_end)
        for space, end, address in zip(self._spaces, self._ends, (HUB, FAR), strict=True):
            _ip("link", "set", end, "netns", space)
            _ip("-n", space, "address", "add", f"{address}/24", "dev", end)
            _ip("-n", space, "link", "set", end, "up")
            _ip("-n", space, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for space in self._spaces:  # the cable goes with them
            _ip("netns", "delete", space)

    def cable(self, *, plugged: bool) -> None:
        """Pull the cable at the far host, or plug it in."""
        _ip("-n", self._spaces[1], "link", "set", self._ends[1], "up" if plugged else "down")

    @contextmanager
    def on_hub(self, *command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Python module on the hub."""
        inside = ["ip", "netns", "exec", self._spaces[0], sys.executable, "-m", *command]
        with _running(inside, log, os.environ) as process:
            yield process

    @contextmanager
    def on_far(
        self, *command: str, log: Path, more_path: Path | None = None, apart_s: int = APART_S
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Python module on the other host, with its own monotonic clock."""
        clock = ["unshare", "-T", "--monotonic", str(apart_s), "--boottime", str(apart_s)]
        inside = ["ip", "netns", "exec", self._spaces[1], *clock, sys.executable, "-m", *command]
        path = {"PYTHONPATH": str(more_path)} if more_path else {}
        with _running(inside, log, {**os.environ, **path}) as process:
            yield process


def need_two_hosts() -> None:
    """Skip where there can be none; in CI that is a failure."""
    need(sys.platform == "linux" and os.geteuid() == 0, "root on Linux, for network namespaces")
    need(shutil.which("ip") and shutil.which("unshare"), "ip (iproute2) and unshare (util-linux)")
    name = f"kltry{os.getpid()}"
    need(_runs("ip", "netns", "add", name), "leave to make network namespaces")
    _ip("netns", "delete", name)
    need(_runs("unshare", "-T", "--monotonic", "1", "true"), "time namespaces")


def _runs(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def _running(
    command: list[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("ab") as file,
        subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=file, env=dict(environment)
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
