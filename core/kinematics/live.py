"""People in the world in, joint coordinates of a body model out. Live, verification and offline
call the same ``step``.

For each person: measure the height, put anatomical markers on the body (LSTM), measure the
segments, scale the model to them, then inverse kinematics frame by frame. The world has Z up, the
model Y up; ``core.kinematics.markers_of`` is where one becomes the other. The state is a value:
``freeze`` and ``thaw`` carry it through a recording.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from core import freezing, gait
from core.gait import Gait
from core.kinematics import body_model, coordinates, ik, markers_of, rates, scaling_tree, size
from core.kinematics.augment import AugmentState, Networks
from core.kinematics.body_model import BodyModel
from core.kinematics.coordinates import Measured
from core.kinematics.ik import IkState
from core.kinematics.ik_task import Task, bind
from core.kinematics.marker_weights import weights_of
from core.kinematics.markers_of import Marked
from core.kinematics.rates import Rates
from core.kinematics.scaling import Pair, distances_m
from core.kinematics.settings import KinematicsConfig
from core.kinematics.size import Size
from core.kinematics.tree import F64
from core.messages import JointAngles, Person3D, PersonAngles, Pose3D, SizeRequest, view
from core.skeletons import Skeleton, named

_MOST_TASKS = 64


class Mover(msgspec.Struct, frozen=True):
    """All that is remembered of one person."""

    seen_ns: int
    rates: Rates
    size: Size = Size()
    augmentation: AugmentState = AugmentState()
    ik: IkState = IkState()
    gait: Gait = Gait()


class LiveState(msgspec.Struct, frozen=True):
    """All that the kinematics remembers."""

    instant: int = -1
    """Of the last pose."""
    people: dict[int, Mover] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body model as the steps use it, and the networks; made once a run by ``body_of``."""

    model: BodyModel
    networks: Networks | None
    """None: the keypoints are the markers."""
    pairs: tuple[Pair, ...]
    model_m: dict[Pair, float]
    names: tuple[str, ...]
    """Coordinates (Q,) that are given."""
    density: F64
    """(Q,) see ``core.kinematics.rates``."""
    turns: F64
    tasks: dict[bytes, Task] = field(default_factory=dict[bytes, Task])
    """Models scaled already, by their factors and markers: only a memory of what follows from
    these."""


def body_of(model: BodyModel, networks: Networks | None, config: KinematicsConfig) -> Body:
    """Prepare a body model for ``step``; ``networks`` None where nothing is augmented."""
    names = coordinates.names(model.tree)
    density, turns = coordinates.kinds(model.tree, config.rates)
    return Body(
        model,
        networks if config.augment else None,
        body_model.pairs_of(model),
        body_model.distances_m(model),
        names,
        density,
        turns,
    )


def step(
    state: LiveState,
    pose: Pose3D,
    body: Body,
    config: KinematicsConfig,
    subjects: Collection[int],
    size_requests: Sequence[SizeRequest] = (),
) -> tuple[LiveState, JointAngles]:
    """Take in one instant; ``subjects`` are the people of interest, none: everybody.

    ``size_requests`` are the last ones, one for a person at most; the same ones may come each time.
    An instant whose number is not greater than the last one's comes from a fusion that was started
    again: nobody is known any more.
    """
    if pose.instant <= state.instant:
        state = LiveState()
    skeleton = named(pose.skeleton)
    says = markers_of.objection(skeleton, augment=body.networks is not None)
    people, said = dict[int, Mover](), list[PersonAngles]()
    asked = {one.person: one for one in size_requests}
    for person in pose.persons if not says else ():
        if not subjects or person.id in subjects:
            before = _before(state.people.get(person.id), asked.get(person.id), pose.t_ns, body)
            moved = _person(before, person, pose.t_ns, skeleton, body, config)
            people[person.id] = moved[0]
            said.append(moved[1])
    forget_ns = config.forget_after_ms * 1e6
    absent = {
        id: one
        for id, one in state.people.items()
        if id not in people and pose.t_ns - one.seen_ns <= forget_ns
    }
    found = JointAngles(
        t_ns=pose.t_ns,
        stamps=pose.stamps,
        instant=pose.instant,
        coordinates=() if says else body.names,
        subjects=tuple(subjects),
        size_requests=tuple(size_requests),
        says=says,
        persons=tuple(said),
    )
    return LiveState(pose.instant, dict(sorted((absent | people).items()))), found


