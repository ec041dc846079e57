"""The covariances are true: normalised errors squared average what chi-squared says.

For 10,000 instants; the band is that of the mean of so many chi-squared values as are independent
(Bar-Shalom, Li and Kirubarajan, 2001, section 5.4). Neighbours in time that share an error count
for less: their number follows from the autocorrelation.
"""

import numpy as np
import pytest
from scipy.stats import chi2

from core import fusion, synthetic, triangulate
from core.anatomy import anatomy_of
from core.cameras import project, undistort
from core.config import FusionConfig

N_INSTANTS, SETTLING = 10_000, 300
PERIOD_NS = 16_666_667
RIG = synthetic.ring(4)
DENSITY_M2_S3 = 0.5


def independent(series: np.ndarray) -> float:
    """Effective number of independent values (T,), by Geyer's initial positive sequence."""
    centred = series - series.mean()
    spectrum = np.abs(np.fft.rfft(centred, 2 * len(series))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(series)]
    correlation = correlation / correlation[0]
    pairs = correlation[1:-1:2] + correlation[2::2][: len(correlation[1:-1:2])]
    first_negative = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return len(series) / (1 + 2 * float(correlation[1] + pairs[1:first_negative].sum()))


def wandering_m(n_frames: int) -> np.ndarray:
    """Keypoints (T, 26, 3) that move as the filter believes, by white noise; tethered softly."""
    rng, dt = np.random.default_rng(4), PERIOD_NS * 1e-9
    strength = np.sqrt(DENSITY_M2_S3 * anatomy_of("HALPE_26").agility * dt)[:, None]
    home = synthetic.standing_m()
    place, speed, out = np.zeros_like(home), np.zeros_like(home), np.empty((n_frames, 26, 3))
    for frame in range(n_frames):
        out[frame] = home + place
        kick = rng.normal(0.0, 1.0, (2, 26, 3)) * strength
        place = place + dt * (speed + kick[0] / 2 + kick[1] / np.sqrt(12))
        speed = speed + kick[0] - dt * (speed + place)
    return out


def normalised(
    truth_m: np.ndarray, sd_px: np.ndarray, config: FusionConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors over their covariances (T, 26): triangulated, filtered."""
    rng, state = np.random.default_rng(0), fusion.FusionState()
    triangulated, filtered = [], []
    for frame, points_m in enumerate(truth_m):
        pixels = project(RIG, points_m)
        pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * sd_px[:, None, None]
        for name, points_px in zip(RIG.names, pixels, strict=True):
            message = synthetic.keypoints(name, frame, frame * PERIOD_NS, points_px)
            state, _ = fusion.step(state, message, RIG, config)
        assert state.noise is not None
        ideal_px = undistort(RIG.image_from_cam, RIG.distortion, pixels)
        weight = np.full(ideal_px.shape[:2], 0.9)
        found = triangulate.robust(RIG.image_from_world, ideal_px, weight, state.noise.sd_px)
        triangulated.append(squared(found.points_m - points_m, found.covariance_m2))
        body = state.people[0].filter
        filtered.append(squared(body.points_m - points_m, body.covariance[:, :3, :3]))
    return np.stack(triangulated)[SETTLING:], np.stack(filtered)[SETTLING:]


def squared(error: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    whitened = np.linalg.solve(covariance, error[..., None])[..., 0]
    return (error * whitened).sum(axis=-1)


def band(values: np.ndarray, what: str) -> tuple[float, float, float]:
    """Mean of (T, 26) and the 95 % band around 3 for one value an instant; printed."""
    each = values.mean(axis=1)
    n = min(independent(each), len(each))
    low, high = (float(chi2.ppf(q, 3 * n)) / n for q in (0.025, 0.975))
    print(f"{what}: mean {each.mean():.3f}, band {low:.3f} to {high:.3f} ({n:.0f} independent)")
    return float(each.mean()), low, high


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("third_px", [2.0, 6.0], ids=["alike", "one three times as noisy"])
@pytest.mark.parametrize("way", ["wanders", "walks"])
def test_the_covariances_are_true(third_px, way):
    sd_px = np.array([2.0, 2.0, third_px, 2.0])
    n = N_INSTANTS + SETTLING
    config = FusionConfig() if way == "walks" else FusionConfig(acceleration_density_m2_s3=0.5)
    truth_m = synthetic.walk_m(n) if way == "walks" else wandering_m(n)
    triangulated, filtered = normalised(truth_m, sd_px, config)
    mean, low, high = band(triangulated, f"{way}, third camera {third_px} px, triangulated")
    mean_filtered, low_f, high_f = band(filtered, f"{way}, third camera {third_px} px, filtered")
    assert low < mean < high
    if way == "wanders":
        assert low_f < mean_filtered < high_f
    else:  # nobody walks by white noise: the filter says a little more than its error
        assert 2.5 < mean_filtered < 3.2
