"""2D keypoints in, people in the world out. Live, offline and replay call the same ``step``.

Align by capture time, give detections to people, undo left/right swaps, triangulate with soft
weights, filter. The state is a value: ``freeze`` and ``thaw`` carry it through a recording.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import (
    align,
    anatomy,
    freezing,
    kalman,
    mending,
    mending_state,
    people,
    predict,
    resample,
    steering,
    swaps,
    whitening,
)
from core.align import Alignment, Instant
from core.associate import Detections
from core.cameras import Rig, undistort
from core.config import FusionConfig
from core.mending_state import Mending
from core.messages import Keypoints2D, Person2D, Person3D, PlaceDecision, Pose3D, view
from core.noise import Noise, learn
from core.people import Body, Followed
from core.resample import Resampling
from core.steering import Steering

F64 = NDArray[np.float64]
LESSON_EACH_NS = 100_000_000
_UPPER = np.array(((0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)))  # xx yy zz xy xz yz


class FusionState(msgspec.Struct, frozen=True):
    """All that the fusion remembers."""

    alignment: Alignment = Alignment()
    """Of triggered cameras."""
    resampling: Resampling = Resampling()
    """Of free-running cameras."""
    people: tuple[Body, ...] = ()
    people_seen: int = 0
    instants: int = 0
    noise: Noise | None = None
    """Each camera's as learnt; None before the first."""
    learnt_ns: int = 0
    consumed: tuple[tuple[str, int], ...] = ()
    """Taken in since the last instant was given out."""
    skeleton: str = ""
    """Keypoint set of the run, as the first message had it; empty before."""
    steering: Steering = Steering()
    """Of cameras whose clocks are off."""
    mending: Mending = Mending()


Decided = tuple[PlaceDecision, ...]


def step(
    state: FusionState,
    keypoints: Keypoints2D,
    rig: Rig,
    config: FusionConfig,
    decisions: Decided = (),
    ask: steering.Ask = steering.answer,
) -> tuple[FusionState, list[Pose3D]]:
    """Take in the keypoints of one frame; return the instants that became complete.

    Every instant is answered, also one with nobody in it. The first message decides which keypoint
    set is fused. ``decisions`` are those of the operator so far; they count from the next instant.
    ``ask``: see ``core.steering``.

    Raises:
        ValueError: a message that ``refusal`` has something against.
    """
    if reason := refusal(state, keypoints, rig):
        raise ValueError(reason)
    consumed = (*state.consumed, (keypoints.camera, keypoints.frame))
    state = msgspec.structs.replace(state, consumed=consumed, skeleton=keypoints.skeleton)
    if steering.is_on(config):
        steered = steering.step(state.steering, keypoints, rig, config, ask)
        state = msgspec.structs.replace(state, steering=steered)
        keypoints = steering.in_time(steered, keypoints)
    if config.alignment == "interpolated":
        resampling, instants = resample.add(state.resampling, keypoints, rig.names, config)
        state = msgspec.structs.replace(state, resampling=resampling)
    else:
        alignment, instants = align.add(state.alignment, keypoints, rig.names, config)
        state = msgspec.structs.replace(state, alignment=alignment)
    return _fuse_all(state, instants, rig, config, decisions)


def refusal(state: FusionState, keypoints: Keypoints2D, rig: Rig) -> str:
    """Say why keypoints cannot be fused; empty where they can."""
    if keypoints.camera not in rig.names:
        return f"{keypoints.camera}: not in the rig of {', '.join(rig.names)}"
    if state.skeleton and keypoints.skeleton != state.skeleton:
        return (
            f"{keypoints.camera}: keypoints of {keypoints.skeleton}, and this run began with "
            f"{state.skeleton}; use the same pose model for all cameras"
        )
    return anatomy.objection(keypoints.skeleton)


def finish(
    state: FusionState, rig: Rig, config: FusionConfig, decisions: Decided = ()
) -> tuple[FusionState, list[Pose3D]]:
    """Fuse what still waits for late cameras, at the end of a recording.

    Of free-running cameras nothing waits: what has no later frame cannot be interpolated.
    """
    instants = align.rest(state.alignment)
    ended = msgspec.structs.replace(state.alignment, waiting=())
    state = msgspec.structs.replace(state, alignment=ended)
    return _fuse_all(state, instants, rig, config, decisions)


def _fuse_all(
    state: FusionState, instants: list[Instant], rig: Rig, config: FusionConfig, decisions: Decided
) -> tuple[FusionState, list[Pose3D]]:
    poses = []
    for instant in instants:
        mended = mending_state.decide(state.mending, decisions, rig)
        state = msgspec.structs.replace(state, mending=mended)
        state, pose = _fuse(state, instant, rig, config)
        pose = msgspec.structs.replace(pose, decisions=decisions)
        poses.append(pose)
    return state, poses


