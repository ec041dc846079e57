"""2D keypoints in, people in the world out. Live, offline and replay call the same ``step``.

Align by capture time, undo left/right swaps, triangulate with soft weights, filter. The state is
a value: ``freeze`` and ``thaw`` carry it through a recording.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import align, kalman, swaps, triangulate
from core.align import Alignment, Instant
from core.cameras import Rig, undistort
from core.config import FusionConfig
from core.kalman import KeypointFilter
from core.messages import Keypoints2D, Person3D, Pose3D, view
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]
N_KEYPOINTS = len(HALPE_26.names)
_UPPER = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_MIN_KNOWN = 4  # keypoints that make a body a person
_JUMPED_SHARE = 0.5


class Body(msgspec.Struct, frozen=True):
    """One tracked person."""

    id: int
    filter: KeypointFilter


class FusionState(msgspec.Struct, frozen=True):
    """All that the fusion remembers."""

    alignment: Alignment = Alignment()
    body: Body | None = None
    bodies_seen: int = 0
    instants: int = 0
    consumed: tuple[tuple[str, int], ...] = ()
    """Taken in since the last instant was given out."""


def step(
    state: FusionState, keypoints: Keypoints2D, rig: Rig, config: FusionConfig
) -> tuple[FusionState, list[Pose3D]]:
    """Take in the keypoints of one frame; return the instants that became complete.

    Every instant is answered, also one with nobody in it. Frames of a camera that the rig does not
    have are refused with KeyError: they are a fault of the set-up.
    """
    if keypoints.camera not in rig.names:
        raise KeyError(f"{keypoints.camera}: not in the rig of {', '.join(rig.names)}")
    alignment, instants = align.add(state.alignment, keypoints, rig.names, config)
    consumed = (*state.consumed, (keypoints.camera, keypoints.frame))
    state = msgspec.structs.replace(state, alignment=alignment, consumed=consumed)
    return _fuse_all(state, instants, rig, config)


def finish(state: FusionState, rig: Rig, config: FusionConfig) -> tuple[FusionState, list[Pose3D]]:
    """Fuse what still waits for late cameras, at the end of a recording."""
    instants = align.rest(state.alignment)
    ended = msgspec.structs.replace(state.alignment, waiting=())
    return _fuse_all(msgspec.structs.replace(state, alignment=ended), instants, rig, config)


def _fuse_all(
    state: FusionState, instants: list[Instant], rig: Rig, config: FusionConfig
) -> tuple[FusionState, list[Pose3D]]:
    poses = []
    for instant in instants:
        state, pose = _fuse(state, instant, rig, config)
        poses.append(pose)
    return state, poses


def _fuse(
    state: FusionState, instant: Instant, rig: Rig, config: FusionConfig
) -> tuple[FusionState, Pose3D]:
    body = _remembered(state.body, instant.t_ns, config)
    views = _Views.of(instant, rig, config)
    flags = views.swaps(body, config)
    measured = views.triangulate(flags, config)
    if body is not None and _jumped(body, measured, config):
        body = Body(body.id, kalman.empty(instant.t_ns, N_KEYPOINTS))
        flags = views.swaps(None, config)
        measured = views.triangulate(flags, config)
    grown = _grown(body, measured, instant.t_ns, state.bodies_seen, config)
    person = _person(grown, measured, views.mean_confidence(flags), flags) if grown else None
    pose = Pose3D(
        t_ns=instant.t_ns,
        stamps=_latest_stamps(instant),
        instant=state.instants,
        skeleton=HALPE_26.name,
        cameras=tuple(one.camera for one in instant.views),
        frames=tuple(one.frame for one in instant.views),
        consumed=state.consumed,
        derived=_shared_bits(instant),
        persons=(person,) if person else (),
    )
    seen = max(state.bodies_seen, grown.id) if grown else state.bodies_seen
    return FusionState(
        state.alignment, grown, bodies_seen=seen, instants=state.instants + 1, consumed=()
    ), pose


class _Views(msgspec.Struct, frozen=True):
    """What the cameras of one instant saw, without their lenses' distortion."""

    image_from_world: F64  # (C, 3, 4)
    points_px: F64  # (C, J, 2)
    weight: F64  # (C, J), 0 = not seen

    @staticmethod
    def of(instant: Instant, rig: Rig, config: FusionConfig) -> "_Views":
        places = [rig.index(one.camera) for one in instant.views]
        points_px = np.full((len(places), N_KEYPOINTS, 2), np.nan)
        weight = np.zeros((len(places), N_KEYPOINTS))
        for row, one in enumerate(instant.views):
            points_px[row], weight[row] = _surest(one, config)
        ideal_px = undistort(rig.image_from_cam[places], rig.distortion[places], points_px)
        return _Views(rig.image_from_world[places], ideal_px, weight)

    def swaps(self, body: Body | None, config: FusionConfig) -> NDArray[np.bool_]:
        """Flag the cameras (C,) in which left and right are exchanged."""
        if body is None or np.isfinite(body.filter.points_m[:, 0]).sum() < _MIN_KNOWN:
            return swaps.from_scratch(self.image_from_world, self.points_px, self.weight)
        predicted = body.filter.points_m
        return swaps.against_prediction(
            self.image_from_world, predicted, self.points_px, self.weight, config.swap_gain
        )

    def triangulate(
        self, flags: NDArray[np.bool_], config: FusionConfig
    ) -> triangulate.Triangulated:
        """Triangulate with left and right put right."""
        return triangulate.robust(
            self.image_from_world,
            swaps.apply(self.points_px, flags),
            swaps.apply(self.weight, flags),
            config.robust_px,
            config.keypoint_sd_px,
        )

    def mean_confidence(self, flags: NDArray[np.bool_]) -> F64:
        """Mean over the cameras that saw a keypoint, (J,)."""
        weight = swaps.apply(self.weight, flags)
        return weight.sum(axis=0) / np.maximum((weight > 0).sum(axis=0), 1)


