"""What a rig file asks of this machine, against what the machine has."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from capture import drivers, footage
from core import load
from core.camera_config import CameraConfig
from core.config import RunConfig
from core.errors import CameraError
from core.load import CameraLoad, Link
from core.pose.crops import Roi
from services.pose_backends import open_backend
from tools.findings import Finding, Verdict

_LINKS: dict[str, Link] = {"genicam": "GigE", "basler": "GigE", "v4l2": "USB", "rtsp": "network"}
_NET, _VIDEO = Path("/sys/class/net"), Path("/sys/class/video4linux")
_GIGABIT = 1000.0
_TIMED_S = 2.0
_PICTURE_PX = (720, 1280, 3)


def findings(run: RunConfig, disk_mb_s: float) -> Iterator[Finding]:
    """Yield one finding after the other; the cameras are opened and let go again."""
    loads: list[CameraLoad] = []
    for camera in run.cameras:
        try:
            one = _load_of(camera, run)
        except CameraError as error:
            yield Finding(f"camera {camera.name}", "bad", str(error))
            continue
        loads.append(one)
        yield Finding(f"camera {camera.name}", "good", _words(one))
    if not loads:
        return
    yield from _links(loads, run)
    asked_mb_s = sum(one.recorded_mb_s for one in loads)
    if run.recorder.enabled:
        found = f"recording about {asked_mb_s:.0f} MB/s, {asked_mb_s * 3.6:.0f} GB an hour"
        found += f"; the disk takes {disk_mb_s:.0f} MB/s"
        yield _finding("recording", found, load.disk_advice(loads, disk_mb_s))
    yield _memory(loads)
    yield _pose(loads, run)


def _finding(what: str, found: str, advice: str, otherwise: Verdict = "bad") -> Finding:
    return Finding(what, otherwise if advice else "good", found, advice)


def _load_of(camera: CameraConfig, run: RunConfig) -> CameraLoad:
    codec, size, rate_hz, per_px = _stream(camera, run)
    return CameraLoad(
        camera=camera.name,
        link=_LINKS.get(camera.driver, ""),
        width_px=size[0],
        height_px=size[1],
        rate_hz=rate_hz,
        delivered_hz=min(camera.deliver_hz or rate_hz, rate_hz),
        codec=codec,
        link_bytes_per_px=per_px,
        slots=camera.slots,
        reduce=camera.reduce,
    )


def _stream(camera: CameraConfig, run: RunConfig) -> tuple[str, tuple[int, int], float, float]:
    """Codec as recorded, size, rate, and bytes of a pixel on the link."""
    if camera.driver in drivers.DRIVERS:
        device = drivers.open_device(camera, run.trigger)
        stream = device.format.stream
        device.close()
        raw = stream.codec == "rawvideo"
        per_px = _raw_bytes(camera) if raw else load.bytes_per_px(stream.codec)
        as_raw = "mjpeg" if camera.record_raw == "jpeg" else "nothing"
        codec = as_raw if raw else stream.codec
        return codec, (stream.width_px, stream.height_px), stream.rate_hz, per_px
    container, stream = footage.open_video(Path(camera.path))
    with container:
        rate_hz = float(stream.average_rate or 30)
        size = stream.codec_context.width, stream.codec_context.height
        return stream.codec_context.name, size, rate_hz, 0.0


def _raw_bytes(camera: CameraConfig) -> float:
    """Of a pixel as it comes from the device."""
    if camera.driver == "v4l2":
        return 2.0
    asked = {"genicam": camera.genicam, "basler": camera.basler}.get(camera.driver)
    name = getattr(asked, "pixel_format", "")
    if name.startswith(("BGR", "RGB")):
        return 3.0
    return 2.0 if name.startswith("Y") else 1.0


def _words(one: CameraLoad) -> str:
    said = f"{one.width_px}x{one.height_px} at {one.rate_hz:g} Hz"
    return f"{said}, {one.link_mb_s:.1f} MB/s through its {one.link} link" if one.link else said


def _links(loads: list[CameraLoad], run: RunConfig) -> Iterator[Finding]:
    gige = [one for one in loads if one.link == "GigE"]
    if gige:
        mbit_s = max((_mbit_s(one / "speed") for one in _NET.glob("*")), default=0) or _GIGABIT
        found = (
            f"GigE cameras: {len(gige)}, together {sum(one.link_mb_s for one in gige):.0f} MB/s; "
        )
        found += f"the fastest network port takes {mbit_s / 8 * load.GIGE_USABLE:.0f}"
        yield _finding("GigE", found, load.link_advice(gige, mbit_s))
    for one in loads:
        mbit_s = _usb_mbit_s(run.camera(one.camera).v4l2.device) if one.link == "USB" else 0
        if mbit_s:
            found = f"{one.link_mb_s:.0f} MB/s through a port of {mbit_s:.0f} Mbit/s"
            yield _finding(f"USB {one.camera}", found, load.link_advice([one], mbit_s))


def _mbit_s(path: Path) -> float:
    try:
        return max(0.0, float(path.read_text()))
    except (OSError, ValueError):
        return 0.0


def _usb_mbit_s(device: str) -> float:
    """Speed of the port of a video device; 0 where it is no USB one."""
    place = (_VIDEO / Path(device).name / "device").resolve()
    return _mbit_s(place.parent / "speed")


def _memory(loads: list[CameraLoad]) -> Finding:
    asked_mb = sum(one.ring_mb for one in loads)
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path.cwd()
    free_mb = shutil.disk_usage(place).free / 1e6
    advice = "" if asked_mb < 0.8 * free_mb else "fewer slots, or reduce = 2 or more"
    return _finding("rings", f"{asked_mb:.0f} MB of {free_mb:.0f} MB in {place}", advice)


def _pose(loads: list[CameraLoad], run: RunConfig) -> Finding:
    backend = open_backend(run.pose)
    picture = np.random.default_rng(0).integers(0, 255, _PICTURE_PX, np.uint8)
    jobs = [(picture, Roi(640.0, 360.0, 600.0, 0.0))]
    rate_hz = _times_a_second(lambda: backend.estimate(jobs))
    workers = -(-len(loads) // run.pose.cameras_per_worker)
    at_once = min(workers, os.cpu_count() or 1) if backend.provider == "CPU" else 1
    asked_hz = sum(one.delivered_hz for one in loads)
    found = (
        f"{run.pose.model} on {backend.provider}: {rate_hz * at_once:.0f} pictures of one person"
    )
    found += f" a second in {workers} workers, if nothing else runs; {asked_hz:.0f} are asked"
    return _finding("pose", found, load.pose_advice(loads, rate_hz * at_once), "notice")


def _times_a_second(do: Callable[[], object]) -> float:
    do()
    begin_s, count = time.perf_counter(), 0
    while time.perf_counter() - begin_s < _TIMED_S:
        do()
        count += 1
    return count / (time.perf_counter() - begin_s)
