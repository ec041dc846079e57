"""What recording costs: the writer next to a bare write and fsync, and a recorder at work.

The packets are those of the demo footage, four cameras of 1080p at 60 Hz, again and again.
"""

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from capture import footage
from core import config, synthetic, wire
from core.config import RunConfig
from core.messages import SCHEMA_VERSION, Header, Keypoints2D, Message, Packet
from core.topics import key
from services import models
from services.bus import Received
from services.recorder import backlog_of, paces
from services.recorder_disk import Disk, DiskThread
from services.session_life import begin_life, describe
from services.session_places import free_bytes
from services.session_writer import SessionWriter
from tools import bench_recorder

Row = dict[str, float | str]
CAMERAS = ("cam01", "cam02", "cam03", "cam04")
FLUSH_S = 0.2
_TURNS, _TURN_S = 3, 1.5
_JPEG_BYTES, _FEW = 200_000, 800
_BATCH = 48


def parts(minutes: float) -> list[tuple[str, list[Row], str]]:
    """Name, rows and explanation of each table; the recorder works for so many minutes."""
    says = (
        "packets of four cameras and their keypoints as fast as they go, on the disk each 200 ms; "
        "ratio: to the bare loop of the same size"
    )
    at_work_says = "at 60 Hz; grown: from 3 s on; gaps: missing without being counted"
    return [
        ("cases", throughput(Path.cwd()), says),
        ("at work", at_work(Path.cwd(), minutes), at_work_says),
    ]


class Clip(NamedTuple):
    """The packets of one camera's footage."""

    payloads: list[bytes]
    keyframes: list[bool]


