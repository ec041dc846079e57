"""Just enough of H.264 and H.265 to know keyframes, and frames that hang on lost ones.

Syntax: ITU-T H.264 (08/2021) 7.3.2.1.1 and 7.3.3, H.265 (08/2021) 7.3.1.2. Payloads are in Annex B
form. A decoder tells neither: with a reference missing, FFmpeg's paints into an older picture and
says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_START = b"\0\0\1"
_SLICE, _IDR, _SPS = 1, 5, 7
_HEVC_IRAP = range(16, 24)
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_HEADER_BYTES = 64


def units(payload: bytes) -> Iterator[memoryview]:
    """NAL units, without start codes; zeros may trail."""
    whole = memoryview(payload)
    at = payload.find(_START)
    while at >= 0:
        following = payload.find(_START, at + 3)
        end = following if following >= 0 else len(payload)
        if end > at + 3:
            yield whole[at + 3 : end]
        at = following


def nal_types(codec: str, payload: bytes) -> list[int]:
    """Types of the NAL units of a payload."""
    return [unit[0] >> 1 & 63 if codec == "hevc" else unit[0] & 31 for unit in units(payload)]


def is_keyframe(codec: str, payload: bytes) -> bool:
    """Whether a decoder can begin here; each JPEG is one."""
    if codec == "mjpeg":
        return True
    found = nal_types(codec, payload)
    return any(one in _HEVC_IRAP for one in found) if codec == "hevc" else _IDR in found


def has_picture(codec: str, payload: bytes) -> bool:
    """Whether there is a slice in it, not parameters alone."""
    if codec == "mjpeg":
        return True
    last_slice = 31 if codec == "hevc" else _IDR
    first_slice = 0 if codec == "hevc" else _SLICE
    return any(first_slice <= one <= last_slice for one in nal_types(codec, payload))


class _Bits:
    """Reads the head of a NAL unit bit by bit, emulation prevention taken out."""

    def __init__(self, unit: memoryview) -> None:
        head = bytes(unit[1:_HEADER_BYTES]).replace(b"\0\0\3", b"\0\0")
        self._bits, self._left = int.from_bytes(head, "big"), 8 * len(head)

    def take(self, count: int) -> int:
        """Return an unsigned number of ``count`` bits; ValueError at the end."""
        self._left -= count
        if self._left < 0:
            raise ValueError("the unit ends in its header")
        return self._bits >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb number."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


@dataclass(frozen=True, slots=True)
class FrameNumbering:
    """What H.264 frames are numbered with, and the last number."""

    n_bits: int = 0
    """0: not known."""
    planes: bool = False
    last: int | None = None


def follow(state: FrameNumbering, payload: bytes) -> tuple[FrameNumbering, int]:
    """Take in an H.264 access unit; return also the reference frames missing before it.

    Frames that were lost right before a keyframe cannot be told, and none where the stream uses
    scaling matrices.
    """
    for unit in units(payload):
        kind = unit[0] & 31
        try:
            if kind == _SPS:
                n_bits, planes = _numbering(_Bits(unit))
                state = FrameNumbering(n_bits, planes, state.last)
            elif kind in (_SLICE, _IDR) and state.n_bits:
                number = _frame_number(_Bits(unit), state)
                missing = 0 if kind == _IDR else _missing(state, number)
                return FrameNumbering(state.n_bits, state.planes, number), missing
        except ValueError:
            return state, 0
    return state, 0


def _numbering(bits: _Bits) -> tuple[int, bool]:
    profile, planes = bits.take(8), False
    bits.take(16)
    bits.golomb()
    if profile in _HIGH_PROFILES:
        if bits.golomb() == 3:
            planes = bool(bits.take(1))
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            return 0, planes
    return bits.golomb() + 4, planes


def _frame_number(bits: _Bits, state: FrameNumbering) -> int:
    for _ in range(3):
        bits.golomb()
    bits.take(2 if state.planes else 0)
    return bits.take(state.n_bits)


def _missing(state: FrameNumbering, number: int) -> int:
    if state.last is None:
        return 0
    ahead = (number - state.last) % (1 << state.n_bits)
    return max(0, ahead - 1)
