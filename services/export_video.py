"""MP4 files of a session's cameras: the packets as they are, at their capture times.

Times are those of the session: second 0 is the first picture of any camera, so that frames of one
time belong together. The clock of the files has microseconds.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import msgspec
from av.error import FFmpegError

from core.errors import ConfigError
from services.clips import Clip, template

_TICKS_PER_S = 1_000_000
_LONG_GAP = 1.5  # of the usual time between frames


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """What was written of one camera."""

    file: str
    codec: str
    frames: int
    first_s: float
    last_s: float
    gaps_s: tuple[tuple[float, float], ...]
    """Where frames are missing: from the last before to the first after."""


def write(clip: Clip, path: Path, zero_ns: int) -> Video:
    """Write one camera's packets into an .mp4, none of them encoded anew.

    Raises:
        SessionError: a stream that cannot be copied.
        ConfigError: the file cannot be written.
    """
    pts = [round((one.t_ns - zero_ns) / 1000) for one in clip.packets()]
    shown = sorted(pts)
    usual = round(_TICKS_PER_S / clip.rate_hz) if clip.rate_hz > 0 else 1
    if len(shown) > 2:
        usual = sorted(b - a for a, b in pairwise(shown))[len(shown) // 2 - 1] or usual
    described = template(clip)
    clock = {"movie_timescale": str(_TICKS_PER_S)}
    unit = Fraction(1, _TICKS_PER_S)
    try:
        with av.open(str(path), "w", format="mp4", options=clock) as file:
            stream = file.add_stream_from_template(described.streams.video[0])
            stream.time_base = unit
            for packet, at, dts in zip(clip.packets(), pts, _decode_times(pts, usual), strict=True):
                raw = av.Packet(packet.payload)
                raw.stream, raw.time_base, raw.duration = stream, unit, usual
                raw.pts, raw.dts, raw.is_keyframe = at, dts, packet.keyframe
                file.mux(raw)
    except (OSError, FFmpegError) as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from error
    finally:
        described.close()
    return Video(
        file=path.name,
        codec=clip.codec,
        frames=len(pts),
        first_s=shown[0] / _TICKS_PER_S,
        last_s=shown[-1] / _TICKS_PER_S,
        gaps_s=tuple(
            (a / _TICKS_PER_S, b / _TICKS_PER_S)
            for a, b in pairwise(shown)
            if b - a > _LONG_GAP * usual
        ),
    )


def _decode_times(pts: Sequence[int], usual: int) -> list[int]:
    """Rising times of decoding, none after its time of showing.

    With frames that are shown before ones decoded earlier (B-frames), decoding runs so many frames
    ahead as the furthest is shifted.
    """
    shown = sorted(pts)
    place = {at: number for number, at in enumerate(shown)}
    ahead = max((number - place[at] for number, at in enumerate(pts)), default=0)
    before = [shown[0] - usual * (ahead - number) for number in range(ahead)] if shown else []
    return [*before, *shown][: len(pts)]


def frames_table(clip: Clip, zero_ns: int) -> str:
    """Each frame of a video in the order in which it is shown: the capture times are exact here."""
    rows = sorted((one.t_ns, one.frame) for one in clip.packets())
    lines = ["place,frame,time_s,t_ns"]
    for place, (t_ns, frame) in enumerate(rows):
        lines.append(f"{place},{frame},{(t_ns - zero_ns) / 1e9:.9f},{t_ns}")
    return "\n".join(lines) + "\n"


def said(video: Video) -> list[str]:
    """What to tell of it."""
    return [f"{video.file}: no frames from {a:.3f} s to {b:.3f} s" for a, b in video.gaps_s]
