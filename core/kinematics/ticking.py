"""One marker network that goes on from frame to frame, at the 60 Hz of its training.

Three ways, by how the frames come (``core.kinematics.pace``). Whole ticks a frame: the ticks
between are fed with inputs on the straight line between the frames. Whole frames a tick: as many
networks take turns. Neither: ticks of an own clock, fed from the straight line between frames;
a frame's answer comes from the memory one tick before it, itself on the straight line between two
ticks', and the frame's own input. Nothing comes later than its frame, or knows a later one.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.kinematics import lstm
from core.kinematics.lstm import F32, Network
from core.kinematics.pace import TICK_NS, UNEVEN, Rhythm

F64 = NDArray[np.float64]


class Chain(msgspec.Struct, frozen=True):
    """What a network remembers of one person."""

    t_ns: int
    """Capture time of the last frame."""
    features: F64
    """(F,) of the last frame."""
    tick_ns: int
    before: F32
    """Memory (2, L, H) one tick before ``tick_ns``."""
    after: F32
    """Memory at ``tick_ns``."""
    waiting: tuple[F32, ...] = ()
    """Of the other networks that take turns, the next one first."""
    frames: int = 1
    """Frames since the beginning."""


class Frame(NamedTuple):
    """One frame for the network."""

    t_ns: int
    features: F64  # (F,) scaled


def begin(network: Network, frame: Frame, warm_frames: int) -> tuple[Chain, F32]:
    """Start with a frame, fed ``warm_frames`` times before it counts; outputs (O,)."""
    before = warm(network, frame.features, warm_frames)
    outputs, after = lstm.run(network, frame.features[None], before)
    return Chain(frame.t_ns, frame.features, frame.t_ns, before, after), outputs[0]


def advance(
    network: Network, chain: Chain, frame: Frame, rhythm: Rhythm, warm_frames: int
) -> tuple[Chain, F32]:
    """Go on to a later frame; outputs (O,)."""
    if rhythm == UNEVEN:
        return _by_own_clock(network, chain, frame)
    if rhythm.frames > 1:
        return _in_turns(network, chain, frame, rhythm.frames, warm_frames)
    return _whole_ticks(network, chain, frame)


def warm(network: Network, features: F64, n: int) -> F32:
    """Memory (2, L, H) after the same features (F,) ``n`` times."""
    blank = lstm.blank(network)
    return lstm.run(network, np.repeat(features[None], n, axis=0), blank)[1] if n else blank


def _features_at(chain: Chain, frame: Frame, times_ns: F64) -> F64:
    """Features (N, F) on the straight line from the chain's last frame; exact at ``frame``."""
    part = np.clip((times_ns - chain.t_ns) / (frame.t_ns - chain.t_ns), 0.0, 1.0)[:, None]
    return (1 - part) * chain.features + part * frame.features


def _whole_ticks(network: Network, chain: Chain, frame: Frame) -> tuple[Chain, F32]:
    elapsed_ns = frame.t_ns - chain.tick_ns
    n = max(1, round(elapsed_ns / TICK_NS))
    times_ns = chain.tick_ns + np.arange(1, n + 1) / n * elapsed_ns
    rows = _features_at(chain, frame, times_ns)
    rows[-1] = frame.features
    before = lstm.run(network, rows[:-1], chain.after)[1] if n > 1 else chain.after
    outputs, after = lstm.run(network, rows[-1:], before)
    return _moved(chain, frame, frame.t_ns, before, after), outputs[0]


def _in_turns(
    network: Network, chain: Chain, frame: Frame, n_networks: int, warm_frames: int
) -> tuple[Chain, F32]:
    """Frames that are missing between are fed too, so that turns stay a tick apart."""
    elapsed_ns = frame.t_ns - chain.t_ns
    n = max(1, round(elapsed_ns * n_networks / TICK_NS))
    rows = _features_at(chain, frame, chain.t_ns + np.arange(1, n + 1) / n * elapsed_ns)
    rows[-1] = frame.features
    waiting, before, after, outputs = chain.waiting, chain.before, chain.after, None
    for number, row in enumerate(rows):
        if len(waiting) >= n_networks - 1:
            turn, *waiting = waiting[len(waiting) - n_networks + 1 :]
        elif chain.frames + number < n_networks:
            turn = warm(network, row, warm_frames)
        else:
            turn = _between(before, after, 1 / n_networks)
        waiting, before = (*waiting, after), turn
        outputs, after = lstm.run(network, row[None], before)
    assert outputs is not None  # one row at least
    moved = _moved(chain, frame, frame.t_ns, before, after)
    return msgspec.structs.replace(moved, waiting=tuple(waiting)), outputs[0]


def _by_own_clock(network: Network, chain: Chain, frame: Frame) -> tuple[Chain, F32]:
    n = (frame.t_ns - chain.tick_ns) // TICK_NS
    tick_ns, before, after = chain.tick_ns + n * TICK_NS, chain.before, chain.after
    if n:
        rows = _features_at(chain, frame, chain.tick_ns + np.arange(1.0, n + 1) * TICK_NS)
        before = lstm.run(network, rows[:-1], after)[1] if n > 1 else after
        after = lstm.run(network, rows[-1:], before)[1]
    memory = _between(before, after, (frame.t_ns - tick_ns) / TICK_NS)
    outputs, _ = lstm.run(network, frame.features[None], memory)
    return _moved(chain, frame, tick_ns, before, after), outputs[0]


def _between(before: F32, after: F32, part: float) -> F32:
    return (before + np.float32(part) * (after - before)).astype(np.float32)


def _moved(chain: Chain, frame: Frame, tick_ns: int, before: F32, after: F32) -> Chain:
    return Chain(frame.t_ns, frame.features, tick_ns, before, after, (), chain.frames + 1)
