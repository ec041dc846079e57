"""Keypoints of one person in, 43 anatomical markers out, frame by frame.

Two LSTM networks (``core.kinematics.augment_inputs`` has their source) take keypoints relative to
the hip and in units of the stature, and give markers likewise. They only look back, so that their
memory, carried from frame to frame, gives what the whole sequence would give. Live and offline call
the same ``step``; ``track`` gives its numbers for a sequence at once. One state a person.

The networks know a world with Y up, as Pose2Sim feeds them; here all points have Z up.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import freezing, trc
from core.errors import ConfigError
from core.kinematics import lstm, pace, ticking
from core.kinematics.augment_inputs import HALVES, HIP, MARKERS, N_INPUTS, PARENT, TRUNK, Half
from core.kinematics.lstm import F32, Network
from core.kinematics.pace import Pace
from core.kinematics.settings import AugmentConfig as AugmentConfig
from core.kinematics.ticking import Chain, Frame

F64 = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Networks = Mapping[str, Network]
"""By the name of the half."""

_NEVER = -(2**62)
_IS_HIP = np.arange(N_INPUTS) == HIP
_HEIGHTS_M, _MASSES_KG = (0.5, 2.6), (5.0, 400.0)


class Subject(msgspec.Struct, frozen=True):
    """What the networks must know of a person."""

    height_m: float
    mass_kg: float


class AugmentState(msgspec.Struct, frozen=True):
    """All that is remembered of one person."""

    pace: Pace = Pace()
    last_m: F64 = msgspec.field(default_factory=lambda: np.full((N_INPUTS, 3), np.nan))
    """(20, 3) inputs of the last frame with a hip, bridged ones too."""
    seen_ns: Ints = msgspec.field(default_factory=lambda: np.full(N_INPUTS, _NEVER))
    """(20,) when each input was last seen."""
    chains: dict[str, Chain] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Augmented:
    """The markers of one frame."""

    markers_m: F64  # (43, 3) in the order of MARKERS, NaN for a half that could not be computed
    held: Flags  # (20,) input was missing and bridged
    missing: Flags  # (20,) input was missing, and so are the markers of the halves that need it
    begun: tuple[str, ...] = ()
    """Halves whose network began with this frame: it takes half a second to a second to settle."""


def subject(height_m: float, mass_kg: float) -> Subject:
    """A subject of a height and mass that people have.

    Raises:
        ConfigError: another one; most often centimetres for metres.
    """
    for name, value, (low, high), unit in (
        ("height", height_m, _HEIGHTS_M, "m"),
        ("mass", mass_kg, _MASSES_KG, "kg"),
    ):
        if not low <= value <= high:
            raise ConfigError(f"{name} {value:g} {unit}: expected {low:g} to {high:g} {unit}")
    return Subject(float(height_m), float(mass_kg))


def step(
    state: AugmentState,
    t_ns: int,
    inputs_m: F64,
    networks: Networks,
    subject: Subject,
    config: AugmentConfig,
) -> tuple[AugmentState, Augmented]:
    """Take in the inputs (20, 3) of a frame (``augment_inputs.gather``), NaN where missing.

    A frame that is not later than the last one is passed over; one that is earlier by more than a
    gap begins anew.
    """
    gap_ns = round(config.longest_gap_ms * 1e6)
    elapsed_ns = None if state.pace.t_ns is None else t_ns - state.pace.t_ns
    if elapsed_ns is not None and elapsed_ns <= 0:
        if elapsed_ns >= -gap_ns:
            return state, _nothing(inputs_m)
        state, elapsed_ns = AugmentState(), None
    broken = elapsed_ns is not None and elapsed_ns > gap_ns
    paced = pace.resume(state.pace, t_ns) if broken else pace.add(state.pace, t_ns)
    state = msgspec.structs.replace(state, pace=paced)
    bridged, held = _bridged(state, t_ns, inputs_m, gap_ns)
    if not np.isfinite(bridged.last_m[HIP]).all():
        return state, _nothing(inputs_m)
    return _both(bridged, t_ns, held, networks, subject, config)


def _missing(inputs_m: F64) -> Flags:
    return ~np.isfinite(inputs_m[..., 0] + inputs_m[..., 1] + inputs_m[..., 2])


def _nothing(inputs_m: F64) -> Augmented:
    missing = _missing(inputs_m)
    return Augmented(np.full((len(MARKERS), 3), np.nan), np.zeros_like(missing), missing)


def _bridged(
    state: AugmentState, t_ns: int, inputs_m: F64, gap_ns: int
) -> tuple[AugmentState, Flags]:
    """Put inputs missing for a moment where they were, seen from their parents."""
    known = ~_missing(inputs_m)
    held = ~known & (t_ns - state.seen_ns <= gap_ns)
    filled_m = np.where(known[:, None], inputs_m, np.nan)
    if held[HIP]:
        filled_m[HIP] = _hip_m(state.last_m, filled_m)
    for number in np.flatnonzero(held & ~_IS_HIP):
        parent = PARENT[number]
        filled_m[number] = filled_m[parent] + (state.last_m[number] - state.last_m[parent])
    held &= ~_missing(filled_m)
    seen_ns = np.where(known, t_ns, state.seen_ns)
    return msgspec.structs.replace(state, last_m=filled_m, seen_ns=seen_ns), held


def _hip_m(last_m: F64, now_m: F64) -> F64:
    """Where a hip (3,) that is not seen went: with either hip joint, or else with the trunk."""
    for anchors in TRUNK:
        moved_m = (now_m - last_m)[anchors]
        known = np.isfinite(moved_m[:, 0])
        if known.any():
            return last_m[HIP] + moved_m[known].mean(axis=0)
    return np.full(3, np.nan)


def _both(
    state: AugmentState,
    t_ns: int,
    held: Flags,
    networks: Networks,
    subject: Subject,
    config: AugmentConfig,
) -> tuple[AugmentState, Augmented]:
    chains, markers_m, begun = dict[str, Chain](), [], []
    for half in HALVES:
        network, hip_m = networks[half.name], state.last_m[HIP]
        features = _features(state.last_m, half, network, subject)
        if not np.isfinite(features).all():
            markers_m.append(np.full((len(half.gives), 3), np.nan))
            continue
        frame, chain = Frame(t_ns, features), state.chains.get(half.name)
        if chain is None or t_ns - chain.t_ns > config.longest_gap_ms * 1e6:
            chain, outputs = ticking.begin(network, frame, config.warm_frames)
            begun.append(half.name)
        else:
            rhythm = state.pace.rhythm
            chain, outputs = ticking.advance(network, chain, frame, rhythm, config.warm_frames)
        chains[half.name] = chain
        markers_m.append(_markers_m(outputs, hip_m, subject))
    found = Augmented(np.concatenate(markers_m), held, _missing(state.last_m), tuple(begun))
    return msgspec.structs.replace(state, chains=chains), found


def _features(inputs_m: F64, half: Half, network: Network, subject: Subject) -> F64:
    """Scaled features (..., F) of inputs (..., 20, 3), in the arithmetic of Pose2Sim."""
    relative_m = trc.from_world(inputs_m[..., half.takes, :] - inputs_m[..., [HIP], :])
    flat = (relative_m / subject.height_m).reshape(*inputs_m.shape[:-2], -1)
    body = np.broadcast_to((subject.height_m, subject.mass_kg), (*flat.shape[:-1], 2))
    return (np.concatenate([flat, body], axis=-1) - network.mean) / network.sd


def _markers_m(outputs: F32, hip_m: F64, subject: Subject) -> F64:
    """Markers (..., M, 3) of outputs (..., 3M) and hips (..., 3)."""
    relative = outputs.astype(np.float64).reshape(*outputs.shape[:-1], -1, 3)
    return trc.to_world(relative * subject.height_m) + hip_m[..., None, :]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The markers of a sequence; the fields of ``Augmented`` over time."""

    markers_m: F64  # (T, 43, 3)
    held: Flags  # (T, 20)
    missing: Flags  # (T, 20)