class Stand:
    """A folder on the disk that sessions would go to, and what is recorded in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = models.ensure("demo")
        self.clips = {name: _clip(self.files[f"{name}.mp4"]) for name in CAMERAS}

    def run(self, session: Path) -> RunConfig:
        """Settings of a run that records into a folder."""
        tree = {
            "cameras": [{"name": name} for name in CAMERAS],
            "calibration": str(self.files["Calib.qca.txt"]),
            "recorder": {"session": str(session), "min_free_gb": 0, "min_free_minutes": 0},
        }
        return config.build(tree, "bench")

    def instants(self) -> Iterator[list[tuple[str, Message]]]:
        """For ever the topic and message of all that four cameras and their pose workers say."""
        clips = [
            cycle(zip(clip.payloads, clip.keyframes, strict=True)) for clip in self.clips.values()
        ]
        for number, views in enumerate(zip(*clips, strict=False)):
            t_ns = number * 1_000_000_000 // 60
            yield [
                one
                for name, view in zip(CAMERAS, views, strict=True)
                for one in _said(name, number, t_ns, *view)
            ]


def _said(
    camera: str, number: int, t_ns: int, payload: bytes, keyframe: bool
) -> tuple[tuple[str, Message], tuple[str, Message]]:
    packet = Packet(
        t_ns=t_ns,
        camera=camera,
        frame=number,
        packet=number,
        payload=payload,
        keyframe=keyframe,
        pts=number,
        dts=number,
    )
    return ("packet", packet), ("keypoints2d", _keypoints(camera, number, t_ns))


def _clip(path: Path) -> Clip:
    found = [(bytes(one), bool(one.is_keyframe)) for one in footage.packets(path)]
    return Clip([raw for raw, _ in found], [key for _, key in found])


def _keypoints(camera: str, number: int, t_ns: int) -> Keypoints2D:
    return synthetic.keypoints(camera, number, t_ns, synthetic.standing_m()[:, :2] * 100)


def throughput(folder: Path) -> list[Row]:
    """MB/s of the writer and of the whole recorder, each next to a bare loop in turn.

    Once with the footage's packets, once with packets of the size of a 1080p JPEG, where it is the
    disk that counts.
    """
    stand = Stand(folder)
    heard = _heard(stand)
    return _compared(stand, heard, "H.264") + _compared(stand, _as_large(heard), "JPEG size")


def _as_large(heard: list[Received]) -> list[Received]:
    """The same messages with pictures of another size."""
    picture = os.urandom(_JPEG_BYTES)
    return [
        one._replace(message=changed, raw=wire.encode(changed))
        for one in heard[:_FEW]
        for changed in [
            msgspec.structs.replace(one.message, payload=picture)
            if isinstance(one.message, Packet)
            else one.message
        ]
    ]


def _compared(stand: Stand, heard: list[Received], size: str) -> list[Row]:
    cases: Mapping[str, Callable[[Stand, list[Received]], float]] = {
        "bare write and fsync": _bare,
        "session writer": _writer,
        "backlog and disk thread": _thread,
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(_TURNS):
        for name, run in cases.items():
            found[name].append(run(stand, heard))
    bare = found["bare write and fsync"]
    return [
        {
            "case": f"{name}, {size}",
            "MB/s": median(speeds) / 1e6,
            "ratio": median(one / other for one, other in zip(speeds, bare, strict=True)),
        }
        for name, speeds in found.items()
    ]


def _heard(stand: Stand) -> list[Received]:
    """Ten seconds as the bus brings them."""
    numbers: Counter[str] = Counter()
    heard: list[Received] = []
    for instant in islice(stand.instants(), 600):
        for topic, message in instant:
            name = key(topic, getattr(message, "camera", None))
            header = Header(SCHEMA_VERSION, topic, 0, numbers[name])
            heard.append(Received(name, header, message, wire.encode(message)))
            numbers[name] += 1
    return heard


def _bare(stand: Stand, heard: list[Received]) -> float:
    """The same bytes, into as many files, put on the disk as often; bytes/s."""
    begin_s = flushed_s = time.monotonic()
    with tempfile.TemporaryDirectory(dir=stand.folder) as place:
        names = {one.key.removeprefix("packet/") for one in heard if one.key[0] == "p"}
        files = {n: (Path(place) / n).open("wb", buffering=0) for n in (*names, "stream")}
        n_bytes = 0
        for one in cycle(heard):
            files.get(one.key.removeprefix("packet/"), files["stream"]).write(one.raw)
            n_bytes += len(one.raw)
            now_s = time.monotonic()
            if now_s - flushed_s > FLUSH_S:
                for file in files.values():
                    os.fsync(file.fileno())
                flushed_s = now_s
                if now_s - begin_s > _TURN_S:
                    break
        speed = n_bytes / (time.monotonic() - begin_s)
        for file in files.values():
            file.close()
    return speed


class _Clock:
    def now_ns(self) -> int:
        return time.monotonic_ns()


def _open(stand: Stand, place: str, drops: Counter[str], counts: Counter[str]) -> SessionWriter:
    run = stand.run(Path(place) / "s")
    fresh = describe(run, "bench", Path(run.calibration), 0, 0)
    manifest = begin_life(Path(place) / "s", fresh, 0)
    return SessionWriter(Path(place) / "s", manifest, free_bytes, drops, counts, returns=True)


def _writer(stand: Stand, heard: list[Received]) -> float:
    with (
        tempfile.TemporaryDirectory(dir=stand.folder) as place,
        _open(stand, place, Counter(), Counter()) as writer,
    ):
        begin_s = flushed_s = time.monotonic()
        n_bytes = 0
        for one in cycle(heard):
            now_ns = time.monotonic_ns()
            writer.write(one, now_ns)
            n_bytes += len(one.raw)
            if now_ns * 1e-9 - flushed_s > FLUSH_S:
                writer.flush(now_ns)
                flushed_s = now_ns * 1e-9
                if flushed_s - begin_s > _TURN_S:
                    break
        return n_bytes / (time.monotonic() - begin_s)


def _thread(stand: Stand, heard: list[Received]) -> float:
    """As in the recorder: what is put in faster than it is written has to wait here."""
    drops, counts = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(dir=stand.folder) as place:
        writer = _open(stand, place, drops, counts)
        backlog = backlog_of(stand.run(Path(place) / "s"))
        half_bytes = 0.5 * stand.run(Path(place)).recorder.backlog_mb * 2**20
        disk = Disk(backlog, writer, _Clock(), drops, counts)
        batches = cycle([heard[i : i + _BATCH] for i in range(0, len(heard), _BATCH)])
        begin_s = time.monotonic()
        with writer, DiskThread(disk, paces(FLUSH_S * 1e3)[1]) as thread:
            while time.monotonic() - begin_s < _TURN_S:
                while backlog.waiting_bytes > half_bytes:
                    time.sleep(0.001)
                backlog.put(next(batches), time.monotonic_ns())
            n_bytes = backlog.received_bytes - backlog.waiting_bytes
            speed = n_bytes / (time.monotonic() - begin_s)
            thread.finish(0, Counter(), 60.0)
    return speed


def at_work(folder: Path, minutes: float) -> list[Row]:
    """A recorder's process with four cameras at 60 Hz for so many minutes."""
    stand = Stand(folder)
    session = Path(tempfile.mkdtemp(prefix="kinelive-bench-", dir=folder))
    try:
        told = bench_recorder.work(stand.run(session / "s"), stand.instants(), minutes)
        return [dict(msgspec.structs.asdict(told))]
    finally:
        shutil.rmtree(session)
