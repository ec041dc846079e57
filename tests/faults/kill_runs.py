"""Recorders killed at random moments, and what their sessions then hold.

``uv run python -m tests.faults.kill_runs 200`` prints the figures of so many.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import wire
from core.config import RecorderConfig
from core.messages import Health, Message
from core.topics import key
from services.session import Session, open_session
from tests.services import every_topic, recorder_process
from tests.services import session_builder as builder
from tests.services.recorder_process import RecorderProcess

FLUSH_MS = 100.0
PACKET_BYTES = 20_000
ROUND_S = 1 / 60


@dataclass(frozen=True, slots=True)
class KillRun:
    """One recorder that was killed."""

    said: int
    found: int
    safe: int
    """Messages that the recorder had told to be on the disk."""
    tail_ms: float
    """From when the first message that is missing was said to the kill; 0: none is."""
    tail_messages: int
    damage: tuple[str, ...]


@dataclass
class _Said:
    """All that was said, in order, and when."""

    raw: dict[str, list[bytes]]
    at_ns: dict[str, list[int]]


def kill_run(folder: Path, rounds: int) -> KillRun:
    """Record four cameras and all topics, kill -9 after so many rounds, read the session.

    AssertionError where a message is wrong, out of its place, or missing before the end.
    """
    calibration, packed = folder / "rig.toml", folder / "body.npz"
    calibration.write_text(builder.CALIBRATION)
    packed.write_bytes(b"no body is needed to record")
    recorder = RecorderConfig(
        session=str(folder / "session"), flush_ms=FLUSH_MS, min_free_gb=0, min_free_minutes=0
    )
    run = every_topic.run_config(recorder, str(calibration), str(packed))
    said = _Said(defaultdict(list), defaultdict(list))
    with recorder_process.start(run) as process:
        _until_it_listens(process)
        for number in range(rounds):
            due_s = time.monotonic() + ROUND_S
            _say(process, number, said)
            process.listen()
            time.sleep(max(0.0, due_s - time.monotonic()))
        process.child.send_signal(signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        process.child.wait()
        safe = process.taken
    return _judge(open_session(folder / "session"), said, safe, killed_ns)


def _until_it_listens(process: RecorderProcess) -> None:
    """Every mouth must have its reader, or its first words are said to nobody."""
    for name in (one for one in process.mouths if "gate" not in one):
        topic = next(topic for topic, who in every_topic.SAYS.items() if name.startswith(who))
        camera = name.split(".")[1] if topic == "packet" else every_topic.CAMERAS[0]
        full = key(topic, camera) if topic in ("packet", "keypoints2d") else topic
        assert process.mouths[name].wait_for_reader(full, 30_000), name


def _say(process: RecorderProcess, number: int, said: _Said) -> None:
    for who, topic, message in every_topic.instant(number, PACKET_BYTES):
        process.mouths[who].send(topic, message)
        name = _name(topic, message)
        said.raw[name].append(wire.encode(message))
        said.at_ns[name].append(time.monotonic_ns())


def _name(topic: str, message: Message) -> str:
    return key(topic, getattr(message, "camera", None))


def _judge(session: Session, said: _Said, safe: int, killed_ns: int) -> KillRun:
    found: dict[str, list[bytes]] = defaultdict(list)
    n_own = 0
    for stored in builder.read_all(session):
        if stored.header.source == "recorder" or not stored.header.source:
            assert isinstance(stored.message, Health)
            n_own += 1
            continue
        found[stored.key].append(stored.raw)
    tail_ns, tail_messages = 0, 0
    for name, raw in said.raw.items():
        n = len(found[name])
        assert found[name] == raw[:n], f"{name}: not what was said"
        tail_messages += len(raw) - n
        if n < len(raw):
            tail_ns = max(tail_ns, killed_ns - said.at_ns[name][n])
    n_found = sum(map(len, found.values())) + n_own
    return KillRun(
        said=sum(map(len, said.raw.values())),
        found=n_found,
        safe=safe,
        tail_ms=tail_ns * 1e-6,
        tail_messages=tail_messages,
        damage=tuple(one.kind for one in session.damage),
    )


def random_rounds(n: int, seed: int) -> list[int]:
    """Moments to kill at, in rounds: from at once to a second and a half."""
    return [int(one) for one in np.random.default_rng(seed).integers(1, 90, n)]


def main(n: int) -> None:
    """Print what so many runs gave."""
    results: list[KillRun] = []
    for rounds in random_rounds(n, seed=n):
        folder = Path(tempfile.mkdtemp(prefix="kl-kill-"))
        try:
            results.append(kill_run(folder, rounds))
        finally:
            shutil.rmtree(folder)
    tails_ms = np.array([one.tail_ms for one in results])
    print(f"{len(results)} of {n} sessions of killed recorders open; no wrong or missing message")
    print(f"said {sum(r.said for r in results)}, found {sum(r.found for r in results)}")
    print(f"fewer than were told to be safe: {sum(r.found < r.safe for r in results)}")
    print(
        f"lost tail, flush interval {FLUSH_MS:g} ms: median {np.median(tails_ms):.0f}, p95 "
        f"{np.quantile(tails_ms, 0.95):.0f}, most {tails_ms.max():.0f} ms; "
        f"{np.mean(tails_ms <= FLUSH_MS + 1e3 * ROUND_S):.1%} within it and one message"
    )
    damage = {kind for one in results for kind in one.damage}
    print(f"damage found: {', '.join(sorted(damage)) or 'none'} (cut: an open end, ordinary)")


if __name__ == "__main__":
    main(int(sys.argv[1]))
