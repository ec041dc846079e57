"""A small session with real video: a walker of coloured balls, four cameras, and what was said."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import av
import msgspec
import numpy as np

from core import calibration, cameras, fusion
from core.config import CameraConfig, FusionConfig, RecorderConfig, RunConfig
from core.fusion import FusionState
from core.messages import (
    MARK,
    CameraStatus,
    Checkpoint,
    Event,
    JointAngles,
    Keypoints2D,
    Message,
    Packet,
    Person2D,
    PersonAngles,
    Pose3D,
)
from core.skeletons import HALPE_26
from services import synthetic_footage
from services.bus import Received
from services.synthetic_footage import Footage
from tests.services import session_builder as builder
from tests.services.session_builder import Speaker

N_FRAMES, RATE_HZ = 40, 30
START_NS = builder.START_NS
FUSION = FusionConfig(checkpoint_instants=10)
COORDINATES = ("knee_angle_r", "hip_flexion_r", "pelvis_tx")


def t_ns(frame: int) -> int:
    return START_NS + frame * 1_000_000_000 // RATE_HZ


def write(folder: Path) -> tuple[Path, Footage]:
    """Record it; the session's folder, and the truth."""
    footage = synthetic_footage.write(
        folder / "footage", n_people=1, n_frames=N_FRAMES, n_cameras=4, rate_hz=RATE_HZ
    )
    run = RunConfig(
        cameras=tuple(CameraConfig(name=model.name) for model in footage.models),
        calibration=str(folder / "footage" / "calibration.toml"),
        fusion=FUSION,
        recorder=RecorderConfig(session=str(folder / "walk-07")),
    )
    said = sorted(_said(footage), key=lambda one: one[0])
    with builder.writer_of(run) as writer:
        for now_ns, several in groupby(said, key=lambda one: one[0]):
            for _, received in several:
                writer.write(received, now_ns)
            writer.flush(now_ns)
        writer.close(said[-1][0] + 1, 0, {})
    return folder / "walk-07", footage


def _said(footage: Footage) -> list[tuple[int, Received]]:
    """Everything with the time at which the recorder hears it."""
    supervisor = Speaker("supervisor")
    started = Event(t_ns=START_NS, name="start", text="all processes are ready")
    marked = Event(t_ns=t_ns(3), name=MARK, text="heel strike", process="monitor")
    said = [(START_NS, supervisor.say("event", started))]
    said.append((t_ns(3) + 1_000_000, Speaker("monitor").say("event", marked)))
    for model, video in zip(footage.models, footage.videos, strict=True):
        speaker = Speaker(f"camera.{model.name}")
        for message in stream(video, model.name):
            topic = "packet" if isinstance(message, Packet) else "camera"
            said.append((message.t_ns + 5_000_000, speaker.say(topic, message)))
    return said + _computed(footage)


def stream(video: Path, camera: str) -> list[Message]:
    """How a video is decoded, and its packets at the session's times."""
    with av.open(str(video), "r") as container:
        of = container.streams.video[0]
        base = of.time_base
        assert base is not None
        packets = [one for one in container.demux(of) if one.size]
        shown = sorted(one.pts for one in packets if one.pts is not None)
        status = CameraStatus(
            t_ns=START_NS,
            camera=camera,
            driver="file",
            codec=of.codec_context.name,
            extradata=of.codec_context.extradata or b"",
            width_px=of.codec_context.width,
            height_px=of.codec_context.height,
            rate_hz=RATE_HZ,
            time_base_s=(base.numerator, base.denominator),
            time_origin="file",
            time_uncertainty_ns=0,
        )
        return [status, *(_packet(camera, n, one, shown) for n, one in enumerate(packets))]


def _packet(camera: str, number: int, raw: av.Packet, shown: Sequence[int]) -> Packet:
    assert raw.pts is not None
    frame = shown.index(raw.pts)
    return Packet(
        t_ns=t_ns(frame),
        camera=camera,
        frame=frame,
        packet=number,
        payload=bytes(raw),
        keyframe=raw.is_keyframe,
        pts=raw.pts,
        dts=raw.dts if raw.dts is not None else raw.pts,
    )


def _computed(footage: Footage) -> list[tuple[int, Received]]:
    """Keypoints where the balls are, poses of the real fusion, and angles that swing."""
    names = tuple(model.name for model in footage.models)
    text = synthetic_footage.calibration_text(footage.models)
    rig = cameras.select(calibration.parse("calibration.toml", text), names, "")
    pose, fuser, angles = Speaker("pose.0"), Speaker("fusion"), Speaker("kinematics")
    state, said = FusionState(), list[tuple[int, Received]]()
    for frame in range(N_FRAMES):
        now_ns = t_ns(frame) + 20_000_000
        for place, name in enumerate(names):
            message = keypoints(name, frame, footage.points_px[place, frame, 0])
            said.append((now_ns, pose.say("keypoints2d", message)))
            state, fused = fusion.step(state, message, rig, FUSION)
            said += [(now_ns, fuser.say("pose3d", one)) for one in fused]
            said += [(now_ns, angles.say("angles", _angles(one))) for one in fused]
            if fused and fused[-1].instant % FUSION.checkpoint_instants == 0:
                frozen = Checkpoint(
                    t_ns=fused[-1].t_ns, instant=fused[-1].instant, state=fusion.freeze(state)
                )
                said.append((now_ns, fuser.say("checkpoint", frozen)))
    return said


def keypoints(camera: str, frame: int, points_px: np.ndarray) -> Keypoints2D:
    confidence = np.full(len(HALPE_26.names), 0.9, "<f4")
    person = Person2D(1, points_px.astype("<f4").tobytes(), confidence.tobytes())
    return Keypoints2D(
        t_ns=t_ns(frame),
        camera=camera,
        frame=frame,
        skeleton=HALPE_26.name,
        model="truth",
        provider="none",
        persons=(person,),
    )


def _angles(pose: Pose3D) -> JointAngles:
    n = len(COORDINATES)
    value = 0.1 * np.arange(n) + 0.01 * pose.instant
    if pose.instant < 5:
        value = np.full(n, np.nan)
    persons = tuple(
        PersonAngles(
            id=one.id,
            status="measuring" if pose.instant < 5 else "tracked",
            value=value.astype("<f4").tobytes(),
            sd=np.full(n, 0.02, "<f4").tobytes(),
            rate=np.zeros(n, "<f4").tobytes(),
            observed=np.ones(n, np.uint8).tobytes(),
            height_m=1.75,
            marker_rms_m=0.01,
        )
        for one in pose.persons
    )
    return JointAngles(
        t_ns=pose.t_ns, instant=pose.instant, coordinates=COORDINATES, persons=persons
    )


def json_of(path: Path) -> dict[str, object]:
    return msgspec.json.decode(path.read_bytes())
