"""How near the fusion comes to a known truth: every synthetic trial through the production code."""

from dataclasses import asdict

from core import synthetic_trials
from core.config import FusionConfig
from core.synthetic_trials import TRIALS


def measure() -> dict[str, dict[str, float]]:
    """Score of each trial by its name: errors of the filtered keypoints in mm, counts."""
    config = FusionConfig()
    return {trial.name: asdict(synthetic_trials.run(trial, config)) for trial in TRIALS}
