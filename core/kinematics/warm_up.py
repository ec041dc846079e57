"""Run the kinematics' machine code once before the cameras start, as ``core.warm_up`` does for the
fusion: compiling takes seconds on a machine's first run."""

import msgspec

from core import synthetic
from core.kinematics import live
from core.kinematics.live import Body, LiveState
from core.kinematics.settings import KinematicsConfig

_N_INSTANTS = 12
_PERIOD_NS = 40_000_000
_UNEVEN_FROM = 8


def warm_up(body: Body, config: KinematicsConfig) -> None:
    """Follow a synthetic walker until the model is scaled and the body found."""
    quick = msgspec.structs.replace(config, height_m=0.0, scale_after_frames=3)
    state, t_ns = LiveState(), 0
    for instant, points_m in enumerate(synthetic.walk_m(_N_INSTANTS, 25.0)):
        t_ns += _PERIOD_NS if instant < _UNEVEN_FROM else 2 * _PERIOD_NS // 3
        pose = synthetic.pose(instant, t_ns, {1: points_m})
        state, _ = live.step(state, pose, body, quick, ())
    body.tasks.clear()
