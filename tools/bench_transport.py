"""What it costs to hand a 1080p picture to another process."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from capture.ring import RingReader, RingWriter
from services.bus import Pair

U8 = NDArray[np.uint8]
SHAPE = (1080, 1920, 3)
N_PICTURES = 8  # together more than the caches hold, as with real pictures
END = b"end"


def measure(rounds: int) -> dict[str, float]:
    """Median µs of each case; the bare copy first."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, SHAPE, np.uint8) for _ in range(N_PICTURES)]
    turns = [pictures[i % N_PICTURES] for i in range(rounds)]
    target = np.empty(SHAPE, np.uint8)
    return {
        "bare memcpy": _median_us(turns, lambda picture: np.copyto(target, picture)),
        "frame ring + descriptor": _by_ring(turns),
        "ZeroMQ ipc, zero-copy": _by_zeromq(turns, copy=False),
        "ZeroMQ ipc, copying": _by_zeromq(turns, copy=True),
    }


def _median_us(turns: list[U8], hand_over: Callable[[U8], None]) -> float:
    times_us = []
    for picture in turns:
        begin_ns = time.perf_counter_ns()
        hand_over(picture)
        times_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    return median(times_us)


def _by_ring(turns: list[U8]) -> float:
    with _folder() as folder:
        path = folder / "bench.ring"
        with RingWriter(path, 8, turns[0].nbytes) as ring, _partner(folder, path) as partner:

            def hand_over(picture: U8) -> None:
                slot, lock = ring.write(picture)
                partner.send(slot.to_bytes(8, "little") + lock.to_bytes(8, "little"))
                partner.receive()

            return _median_us(turns, hand_over)


def _by_zeromq(turns: list[U8], *, copy: bool) -> float:
    with _folder() as folder, _partner(folder, None) as partner:

        def hand_over(picture: U8) -> None:
            partner.send(picture.reshape(-1).data, copy=copy)
            partner.receive()

        return _median_us(turns, hand_over)


@contextmanager
def _folder() -> Iterator[Path]:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kinelive-bench-", dir=memory) as folder:
        yield Path(folder)


@contextmanager
def _partner(folder: Path, ring: Path | None) -> Iterator[Pair]:
    """Start another process that looks at each picture and answers; yield our end."""
    address = f"ipc://{folder}/bench.ipc"
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_answer, args=(address, ring), daemon=True)
    process.start()
    pair = Pair(address, bind=True)
    pair.receive()  # it is there
    try:
        yield pair
    finally:
        pair.send(END)
        process.join(5)
        pair.close()


def _answer(address: str, ring: Path | None) -> None:
    pair = Pair(address, bind=False)
    pair.send(b"here")
    reader = RingReader(ring) if ring else None
    while (received := pair.receive(copy=False)) != END:
        picture: U8 | None = np.frombuffer(received, np.uint8)
        if reader:
            slot, lock = (int.from_bytes(received[i : i + 8], "little") for i in (0, 8))
            picture = reader.picture(slot, lock, SHAPE[:2])
        if picture is not None:
            picture.reshape(-1)[::4096].sum()  # touches each page
        pair.send(b"done")
    pair.close()
