"""What it costs to hand the pictures of four 1080p cameras at 60 Hz to another process."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from capture.ring import RingReader, RingWriter
from services.bus import Pair

U8 = NDArray[np.uint8]
Row = dict[str, float | str]
SHAPE = (1080, 1920, 3)
N_CAMERAS, RATE_HZ, N_SLOTS = 4, 60, 8
N_PICTURES = 8  # together more than the caches hold, as with real pictures
END = b"end"


class _Seen(msgspec.Struct):
    """What the other process tells at the end."""

    cpu_s: float = 0.0
    latency_ms: list[float] = []
    overwritten: int = 0


class _Case(NamedTuple):
    writer_us: float
    seen: _Seen | None
    n_frames: int


def measure(rounds: int) -> list[Row]:
    """CPU µs of a picture on both sides, and how long it was under way; the bare copy first.

    Args:
        rounds: pictures of each camera.
    """
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, SHAPE, np.uint8) for _ in range(N_PICTURES)]
    cases = {
        "bare memcpy": _bare(pictures, rounds),
        "frame ring + descriptor": _by_ring(pictures, rounds),
        "ZeroMQ ipc, zero-copy": _by_zeromq(pictures, rounds, copy=False),
        "ZeroMQ ipc, copying": _by_zeromq(pictures, rounds, copy=True),
    }
    return _rows(cases)


def _rows(cases: dict[str, _Case]) -> list[Row]:
    copy_us = cases["bare memcpy"].writer_us
    return [_row(name, case, copy_us) for name, case in cases.items()]


def _row(name: str, case: _Case, copy_us: float) -> Row:
    seen = case.seen
    reader_us = seen.cpu_s * 1e6 / case.n_frames if seen else np.nan
    p50_ms, p99_ms = np.quantile(seen.latency_ms, [0.5, 0.99]) if seen else (np.nan, np.nan)
    return {
        "case": name,
        "writer µs": case.writer_us,
        "ratio": case.writer_us / copy_us,
        "reader µs": reader_us,
        "ratio of it": reader_us / copy_us,
        "p50 ms": float(p50_ms),
        "p99 ms": float(p99_ms),
        "overwritten": float(seen.overwritten) if seen else np.nan,
    }


def _paced(pictures: Sequence[U8], rounds: int, hand_over: Callable[[int, U8], None]) -> float:
    """Hand over all cameras' pictures on a 60 Hz grid; CPU µs of a picture, pacing included."""
    begin_s, cpu_s = time.monotonic(), time.process_time()
    for number in range(rounds):
        time.sleep(max(0.0, begin_s + number / RATE_HZ - time.monotonic()))
        for camera in range(N_CAMERAS):
            hand_over(camera, pictures[(number + camera) % N_PICTURES])
    return (time.process_time() - cpu_s) * 1e6 / (rounds * N_CAMERAS)


def _bare(pictures: Sequence[U8], rounds: int) -> _Case:
    """Into shared memory of the extent of the rings."""
    with _folder() as folder:
        shape = (N_CAMERAS, N_SLOTS, *SHAPE)
        memory = np.memmap(folder / "copies", np.uint8, "w+", shape=shape)
        turns = [0] * N_CAMERAS

        def hand_over(camera: int, picture: U8) -> None:
            np.copyto(memory[camera, turns[camera] % N_SLOTS], picture)
            turns[camera] += 1

        _paced(pictures, N_SLOTS, hand_over)  # once through all pages
        return _Case(_paced(pictures, rounds, hand_over), None, rounds * N_CAMERAS)


def _by_ring(pictures: Sequence[U8], rounds: int) -> _Case:
    with _folder() as folder, ExitStack() as stack:
        rings = _rings(folder, stack)
        partner = stack.enter_context(_partner(folder, [ring.path for ring in rings]))

        def hand_over(camera: int, picture: U8) -> None:
            begun_ns = time.monotonic_ns()
            slot, lock = rings[camera].write(picture)
            partner.send(msgspec.msgpack.encode((begun_ns, camera, slot, lock)))

        return _told(pictures, rounds, hand_over, partner)


def _by_zeromq(pictures: Sequence[U8], rounds: int, *, copy: bool) -> _Case:
    with _folder() as folder, _partner(folder, []) as partner:

        def hand_over(camera: int, picture: U8) -> None:
            del camera
            partner.send(time.monotonic_ns().to_bytes(8, "little"))
            partner.send(picture.reshape(-1).data, copy=copy)

        return _told(pictures, rounds, hand_over, partner)


def _told(
    pictures: Sequence[U8], rounds: int, hand_over: Callable[[int, U8], None], partner: Pair
) -> _Case:
    """Run a case, its first pictures not counted: they touch each page for the first time."""
    _paced(pictures, N_SLOTS, hand_over)
    partner.send(b"count")
    writer_us = _paced(pictures, rounds, hand_over)
    partner.send(END)
    seen = msgspec.msgpack.decode(partner.receive(), type=_Seen)
    partner.send(b"heard")
    return _Case(writer_us, seen, rounds * N_CAMERAS)


def _rings(folder: Path, stack: ExitStack) -> list[RingWriter]:
    n_bytes = int(np.prod(SHAPE))
    return [
        stack.enter_context(RingWriter(folder / f"{camera}.ring", N_SLOTS, n_bytes))
        for camera in range(N_CAMERAS)
    ]


@contextmanager
def _folder() -> Iterator[Path]:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kinelive-bench-", dir=memory) as folder:
        yield Path(folder)


@contextmanager
def _partner(folder: Path, rings: list[Path]) -> Iterator[Pair]:
    """Start another process that takes each picture; yield our end."""
    address = f"ipc://{folder}/bench.ipc"
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_take, args=(address, rings), daemon=True)
    process.start()
    pair = Pair(address, bind=True)
    pair.receive()  # it is there
    try:
        yield pair
    finally:
        process.join(5)
        pair.close()


def _take(address: str, rings: list[Path]) -> None:
    """Take pictures until the end; what is done with their pixels is not transport."""
    pair = Pair(address, bind=False)
    pair.send(b"here")
    readers = [RingReader(path) for path in rings]
    seen = _Seen()
    while (received := pair.receive(copy=False)) != END:
        if received == b"count":
            seen = _Seen(time.process_time())
            continue
        sent_ns, whole = _taken(readers, received, pair)
        seen.latency_ms.append((time.monotonic_ns() - sent_ns) * 1e-6)
        seen.overwritten += not whole
    seen.cpu_s = time.process_time() - seen.cpu_s
    pair.send(msgspec.msgpack.encode(seen))
    pair.receive()  # before the socket goes, and with it what it has not sent
    pair.close()


def _taken(readers: list[RingReader], received: bytes | memoryview, pair: Pair) -> tuple[int, bool]:
    if not readers:
        picture = np.frombuffer(pair.receive(copy=False), np.uint8)
        return int.from_bytes(received, "little"), bool(picture[-1] >= 0)
    sent_ns, camera, slot, lock = msgspec.msgpack.decode(received)
    picture = readers[camera].picture(slot, lock, SHAPE[:2])
    seen = picture is not None and bool(picture[-1, -1, -1] >= 0)
    return sent_ns, seen and readers[camera].holds(slot, lock)
