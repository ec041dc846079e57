"""A session played again through the same processes: its packets, its times, its calibration."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from capture.camera import CompressedPacket, StreamFormat
from capture.recorded import RecordedCamera
from core.config import LOOPBACK, CameraConfig, RunConfig
from core.errors import SessionError
from core.messages import CameraStatus, Packet
from services.session import Session, open_session

_FOR_EVER_MS = 1e9


def replay_run(session: Session, calibration: Path, *, paced: bool) -> RunConfig:
    """Settings that play a session's packets; ``calibration`` is where its text was written.

    At full speed the cameras wait for the pose workers, and the fusion for all cameras, so that
    nothing is dropped and the result does not depend on timing.
    """
    recorded = session.run
    cameras = tuple(
        msgspec.structs.replace(
            camera, driver="session", host="", path=str(session.path), lossless=not paced
        )
        for camera in recorded.cameras
    )
    run = msgspec.structs.replace(
        recorded,
        cameras=cameras,
        calibration=str(calibration),
        bus=msgspec.structs.replace(recorded.bus, host=LOOPBACK),
        recorder=msgspec.structs.replace(recorded.recorder, session=""),
    )
    return run if paced else waiting_for_all(run)


def waiting_for_all(run: RunConfig) -> RunConfig:
    """The run with a fusion that waits for all cameras, however long they take."""
    fusion = msgspec.structs.replace(
        run.fusion, max_wait_ms=_FOR_EVER_MS, absent_after_ms=_FOR_EVER_MS
    )
    return msgspec.structs.replace(run, fusion=fusion)


def first_frame_ns(session: Session) -> int:
    """Capture time of the first recorded packet of any camera.

    Raises:
        SessionError: no packets were recorded.
    """
    firsts = [
        stored.message.t_ns
        for camera in session.manifest.cameras
        if (stored := next(session.packets(camera), None)) is not None
    ]
    if not firsts:
        raise SessionError(
            f"{session.path}: no camera packets in it, nothing to replay; if it has keypoints, "
            f"`kinelive process {session.path}` works on them"
        )
    return min(firsts)


def recorded_camera(folder: Path, config: CameraConfig) -> RecordedCamera:
    """Open one camera of a session.

    Raises:
        SessionError: the session lacks it, or does not say how to decode it.
    """
    session = open_session(folder)
    stream = next(
        (
            one.message
            for one in session.messages([f"camera/{config.name}"])
            if isinstance(one.message, CameraStatus)
        ),
        None,
    )
    if stream is None:
        raise SessionError(f"{folder}: nothing says how {config.name} is to be decoded")

    def packets() -> Iterator[CompressedPacket]:
        for stored in session.packets(config.name):
            if isinstance(stored.message, Packet):
                yield as_packet(stored.message)

    return RecordedCamera(as_format(stream), packets, config.reduce, config.play_s)


def as_packet(message: Packet) -> CompressedPacket:
    """A packet as its camera gave it."""
    return CompressedPacket(
        packet=message.packet,
        frame=message.frame,
        t_ns=message.t_ns,
        payload=message.payload,
        keyframe=message.keyframe,
        pts=message.pts,
        dts=message.dts,
    )


def as_format(stream: CameraStatus) -> StreamFormat:
    """How a camera's packets are to be decoded."""
    return StreamFormat(
        driver="session",
        codec=stream.codec,
        extradata=stream.extradata,
        width_px=stream.width_px,
        height_px=stream.height_px,
        rate_hz=stream.rate_hz,
        time_base_s=stream.time_base_s,
        time_origin=stream.time_origin,
        time_uncertainty_ns=stream.time_uncertainty_ns,
    )