def _before(mover: Mover | None, asked: SizeRequest | None, t_ns: int, body: Body) -> Mover:
    """What is known of a person before an instant, and after what is asked.

    What was asked before the person came was asked of somebody else of that number.
    """
    if mover is None:
        known = Size(heard=asked.number if asked else 0)
        return Mover(t_ns, rates.empty(len(body.names)), known)
    grown = size.hear(mover.size, asked) if asked else mover.size
    if asked and asked.wish == "measure" and grown is not mover.size:
        return Mover(t_ns, rates.empty(len(body.names)), grown, gait=mover.gait)
    return msgspec.structs.replace(mover, size=grown)


def _person(
    mover: Mover,
    person: Person3D,
    t_ns: int,
    skeleton: Skeleton,
    body: Body,
    config: KinematicsConfig,
) -> tuple[Mover, PersonAngles]:
    points_m = view(person, "keypoints_m").astype(np.float64)
    upright = size.is_upright(points_m, skeleton)
    grown = size.with_height(mover.size, points_m, skeleton, config) if upright else mover.size
    augmentation, marked = markers_of.step(
        mover.augmentation, t_ns, person, grown.height_m, skeleton, body.networks, config
    )
    if upright and marked is not None:
        seen_m = distances_m(marked.points_m, marked.names, body.pairs)
        grown = size.with_lengths(grown, seen_m, body.pairs, body.model_m, body.model, config)
    walk, events = mover.gait, list[gait.GaitEvent]()
    if gait.can_walk(skeleton):
        velocity_m_s = view(person, "velocity_m_s").astype(np.float64)
        walk, events = gait.step(walk, t_ns, points_m, velocity_m_s, skeleton, config.gait)
    solved, measured = _solved(mover.ik, marked, grown, body, config)
    if measured.status == "found":  # another pose than before: no movement led there
        mover = msgspec.structs.replace(mover, rates=rates.empty(len(body.names)))
    speed = rates.step(mover.rates, t_ns, measured.value, measured.sd, body.density, body.turns)
    known = np.isfinite(measured.value)
    said = PersonAngles(
        id=person.id,
        status=measured.status,
        value=measured.value.astype("<f4").tobytes(),
        sd=measured.sd.astype("<f4").tobytes(),
        rate=np.where(known, speed.rate, np.nan).astype("<f4").tobytes(),
        observed=measured.observed.astype(np.uint8).tobytes(),
        height_m=grown.height_m,
        marker_rms_m=measured.rms_m,
        events=tuple(events),
        walking=gait.walking(walk),
        size=size.told(grown, config),
    )
    return Mover(t_ns, speed, grown, augmentation, solved, walk), said


def _solved(
    state: IkState, marked: Marked | None, grown: Size, body: Body, config: KinematicsConfig
) -> tuple[IkState, Measured]:
    if marked is None or not grown.is_scaled:
        return state, coordinates.unknown(body.names, "measuring")
    task = _task(marked.names, grown, body, config)
    chosen = [marked.names.index(name) for name in task.markers]
    observed = markers_of.for_model(marked, chosen)
    state, solution = ik.step(state, observed, task, config.ik)
    return state, coordinates.measured(solution, observed, task, config.ik)


def _task(names: tuple[str, ...], grown: Size, body: Body, config: KinematicsConfig) -> Task:
    """The model of a person, bound to the markers."""
    key = grown.factors.tobytes() + "\n".join(names).encode()
    if key not in body.tasks:
        if len(body.tasks) >= _MOST_TASKS:
            del body.tasks[next(iter(body.tasks))]
        tree = body.model.tree
        factors = dict(zip(tree.bodies[1:], grown.factors[1:], strict=True))
        scaled = scaling_tree.scale(tree, factors)
        body.tasks[key] = bind(scaled, weights_of(names, tree.markers), config.ik)
    return body.tasks[key]


def freeze(state: LiveState) -> bytes:
    """Whole state as MessagePack; ``thaw`` gives back the same bits."""
    return freezing.freeze(state)


def thaw(raw: bytes) -> LiveState:
    """Read what ``freeze`` wrote; msgspec.MsgspecError when it is something else."""
    return freezing.thaw(raw, LiveState)
