"""Cameras that do not begin together and do not count alike, with a known truth."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core import synthetic
from core.cameras import Rig, project
from core.messages import Keypoints2D
from core.sync.found import Views

F64 = NDArray[np.float64]
Movement = Callable[[float], F64]
"""Keypoints (26, 3) m at a time in s."""

_SEEN = 0.9
_BEFORE_S = 3.0
_PHASE = 0.23  # of a frame, from one free-running camera to the next
START_NS = 1_700_000_000_000_000_000


def walk(t_s: float) -> F64:
    """Somebody who walks in a circle of 1 m at 1 m/s, as ``synthetic.walk_m``."""
    return synthetic.at(t_s, np.array([np.sin(t_s), -np.cos(t_s)]), t_s)


def squat(t_s: float) -> F64:
    """Somebody who goes up and down, at a changing pace."""
    depth = 0.25 * (1 - np.cos(2 * np.pi * (0.6 * t_s + 0.3 * np.sin(0.9 * t_s))))
    return synthetic.standing_m() * [1.0, 1.0, 1.0 - 0.5 * depth]


def views(
    rig: Rig,
    n_frames: int,
    offsets: Sequence[float],
    movement: Movement | Sequence[Movement] = walk,
    *,
    drift_ppm: Sequence[float] | None = None,
    rate_hz: float = 60.0,
    noise_px: float = 2.0,
    noise_memory: float = 0.0,
    seed: int = 0,
) -> Views:
    """What each camera sees; frame m of the true count is its frame offset + (1 + drift) * m.

    Args:
        rig: C cameras as they really stand.
        n_frames: of each camera.
        offsets: (C,) frames.
        movement: of the person, or of each camera's.
        drift_ppm: (C,); none otherwise.
        rate_hz: of the true count.
        noise_px: standard deviation.
        noise_memory: correlation of the noise from frame to frame.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    n_cameras = len(rig.names)
    moves = [movement] * n_cameras if callable(movement) else movement
    drifts = np.zeros(n_cameras) if drift_ppm is None else np.asarray(drift_ppm)
    points_px = []
    for camera in range(n_cameras):
        count = (np.arange(n_frames) - offsets[camera]) / (1 + 1e-6 * drifts[camera])
        points_m = np.stack([moves[camera](t_s) for t_s in _BEFORE_S + count / rate_hz])
        noise = _noise(rng.normal(0.0, noise_px, (n_frames, points_m.shape[1], 2)), noise_memory)
        points_px.append(project(rig, points_m)[camera] + noise)
    seen = np.stack(points_px)
    return Views(rig.names, rate_hz, seen, np.where(np.isfinite(seen[..., 0]), _SEEN, 0.0))


def truth_m(t_ns: int, movement: Movement = walk) -> F64:
    """Keypoints (26, 3) of the person in front of free-running cameras, at a true time."""
    return movement(_BEFORE_S + (t_ns - START_NS) * 1e-9)


def free_running(
    rig: Rig,
    seconds: float,
    late_ms: Sequence[float],
    movement: Movement = walk,
    *,
    drift_ppm: Sequence[float] | None = None,
    rate_hz: float = 30.0,
    noise_px: float = 2.0,
    seed: int = 0,
) -> list[Keypoints2D]:
    """What cameras say that expose when they like and whose capture times are off.

    Args:
        rig: C cameras as they really stand.
        seconds: how long.
        late_ms: (C,) by how much the capture times are too late.
        movement: of the person.
        drift_ppm: (C,) by how much that grows; none otherwise.
        rate_hz: of each camera.
        noise_px: standard deviation.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    drifts = drift_ppm or [0.0] * len(rig.names)
    said = list[Keypoints2D]()
    for frame in range(round(seconds * rate_hz)):
        for camera, name in enumerate(rig.names):
            true_s = (frame + _PHASE * camera) / rate_hz
            points_px = project(rig, movement(_BEFORE_S + true_s))[camera]
            points_px = points_px + rng.normal(0.0, noise_px, points_px.shape)
            off_s = late_ms[camera] * 1e-3 + true_s * drifts[camera] * 1e-6
            t_ns = START_NS + round((true_s + off_s) * 1e9)
            said.append(synthetic.keypoints(name, frame, t_ns, points_px))
    return said


def _noise(white: F64, memory: float) -> F64:
    """Noise (T, …) of the same size that forgets by ``memory`` a frame."""
    out = white.copy()
    for frame in range(1, len(out)):
        out[frame] = memory * out[frame - 1] + np.sqrt(1 - memory**2) * white[frame]
    return out
