"""All machine code of the marker networks and the inverse kinematics, before the first frame.

Compiling takes seconds on a machine's first run, loading a good part of one on later ones
(``core.jit``). Made-up networks and a made-up body of one joint do: only the kinds of the arrays
count, not their sizes.
"""

import numpy as np

from core.kinematics import augment, forward, ik
from core.kinematics.augment import AugmentConfig, AugmentState, Networks
from core.kinematics.augment_inputs import HALVES, N_INPUTS, Half
from core.kinematics.ik import IkState, Observed
from core.kinematics.ik_task import IkConfig, Task, bind
from core.kinematics.lstm import Network
from core.kinematics.tree import F64, N_AXES, ROTATIONAL, TRANSLATIONAL, Tree

_N_CELLS = 8
_MARKERS = ("front", "side", "top")
_NS = 16_666_667


def compile_all() -> None:
    """Compile or load every kernel that ``augment.step`` and ``ik.step`` call."""
    networks, subject = _networks(), augment.subject(1.75, 70.0)
    memory, inputs_m = AugmentState(), np.arange(3.0 * N_INPUTS).reshape(N_INPUTS, 3) / 60
    for frame in range(2):
        memory, _ = augment.step(
            memory, frame * _NS, inputs_m, networks, subject, AugmentConfig(warm_frames=1)
        )
    for config in (IkConfig(), IkConfig(use_covariance=True, prior_weight=1e-4)):
        task, state = _task(config), IkState()
        points_m = forward.markers_m(task.machine, task.neutral[0]) + 0.1
        for _ in range(2):
            state, _ = ik.step(state, Observed(points_m), task, config)
    forward.jacobian(task.machine, task.neutral[0])


def _networks() -> Networks:
    return {half.name: _network(half) for half in HALVES}


def _network(half: Half) -> Network:
    n, n_features, n_outputs = _N_CELLS, 3 * len(half.takes) + 2, 3 * len(half.gives)
    return Network(
        first=np.zeros((n_features, 4 * n), np.float32),
        deeper=np.zeros((1, n, 4 * n), np.float32),
        recurrent=np.zeros((2, n, 4 * n), np.float32),
        bias=np.zeros((2, 4 * n), np.float32),
        dense=np.zeros((n, n_outputs), np.float32),
        dense_bias=np.zeros(n_outputs, np.float32),
        mean=np.zeros(n_features),
        sd=np.ones(n_features),
    )


def _task(config: IkConfig) -> Task:
    return bind(_tree(), dict.fromkeys(_MARKERS, 1.0), config)


def _tree() -> Tree:
    """A body that turns and shifts freely, three markers on it."""
    each, one = np.arange(N_AXES), np.ones((N_AXES, 1))
    eye = np.eye(3)[None]
    names = tuple(f"axis{number}" for number in range(N_AXES))
    return Tree(
        bodies=("ground", "body"),
        joints=("joint",),
        joint_kinds=("CustomJoint",),
        parent=np.zeros(1, np.int64),
        parent_rotation=eye,
        parent_offset=np.zeros((1, 3, 3)),
        child_rotation=eye,
        child_offset=np.zeros((1, 3, 3)),
        axes=np.concatenate([eye, eye], axis=1),
        axis_function=each[None],
        axis_source=each[None],
        axis_scale=np.ones((1, N_AXES)),
        function_kind=np.zeros(N_AXES, np.int64),
        function_inner=one * np.array([1.0, 0.0]),
        function_size=np.full(N_AXES, 2),
        function_values=one * np.array([0.0, 1.0]),
        function_knots=np.zeros((N_AXES, 2)),
        function_slopes=np.zeros((N_AXES, 2)),
        coordinates=names,
        coordinate_kind=np.repeat([ROTATIONAL, TRANSLATIONAL], 3),
        coordinate_joint=np.zeros(N_AXES, np.int64),
        coordinate_function=each,
        coordinate_source=each,
        default=np.zeros(N_AXES),
        limits=one * _wide(),
        clamped=np.zeros(N_AXES, np.bool_),
        locked=np.zeros(N_AXES, np.bool_),
        free=each,
        lower=np.full(N_AXES, -np.inf),
        upper=np.full(N_AXES, np.inf),
        markers=_MARKERS,
        marker_body=np.ones(len(_MARKERS), np.int64),
        marker_offset=0.3 * np.eye(3)[:, None, :] * np.eye(3),
    )


def _wide() -> F64:
    return np.array([-np.pi, np.pi])
