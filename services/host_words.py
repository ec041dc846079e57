"""What another host and the hub's gate say to each other, and how the gate tells the supervisor.

A host asks ten times a second; each question is a round trip that relates the clocks, too. The gate
leaves files in the run folder, as processes of the hub do when they are ready.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from core import config
from core.camera_config import CameraName, HostName
from core.config import RunConfig
from core.messages import SCHEMA_VERSION

State = Literal["waiting", "running", "over", "unknown host", "taken", "other version"]
Word = TypeVar("Word", bound=msgspec.Struct)
_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """How another host is."""

    version: int = SCHEMA_VERSION
    host: HostName
    life: _Count
    """A number of this ``kinelive join`` alone: two machines under one name are told apart."""
    serial: _Count
    wants_run: bool = False
    ready: bool = False
    """Whether its cameras stand."""
    finished: Annotated[tuple[CameraName, ...], msgspec.Meta(max_length=256)] = ()
    """Cameras that came to the end of their footage."""
    leaving: bool = False
    """The last word."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How the run is."""

    serial: _Count
    """Of the question."""
    there_ns: _Count
    """When the question was read, rig clock."""
    state: State
    run_id: str
    """Another one is another run: the hub was restarted."""
    start_ns: _Count = 0
    """The rig's start, while it is running."""
    run: bytes = b""
    """Settings for this host, as ``core.config.write`` writes them, where asked for."""
    hosts: tuple[str, ...] = ()
    """The hosts of the rig, where the one that asks is none of them."""


def encode(word: Question | Answer) -> bytes:
    """MessagePack of a question or an answer."""
    return msgspec.msgpack.encode(word)


def decode(raw: bytes, kind: type[Word]) -> Word | None:
    """Read what somebody sent; None where it is no such word."""
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except _ERRORS:
        return None


def run_for(run: RunConfig, host: str) -> bytes:
    """What a host must know of a run: its own cameras, and where to speak."""
    cameras = tuple(one for one in run.cameras if one.host == host)
    return config.write(
        RunConfig(cameras=cameras, calibration="", trigger=run.trigger, bus=run.bus)
    )


def read_run(raw: bytes) -> RunConfig | None:
    """Read what ``run_for`` wrote; None where it is no such thing."""
    try:
        return config.parse(raw)
    except _ERRORS:
        return None


def tell_here(folder: Path, host: str, *, here: bool) -> None:
    """Tell the supervisor whether a host is there and its cameras stand."""
    path = _here(folder, host)
    if here:
        path.touch()
    else:
        path.unlink(missing_ok=True)


def is_here(folder: Path, host: str) -> bool:
    """Whether a host is there and its cameras stand."""
    return _here(folder, host).exists()


def tell_finished(folder: Path, camera: str) -> None:
    """Tell the supervisor that a camera of another host came to the end of its footage."""
    (folder / f"camera.{camera}.finished").touch()


def has_finished(folder: Path, camera: str) -> bool:
    """Whether a camera of another host came to the end of its footage."""
    return (folder / f"camera.{camera}.finished").exists()


def end(folder: Path) -> None:
    """Tell the gate that the run is over, in contrast to a supervisor that died."""
    (folder / "over").touch()


def is_over(folder: Path) -> bool:
    """Whether the run is over."""
    return (folder / "over").exists()


def _here(folder: Path, host: str) -> Path:
    return folder / f"host.{host}.ready"
