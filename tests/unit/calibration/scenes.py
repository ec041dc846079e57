"""People before synthetic cameras."""

import numpy as np

from core import synthetic
from core.cameras import Rig, project
from core.offline import Recording
from core.skeletons import HALPE_26


def walk(seen_by: Rig, calibrated: Rig, n: int = 200, noise_px: float = 2.0, seed: int = 0):
    """What the true cameras saw of a walk, with the calibration that somebody has of them."""
    points_m = synthetic.walk_m(5 * n)[::5]
    pixels = project(seen_by, points_m).swapaxes(0, 1)  # (T, C, J, 2)
    pixels = pixels + np.random.default_rng(seed).normal(0, noise_px, pixels.shape)
    likelihood = np.where(np.isfinite(pixels).all(axis=-1), 0.9, 0.0)
    return Recording(calibrated, HALPE_26, 12.0, np.arange(n), pixels, likelihood)