def _surest(keypoints: Keypoints2D, config: FusionConfig) -> tuple[F64, F64]:
    """Points (J, 2) and weights (J,) of the person seen most surely; nobody: no weight."""
    if not keypoints.persons:
        return np.full((N_KEYPOINTS, 2), np.nan), np.zeros(N_KEYPOINTS)
    person = max(keypoints.persons, key=lambda one: float(view(one, "confidence").sum()))
    points = view(person, "keypoints_px").astype(np.float64)
    confidence = view(person, "confidence").astype(np.float64)
    usable = (confidence >= config.min_confidence) & np.isfinite(points).all(axis=1)
    return points, np.where(usable, confidence, 0.0)


def _remembered(body: Body | None, t_ns: int, config: FusionConfig) -> Body | None:
    """Predict the body to an instant, or forget it when it was not seen for too long."""
    if body is None:
        return None
    last_seen_ns = np.nanmax(body.filter.seen_ns, initial=-np.inf)
    if not t_ns - last_seen_ns <= config.forget_after_ms * 1e6:
        return None
    moved = kalman.predict(body.filter, t_ns, config.acceleration_density_m2_s3)
    return Body(body.id, moved)


def _jumped(body: Body, measured: triangulate.Triangulated, config: FusionConfig) -> bool:
    """Whether the whole body is somewhere else: a cut in the footage, or somebody else."""
    off = kalman.off_gate(body.filter, measured.points_m, measured.covariance_m2, config.gate_sd)
    return bool(off.sum() > _JUMPED_SHARE * np.isfinite(measured.points_m[:, 0]).sum())


def _grown(
    body: Body | None,
    measured: triangulate.Triangulated,
    t_ns: int,
    bodies_seen: int,
    config: FusionConfig,
) -> Body | None:
    """Take the measurement into the body, or begin one where enough of a body is seen."""
    if body is None:
        if np.isfinite(measured.points_m[:, 0]).sum() < _MIN_KNOWN:
            return None
        body = Body(bodies_seen + 1, kalman.empty(t_ns, N_KEYPOINTS))
    updated = kalman.update(body.filter, measured.points_m, measured.covariance_m2, config.gate_sd)
    return Body(body.id, kalman.forget(updated, config.coast_ms * 1e6))


def _person(
    body: Body,
    measured: triangulate.Triangulated,
    confidence: F64,
    flags: NDArray[np.bool_],
) -> Person3D | None:
    """The message of a body; None while too little of it is known."""
    known = np.isfinite(body.filter.points_m[:, 0])
    if known.sum() < _MIN_KNOWN:
        return None
    covariance = np.stack([body.filter.covariance[:, i, k] for i, k in _UPPER], axis=-1)
    return Person3D(
        id=body.id,
        keypoints_m=_float32(body.filter.points_m),
        covariance_m2=_float32(covariance),
        measured_m=_float32(measured.points_m),
        confidence=_float32(np.where(known, confidence, 0.0)),
        n_views=measured.n_views.astype(np.uint8).tobytes(),
        swapped=sum(1 << int(place) for place in np.flatnonzero(flags)),
    )


def _float32(values: F64) -> bytes:
    return values.astype("<f4").tobytes()


def _shared_bits(instant: Instant) -> int:
    bits = 0
    for one in instant.views:
        bits |= one.derived
    return bits


def _latest_stamps(instant: Instant) -> dict[str, int]:
    """For each stage the time at which the last camera was through it."""
    stamps: dict[str, int] = {}
    for one in instant.views:
        for stage, t_ns in one.stamps.items():
            stamps[stage] = max(t_ns, stamps.get(stage, t_ns))
    return stamps


def freeze(state: FusionState) -> bytes:
    """Whole state as MessagePack; ``thaw`` gives back the same bits."""
    return msgspec.msgpack.encode(state, enc_hook=_array_out)


def thaw(raw: bytes) -> FusionState:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return msgspec.msgpack.decode(raw, type=FusionState, dec_hook=_array_in)


def _array_out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [list(value.shape), np.ascontiguousarray(value, dtype="<f8").tobytes()]
    raise NotImplementedError(type(value))


def _array_in(_: type, value: Any) -> Any:
    shape, raw = value
    return np.frombuffer(raw, dtype="<f8").reshape(shape)
