"""Make the golden session anew: ``uv run python -m tests.golden.make``. By hand, never by a test.

To be run when the fusion, a message or the format of a session is *meant* to say something else
than before. Then

1. read in the failure of ``tests/replay/test_golden.py`` which field changed first, and be sure
   that this was meant;
2. run this, and look with ``git diff --stat`` at what changed: made twice of the same sources on
   the same kind of processor, the folder is the same to the last bit;
3. commit it with the change that made it necessary, and say there what changed in the numbers.

The files hold nothing of the machine that made them but its kind, the versions of the packages and
how it rounds (``numerics.py``).
"""

import hashlib
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core.cameras import Rig
from core.config import CameraConfig, RecorderConfig, RunConfig
from core.messages import Event
from services import synthetic_footage
from services.session import open_session
from services.session_format import Manifest
from services.session_life import describe
from tests.golden import facts, recording, scene
from tests.golden.recording import Heard
from tests.services.session_builder import START_NS, Speaker

MOST_BYTES, MOST_BYTES_A_FILE = 600_000, 300_000
_RUN = RunConfig(
    cameras=tuple(CameraConfig(name=model.name) for model in scene.MODELS),
    calibration="calibration.toml",
    fusion=scene.FUSION,
    recorder=RecorderConfig(session="session", segment_mb=0.25),
)


def main() -> None:
    """Write the session and what is to come of it in place of the old ones."""
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / "session"
        manifest = _manifest(Path(made))
        recording.record(fresh, manifest, _heard(facts.rig_in(manifest)))
        shutil.rmtree(facts.SESSION, ignore_errors=True)
        shutil.copytree(fresh, facts.SESSION)
    facts.write(facts.of(open_session(facts.SESSION)))
    _weigh([*facts.SESSION.iterdir(), facts.FACTS])


def _manifest(folder: Path) -> Manifest:
    """Without names and paths of this machine."""
    calibration = folder / _RUN.calibration
    calibration.write_text(synthetic_footage.calibration_text(scene.MODELS), encoding="utf-8")
    return msgspec.structs.replace(
        describe(_RUN, "golden", calibration, 0, START_NS),
        session=hashlib.sha256(b"golden").hexdigest()[:32],
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}",
    )


def _heard(rig: Rig) -> Iterator[Heard]:
    """Trap: the calibration's text gives another rig than the one it was written of, by a bit."""
    said = sorted(_said(), key=lambda one: one[0])
    return recording.with_fusion(said, rig, scene.FUSION)


def _said() -> Iterator[Heard]:
    """Everything that is not computed, with the time at which the recorder hears it."""
    started = Event(t_ns=START_NS, name="start", text="all processes are ready")
    yield START_NS, Speaker("supervisor").say("event", started)
    for model in scene.MODELS:
        camera = Speaker(f"camera.{model.name}")
        yield START_NS, camera.say("camera", scene.status(model))
        for packet in scene.packets(model):
            heard_ns = scene.t_ns(packet.packet) + 5_000_000
            yield heard_ns, camera.say("packet", packet)
    pose = Speaker("pose.0")
    for message in scene.keypoints():
        yield message.t_ns + 20_000_000, pose.say("keypoints2d", message)


def _weigh(files: list[Path]) -> None:
    sizes = {path.name: path.stat().st_size for path in files}
    for name, n_bytes in sorted(sizes.items()):
        print(f"{n_bytes:8,d}  {name}")
    print(f"{sum(sizes.values()):8,d}  in all")
    if sum(sizes.values()) > MOST_BYTES or max(sizes.values()) > MOST_BYTES_A_FILE:
        raise SystemExit("too large to be kept with the sources")


if __name__ == "__main__":
    main()
