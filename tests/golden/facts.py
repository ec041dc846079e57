"""What is to come of the golden session, beside what it says itself: ``golden.json``."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import av
import msgspec

from capture.recorded import PacketDecoder
from core import calibration, cameras, fusion, wire
from core.cameras import Rig
from core.config import FusionConfig
from core.messages import CameraStatus, Keypoints2D, Packet
from services.replay import as_format, as_packet
from services.session import Session
from services.session_format import Manifest
from tests.golden import numerics

FOLDER = Path(__file__).parent
SESSION, FACTS = FOLDER / "session", FOLDER / "golden.json"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """``golden.json``."""

    numerics: dict[str, str]
    """Fingerprint of the machine that made the session."""
    pictures: dict[str, str]
    """Of each camera the sha256 of all its decoded pictures."""
    settings: dict[str, str]
    """For other settings of the fusion the sha256 of what it makes of the same keypoints."""


def read() -> Facts:
    """As it was written by ``make``."""
    return msgspec.json.decode(FACTS.read_bytes(), type=Facts)


def write(facts: Facts) -> None:
    """Replace it."""
    FACTS.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")


def of(session: Session) -> Facts:
    """Compute it from the session, here and now."""
    return Facts(
        numerics=numerics.fingerprint(), pictures=pictures(session), settings=settings(session)
    )


def pictures(session: Session) -> dict[str, str]:
    """Hash the planes of each picture as the decoder gives them, with its number."""
    return {name: _hash_of(decoded(session, name)) for name in session.manifest.cameras}


def _hash_of(frames: Iterable[av.VideoFrame]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(f"{frame.pts} {frame.format.name}".encode())
        digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def decoded(session: Session, camera: str) -> list[av.VideoFrame]:
    """All pictures of a camera through the decoder of a replay."""
    (status,) = (one.message for one in session.messages([f"camera/{camera}"]))
    assert isinstance(status, CameraStatus)
    decoder = PacketDecoder(as_format(status))
    messages = [one.message for one in session.packets(camera)]
    packets = [as_packet(one) for one in messages if isinstance(one, Packet)]
    return [*(frame for one in packets for frame in decoder.feed(one)), *decoder.flush()]


def rig_in(manifest: Manifest) -> Rig:
    """The rig that a session is recorded with."""
    name = manifest.calibration_name
    models = calibration.parse(name, manifest.calibration_text)
    return cameras.select(models, manifest.cameras, name)


def settings(session: Session) -> dict[str, str]:
    """Fuse the keypoints with what is not the default."""
    recorded = session.run.fusion
    others = {
        "interpolated": {"alignment": "interpolated", "instant_hz": 25.0},
        "constant_acceleration": {"motion_model": "constant_acceleration"},
        "segment_lengths": {"segment_lengths": True},
        "plain": {"learn_noise": False, "mend_cameras": False, "use_covariance": False},
    }
    return {
        name: _fused(session, msgspec.structs.replace(recorded, **one))
        for name, one in others.items()
    }


def _fused(session: Session, config: FusionConfig) -> str:
    rig, state, digest = rig_in(session.manifest), fusion.FusionState(), hashlib.sha256()
    for stored in session.messages(["keypoints2d"]):
        assert isinstance(stored.message, Keypoints2D)
        state, poses = fusion.step(state, stored.message, rig, config)
        for pose in poses:
            digest.update(wire.encode(pose))
    digest.update(fusion.freeze(state))
    return digest.hexdigest()