def track(
    times_ns: list[int],
    inputs_m: F64,
    networks: Networks,
    subject: Subject,
    config: AugmentConfig,
) -> Track:
    """Markers for inputs (T, 20, 3) at rising times: the numbers of ``step``, to the last bit.

    An even sequence at 60 Hz goes through the networks at once, any other one frame by frame.
    """
    missing = _missing(inputs_m)
    is_plain = pace.is_plain(times_ns, config.longest_gap_ms * 1e6)
    if not times_ns or missing.any() or not is_plain:
        return each(times_ns, inputs_m, networks, subject, config)
    markers_m = [_at_once(inputs_m, half, networks[half.name], subject, config) for half in HALVES]
    return Track(np.concatenate(markers_m, axis=1), np.zeros_like(missing), missing)


def each(
    times_ns: list[int],
    inputs_m: F64,
    networks: Networks,
    subject: Subject,
    config: AugmentConfig,
) -> Track:
    """``step`` over a sequence, as of ``track``."""
    state, found = AugmentState(), list[Augmented]()
    for t_ns, points_m in zip(times_ns, inputs_m, strict=True):
        state, one = step(state, t_ns, points_m, networks, subject, config)
        found.append(one)
    return Track(
        np.array([one.markers_m for one in found]).reshape(-1, len(MARKERS), 3),
        np.array([one.held for one in found]).reshape(-1, N_INPUTS),
        np.array([one.missing for one in found]).reshape(-1, N_INPUTS),
    )


def _at_once(
    inputs_m: F64, half: Half, network: Network, subject: Subject, config: AugmentConfig
) -> F64:
    features = _features(inputs_m, half, network, subject)
    memory = ticking.warm(network, features[0], config.warm_frames)
    outputs, _ = lstm.run(network, features, memory)
    return _markers_m(outputs, inputs_m[:, HIP], subject)


def freeze(people: Mapping[int, AugmentState]) -> bytes:
    """States of people by their ids as MessagePack; ``thaw`` gives back the same bits."""
    return freezing.freeze(people)


def thaw(raw: bytes) -> dict[int, AugmentState]:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return freezing.thaw(raw, dict[int, AugmentState])
