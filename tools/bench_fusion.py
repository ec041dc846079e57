"""What one fused instant costs."""

import time
from statistics import median

from core import fusion, synthetic
from core.config import FusionConfig
from core.fusion import FusionState


def measure(rounds: int) -> dict[str, float]:
    """Median µs of one instant of 4 and of 8 cameras, one person, 26 keypoints, 2 px noise."""
    return {f"{n} cameras": _instant_us(n, rounds) for n in (4, 8)}


def _instant_us(n_cameras: int, rounds: int) -> float:
    rig, config = synthetic.ring(n_cameras), FusionConfig()
    messages = synthetic.seen(rig, synthetic.walk_m(rounds), noise_px=2.0)
    state, times_us, since_us = FusionState(), [], 0.0
    for message in messages:
        begin_ns = time.perf_counter_ns()
        state, poses = fusion.step(state, message, rig, config)
        since_us += (time.perf_counter_ns() - begin_ns) / 1e3
        if poses:
            times_us.append(since_us)
            since_us = 0.0
    return median(times_us)
