"""``kinelive doctor``: what this machine can do, and for each trouble what to do about it."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import tyro

from core.config import MonitorConfig, RecorderConfig
from core.errors import KineliveError
from services import inference, models, prepare
from services.monitor import bundle
from tools import doctor_rig
from tools.findings import Finding, table
from tools.terminal import print_json, progress, result

_CLOCK_KEEPERS = {
    "ptp4l": ("pmc", "-u", "-b", "0", "GET TIME_STATUS_NP"),
    "chrony (CSV of its tracking)": ("chronyc", "-c", "tracking"),
    "systemd": ("timedatectl", "show", "-p", "NTPSynchronized"),
}
_DISK_PROBE_BYTES = 64 * 2**20
_NEED_MB_S = 60.0  # four cameras of 1080p at 60 frames/s as JPEG
_LONG_SOCKET_PATH = 90


def doctor(rig: Annotated[Path | None, tyro.conf.Positional] = None, json: bool = False) -> int:
    """Check this machine: Python, GPU, weights, page, port, disk, clock; with a rig file also what
    its cameras ask of cables, disk, memory and processors. Exit code 1 if something is bad.

    Args:
        rig: a rig file (TOML); its cameras are opened for a moment.
        json: print one JSON object as the last line.
    """
    findings = [_examined(check) for check in CHECKS]
    if rig:
        progress.print(f"looking at {rig} …")
        run = prepare.read_run(rig)
        findings += doctor_rig.findings(run, _written_mb_per_s(Path.cwd()))
    worst = "bad" if any(one.verdict == "bad" for one in findings) else "good"
    if json:
        print_json({"verdict": worst, "findings": [asdict(one) for one in findings]})
    else:
        result.print(table(findings))
    return 1 if worst == "bad" else 0


def _examined(check: Callable[[], Finding]) -> Finding:
    progress.print(f"looking at {check.__name__.removeprefix('check_')} …")
    try:
        return check()
    except (KineliveError, OSError) as error:
        return Finding(check.__name__.removeprefix("check_"), "bad", str(error))


def check_python() -> Finding:
    """Python's version and the platform."""
    found = f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} CPUs"
    supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    remedy = "" if supported else "use Python 3.11, 3.12 or 3.13: `uv python pin 3.12`"
    return Finding("python", "good" if supported else "bad", found, remedy)


def check_gpu() -> Finding:
    """What ONNX Runtime really runs on, asked of a loaded network."""
    present = inference.gpu_present()
    network = models.ensure("blazepose", progress=progress.print)["pose_landmark_full.onnx"]
    provider = inference.provider_of(inference.open_session(network, inference.Runtime()))
    if provider != "CPU":
        return Finding("gpu", "good", f"ONNX Runtime runs on {provider}")
    if present:
        remedy = "install the CUDA libraries with `uv sync --extra cuda`; check `nvidia-smi`"
        return Finding("gpu", "bad", "a GPU is there, but ONNX Runtime runs on the CPU", remedy)
    remedy = "fine for a demo; four cameras at 60 frames/s want an NVIDIA GPU"
    return Finding("gpu", "notice", "no NVIDIA GPU; ONNX Runtime runs on the CPU", remedy)


def check_assets() -> Finding:
    """Footage and weights in the cache."""
    missing = [asset for group in ("demo", "blazepose") for asset in models.missing(group)]
    if not missing:
        return Finding("assets", "good", f"complete in {models.cache_folder()}")
    names = ", ".join(asset.name for asset in missing[:4])
    found = f"{len(missing)} files are not in {models.cache_folder()}: {names} …"
    return Finding("assets", "notice", found, "`kinelive fetch` gets them; so does the demo")


def check_page() -> Finding:
    """The monitor's bundle."""
    if not bundle.is_stale():
        return Finding("page", "good", "the monitor's page is built")
    bundle.build()
    return Finding("page", "good", "the monitor's page was missing or stale, and was built now")


def check_port() -> Finding:
    """Whether the monitor's port is free."""
    config = MonitorConfig()
    with socket.socket() as probe:
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            found = f"{config.host}:{config.port} is taken ({error.strerror})"
            return Finding("port", "notice", found, "the next free port is taken, or use --port")
    return Finding("port", "good", f"{config.host}:{config.port} is free")


def check_sockets() -> Finding:
    """Whether the run folder's path is short enough for sockets."""
    folder = tempfile.gettempdir()
    if len(folder) > _LONG_SOCKET_PATH and not Path("/dev/shm").is_dir():
        remedy = "set TMPDIR to a shorter path, or bus.transport = 'tcp' in the rig file"
        return Finding("sockets", "bad", f"{folder} is too long for socket names", remedy)
    return Finding("sockets", "good", "local sockets can be made")


def check_disk() -> Finding:
    """Speed and space where sessions go."""
    floor_gb = RecorderConfig().min_free_gb
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    speed_mb_s = _written_mb_per_s(Path.cwd())
    found = f"{speed_mb_s:.0f} MB/s to disk, {free_gb:.1f} GB free in {Path.cwd()}"
    if free_gb < floor_gb:
        remedy = f"make room: recording stops below {floor_gb:g} GB"
        return Finding("disk", "bad", found, remedy)
    if speed_mb_s < _NEED_MB_S:
        remedy = f"four raw cameras want {_NEED_MB_S:.0f} MB/s: record to a faster disk with --out"
        return Finding("disk", "notice", found, remedy)
    return Finding("disk", "good", found)


def _written_mb_per_s(folder: Path) -> float:
    block = os.urandom(2**20)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        begin_s = time.perf_counter()
        for _ in range(_DISK_PROBE_BYTES // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return _DISK_PROBE_BYTES / 1e6 / (time.perf_counter() - begin_s)


def check_memory() -> Finding:
    """Room for the frame rings."""
    place = Path("/dev/shm")
    if not place.is_dir():
        return Finding("memory", "notice", "no /dev/shm: frame rings lie in the temporary folder")
    free_mb = shutil.disk_usage(place).free / 1e6
    if free_mb < 512:
        remedy = "in a container: run it with --shm-size=1g"
        return Finding("memory", "notice", f"/dev/shm has {free_mb:.0f} MB free", remedy)
    return Finding("memory", "good", f"/dev/shm has {free_mb:.0f} MB free")


def check_clock() -> Finding:
    """What keeps the wall clock: with several machines and network cameras it matters."""
    for name, command in _CLOCK_KEEPERS.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
            if said.returncode == 0 and said.stdout.strip():
                return Finding("clock", "good", f"{name}: {said.stdout.strip().splitlines()[0]}")
    ptp = sorted(one.name for one in Path("/dev").glob("ptp*"))
    hardware = f"; {', '.join(ptp)} could keep PTP time" if ptp else ""
    remedy = "for network cameras (rtsp) run chrony, or ptp4l with cameras that know PTP"
    return Finding("clock", "notice", f"nothing is seen to keep the wall clock{hardware}", remedy)


CHECKS = (
    check_python,
    check_gpu,
    check_assets,
    check_page,
    check_port,
    check_sockets,
    check_disk,
    check_memory,
    check_clock,
)
