"""A session in which a camera was knocked: fused live, decided, verified, told, converted."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from capture.clock import wall_clock
from core import calibration, cameras
from core.calibration import place
from core.cameras import Rig
from core.config import FusionConfig
from core.fusion import FusionState
from core.messages import Decisions, Message, PlaceDecision, PlaceWish, Pose3D
from core.synthetic import walk_m
from core.synthetic_scenes import START_NS, Faults
from services import places, recordings, summary
from services.bus import Received
from services.fusion import FusionLoop, QualityWatch
from services.inventory import take_inventory
from services.session import Session, open_session
from tests.services import session_builder as builder
from tests.unit.mending_scenes import RATE_HZ, filmed, knocked
from tools.calibrate_convert import convert
from tools.inspect import inspect
from tools.verify import verify_session

KNOCK_S, END_S = 12, 24
NAMES = builder.CAMERAS
RIG = cameras.select(calibration.parse("rig.toml", builder.CALIBRATION), NAMES, "rig.toml")
REAL = knocked(RIG, "cam02", 2.0, 0.03, seed=1)
DECIDED: dict[float, tuple[PlaceWish, int]] = {18.0: ("back", 1), 20.0: ("keep", 2)}
CLOCK = wall_clock()


class Waiting:
    """All that was said, a batch for each frame; then nothing."""

    def __init__(self, batches: list[list[Received]]) -> None:
        self._batches = iter(batches)

    def drain(self, timeout_ms: int) -> list[Received]:
        """The next batch."""
        del timeout_ms
        return next(self._batches, [])


class Stopped:
    """An order to stop that was given long ago: what waits is still read."""

    def is_set(self) -> bool:
        """Always."""
        return True


def heard() -> list[Received]:
    """The conversation as a recorder hears it: keypoints, decisions, what the fusion says."""
    pose, monitor, fuser = (builder.Speaker(name) for name in ("pose.0", "monitor", "fusion"))
    body_m = walk_m(END_S * RATE_HZ, RATE_HZ)[None] - [0.0, 0.0, 1.0]
    faults = Faults(noise_px=1.0, everywhere=True)
    batches: list[list[Received]] = []
    for one in filmed({0: RIG, KNOCK_S: REAL}, body_m, faults):
        batches.append([pose.say("keypoints2d", one)])
        if one.camera == "cam01" and (decided := DECIDED.get(one.frame / RATE_HZ)):
            said = (PlaceDecision("cam02", *decided),)
            batches.append([monitor.say("decisions", Decisions(t_ns=one.t_ns, places=said))])
    out: list[Received] = []

    class Heard(Waiting):
        """Notes the inputs in the order in which they are read."""

        def drain(self, timeout_ms: int) -> list[Received]:
            batch = super().drain(timeout_ms)
            out.extend(batch)
            return batch

    def publish(topic: str, message: Message) -> None:
        out.append(fuser.say(topic, message))

    config = FusionConfig(checkpoint_instants=150)
    watch = QualityWatch(RIG, config)
    loop = FusionLoop(Heard(batches), publish, RIG, config, CLOCK, FusionState(), watch)
    loop.run(Stopped(), lambda _: None)  # pyright: ignore[reportArgumentType]
    return out


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    run = builder.run_config(tmp_path_factory.mktemp("knocked"))
    fusion = FusionConfig(checkpoint_instants=150)
    run = msgspec.structs.replace(run, fusion=fusion)
    return open_session(builder.record(run, heard()))


def test_it_is_verified_to_the_last_bit_with_what_the_operator_decided(session: Session) -> None:
    poses = [s.message for s in session.messages(["pose3d"]) if isinstance(s.message, Pose3D)]
    wishes = [tuple(one.wish for one in pose.decisions) for pose in poses]
    assert list(dict.fromkeys(wishes)) == [(), ("back",), ("keep",)]
    result = verify_session(session)
    print(f"{result.compared} compared, {result.different} different")
    assert result.identical
    assert result.compared == len(poses)


def test_after_a_hole_it_goes_on_at_a_checkpoint(tmp_path: Path) -> None:
    lost = [
        one
        for one in heard()
        if not (one.key == "keypoints2d/cam01" and one.header.seq in (16 * RATE_HZ, 100))
    ]
    run = builder.run_config(tmp_path)
    run = msgspec.structs.replace(run, fusion=FusionConfig(checkpoint_instants=150))
    result = verify_session(open_session(builder.record(run, lost)))
    assert result.different == 0
    assert result.not_comparable > 0
    assert result.compared > 300


def test_what_happened_is_told(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    told = [(one.camera, one.state) for one in take_inventory(session).moved]
    kinds = list(dict.fromkeys(told))
    assert kinds == [("cam02", one) for one in ("suspect", "new", "rejected", "kept")]
    assert inspect(session.path) == 0
    said = capsys.readouterr().out
    assert "cam02 moved 2." in said or "cam02 moved 1.9" in said
    assert "new place kept" in said


def test_the_calibration_of_the_end_and_of_the_start_are_written(
    session: Session, tmp_path: Path
) -> None:
    for at, true in (("end", REAL), ("start", RIG)):
        assert convert(session.path, tmp_path / "Calib.toml", at=at) == 0  # pyright: ignore[reportArgumentType]
        models = calibration.parse("Calib.toml", (tmp_path / "Calib.toml").read_text())
        rig = Rig.of([models[name] for name in NAMES])
        assert place.moved_m(true, rig).max() < 0.02
        assert place.turned_deg(true, rig).max() < 0.3


def test_offline_each_camera_counts_where_it_is_known_to_stand(session: Session) -> None:
    log = places.log_of(session)
    models = calibration.parse("rig.toml", builder.CALIBRATION)
    spans = log.spans("cam02", models["cam02"])
    assert [one.cam_from_world is None for one in spans] == [False, True, False]
    assert spans[1].from_ns <= START_NS + KNOCK_S * 10**9 <= spans[1].to_ns
    loaded = recordings.load(session.path)
    assert any(note.startswith("cam02 moved") for note in loaded.notes)
    seen = [one.t_ns for one in loaded.pictures.messages if one.camera == "cam02"]
    assert 0.35 < len(seen) / (END_S * RATE_HZ) < 0.9
    errors = summary.summarise(session).held_out_px
    assert errors["median"] < 3
    assert np.isfinite(errors["cam02"])