def _fuse(
    state: FusionState, instant: Instant, given: Rig, config: FusionConfig
) -> tuple[FusionState, Pose3D]:
    rig = mending_state.in_force(state.mending, given)
    n_cameras = len(rig.names)
    before = state.noise or Noise(np.full(n_cameras, config.keypoint_sd_px), np.zeros(n_cameras))
    seen = _Seen.of(instant, state.skeleton, rig, config, before.sd_px)
    believed_px = mending_state.believed_px(state.mending, before.sd_px)
    followed = people.follow(
        state.people, seen.detections, instant.t_ns, state.people_seen, rig, believed_px, config
    )
    pose = Pose3D(
        t_ns=instant.t_ns,
        stamps=_latest_stamps(instant),
        instant=state.instants,
        skeleton=seen.detections.anatomy.skeleton,
        cameras=tuple(one.camera for one in instant.views),
        frames=tuple(one.frame for one in instant.views),
        consumed=state.consumed,
        derived=_shared_bits(instant),
        ahead_ms=config.predict_ms,
        persons=tuple(_person(one, seen, config) for one in followed if people.is_sure(one.body)),
    )
    lesson_ns = instant.t_ns - state.learnt_ns if state.instants else LESSON_EACH_NS
    teaches = config.learn_noise and lesson_ns >= LESSON_EACH_NS
    after = FusionState(
        alignment=state.alignment,
        resampling=state.resampling,
        people=tuple(one.body for one in followed),
        people_seen=max([state.people_seen, *(one.body.id for one in followed)]),
        instants=state.instants + 1,
        noise=_learnt(before, followed, seen.detections, rig, lesson_ns) if teaches else before,
        learnt_ns=instant.t_ns if teaches else state.learnt_ns,
        skeleton=state.skeleton,
        steering=state.steering,
        mending=mending.watch(state.mending, instant.t_ns, followed, seen.detections, rig, given)
        if config.mend_cameras
        else state.mending,
    )
    return after, pose


def _learnt(
    known: Noise, followed: list[Followed], detections: Detections, rig: Rig, elapsed_ns: int
) -> Noise:
    for one in followed:
        if one.sight is not None:
            camera = detections.camera[one.sight.members]
            _, _, measured, weight, whiten = one.sight
            cameras = rig.image_from_world[camera]
            known = learn(known, camera, weight, measured, cameras, elapsed_ns, whiten)
    return known


class _Seen(msgspec.Struct, frozen=True):
    """All people in all pictures of one instant, and where each was."""

    detections: Detections
    view: NDArray[np.intp]
    """(D,) place of the picture in the instant."""
    place: NDArray[np.intp]
    """(D,) place of the person in its picture's keypoints."""
    n_views: int
    confidence: F64
    """(D, J), 0 where not used."""

    @staticmethod
    def of(instant: Instant, skeleton: str, rig: Rig, config: FusionConfig, sd_px: F64) -> "_Seen":
        """Take an instant apart; ``sd_px``: (C,) each camera's noise as learnt."""
        where = [
            (rig.index(one.camera), number, place)
            for number, one in enumerate(instant.views)
            for place in range(len(one.persons))
        ]
        table = np.array(where, dtype=np.intp).reshape(-1, 3)
        camera, number, place = table.T
        parts = anatomy.anatomy_of(skeleton)
        everybody = [person for one in instant.views for person in one.persons]
        raw = np.frombuffer(b"".join(one.keypoints_px for one in everybody), "<f4")
        points = raw.reshape(len(where), parts.n_keypoints, 2).astype(np.float64)
        sure = np.frombuffer(b"".join(one.confidence for one in everybody), "<f4")
        confidence = sure.reshape(len(where), parts.n_keypoints).astype(np.float64)
        usable = (confidence >= config.min_confidence) & np.isfinite(points).all(axis=2)
        ideal_px = undistort(rig.image_from_cam[camera], rig.distortion[camera], points)
        usable &= np.isfinite(ideal_px).all(axis=2)  # far outside, a lens cannot be undone
        confidence = np.where(usable, confidence, 0.0)
        weighed = whitening.Whitened(confidence, None)
        if config.use_covariance and any(one.covariance_px2 for one in everybody):
            covariance_px2 = _covariances(everybody, parts.n_keypoints)
            weighed = whitening.whitened(
                confidence, covariance_px2, config.keypoint_sd_px, sd_px[camera]
            )
        seen = Detections(camera, ideal_px, weighed.weight, parts, weighed.whitening)
        return _Seen(seen, number, place, len(instant.views), confidence)


def _covariances(people: list[Person2D], n_keypoints: int) -> F64:
    """(D, J, 3) px2, NaN where unknown."""
    unknown = np.full((n_keypoints, 3), np.nan)
    each = [view(one, "covariance_px2") if one.covariance_px2 else unknown for one in people]
    return np.stack(each).astype(np.float64)


def _person(one: Followed, seen: _Seen, config: FusionConfig) -> Person3D:
    """The message of a person."""
    state, sight = one.body.filter, one.sight
    ahead_ns = state.t_ns + round(config.predict_ms * 1e6)
    noise = kalman.density(config) * seen.detections.anatomy.agility
    known = np.isfinite(state.mean[:, 0])
    detections, swapped = [-1] * seen.n_views, 0
    confidence = np.zeros(len(known))
    measured_m, n_views = np.full_like(state.points_m, np.nan), np.zeros(len(known))
    if sight is not None:
        for member, is_swapped in zip(sight.members, sight.swapped, strict=True):
            detections[seen.view[member]] = int(seen.place[member])
            swapped |= int(is_swapped) << int(seen.view[member])
        measured_m, n_views = sight.measured.points_m, sight.measured.n_views
        each = swaps.apply(
            seen.confidence[sight.members], sight.swapped, seen.detections.anatomy
        )  # (V, J)
        confidence = each.sum(axis=0) / np.maximum((each > 0).sum(axis=0), 1)
    return Person3D(
        id=one.body.id,
        keypoints_m=_float32(state.points_m),
        covariance_m2=_float32(state.covariance[:, _UPPER[0], _UPPER[1]]),
        velocity_m_s=_float32(state.velocity_m_s),
        predicted_m=_float32(predict.ahead(state, ahead_ns, noise).points_m),
        measured_m=_float32(measured_m),
        confidence=_float32(np.where(known, confidence, 0.0)),
        n_views=n_views.astype(np.uint8).tobytes(),
        detections=tuple(detections),
        swapped=swapped,
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
    return freezing.freeze(state)


def thaw(raw: bytes) -> FusionState:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return freezing.thaw(raw, FusionState)
