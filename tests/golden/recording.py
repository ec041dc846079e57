"""Records the golden session, and records it again from what its cameras and networks said.

Both go the same way: what was said, the fusion behind the keypoints, the recorder's writer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from core import fusion
from core.cameras import Rig
from core.config import FusionConfig
from core.messages import Checkpoint, Keypoints2D
from services.bus import Received
from services.session import Session, Stored
from services.session_format import Manifest
from services.session_life import begin_life
from services.session_writer import SessionWriter
from tests.services.session_builder import LIFE_NS, PLENTY_BYTES, Speaker

Heard = tuple[int, Received]
"""When the recorder has it, rig clock, and what."""
COMPUTED = ("pose3d", "checkpoint")


def with_fusion(said: Iterable[Heard], rig: Rig, config: FusionConfig) -> Iterator[Heard]:
    """What was said, and behind each keypoint message what the fusion makes of it."""
    speaker, state = Speaker("fusion"), fusion.FusionState()
    for now_ns, received in said:
        yield now_ns, received
        if not isinstance(received.message, Keypoints2D):
            continue
        state, poses = fusion.step(state, received.message, rig, config)
        for pose in poses:
            yield now_ns, speaker.say("pose3d", pose)
        if poses and poses[-1].instant % config.checkpoint_instants == 0:
            last = poses[-1]
            frozen = Checkpoint(t_ns=last.t_ns, instant=last.instant, state=fusion.freeze(state))
            yield now_ns, speaker.say("checkpoint", frozen)


def said_in(session: Session) -> list[Heard]:
    """All of a session that the fusion has not computed, in the order of reception."""
    packets = (one for name in session.manifest.cameras for one in session.packets(name))
    stored = [one for one in (*session.messages(), *packets) if one.key not in COMPUTED]
    return [(one.log_time_ns, _received(one)) for one in sorted(stored, key=_reception)]


def _reception(stored: Stored) -> int:
    return stored.log_time_ns


def _received(stored: Stored) -> Received:
    return Received(stored.key, stored.header, stored.message, stored.raw)


def record(folder: Path, fresh: Manifest, heard: Iterable[Heard]) -> None:
    """Write a session that is ended properly; what comes at one time is safe at once."""
    manifest = begin_life(folder, fresh, LIFE_NS)
    last_ns = fresh.started_wall_ns
    with SessionWriter(
        folder, manifest, lambda _: PLENTY_BYTES, Counter[str](), Counter[str]()
    ) as writer:
        for now_ns, several in groupby(heard, key=lambda one: one[0]):
            for _, received in several:
                writer.write(received, now_ns)
            writer.flush(now_ns)
            last_ns = now_ns
        writer.close(last_ns + 1, 0, {})
