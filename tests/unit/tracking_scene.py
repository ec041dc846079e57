"""Made-up people in a row in the pictures of one camera. They are given; no network runs."""

import numpy as np

from core.config import PoseConfig
from core.pose import tracking
from core.pose.backend import Estimate, Found
from core.pose.crops import Roi
from core.pose.tracking import Absorbed, Expected, Job, Tracks
from core.skeletons import HALPE_26

CONFIG = PoseConfig()
PARTNER = HALPE_26.partner
SECOND = 1_000_000_000
BODY = np.random.default_rng(0).uniform([-40, -100], [40, 100], (26, 2))
BODY[list(PARTNER)] = BODY * [-1, 1]
BODY[np.array(PARTNER) == np.arange(26), 0] = 0.0
"""A made-up upright person of 200 px, symmetric about its middle."""


def at(x: float, y: float = 200.0, presence: float = 0.9) -> Estimate:
    return Estimate(presence, BODY + [x, y], np.full(26, 0.9), roi(x, y))


def roi(x: float, y: float = 200.0) -> Roi:
    return Roi(x, y, 250.0, 0.0)


def seen(x: float, score: float = 0.9) -> Found:
    return Found(score, roi(x))


def fused(person: int, x: float) -> Expected:
    return Expected(person, BODY + [x, 200.0], roi(x))


def frame(
    state: Tracks,
    people: dict[float, Estimate],
    t_ns: int = 0,
    found: list[Found] | None = None,
    expected: list[Expected] | None = None,
    config: PoseConfig = CONFIG,
) -> Absorbed:
    """One frame in which each region holds the person nearest to it, or nobody."""
    listed = tracking.jobs(state, expected or [], found or [], t_ns, config)
    done = [(job, _measured(job, people)) for job in listed]
    return tracking.absorb(state, done, expected or [], t_ns, config, PARTNER)


def _measured(job: Job, people: dict[float, Estimate]) -> Estimate:
    near = [x for x in people if abs(x - job.roi.x_px) < 80]
    if not near:
        return at(job.roi.x_px, presence=0.1)
    return people[min(near, key=lambda x: abs(x - job.roi.x_px))]


def people(*places: float) -> dict[float, Estimate]:
    return {x: at(x) for x in places}


def numbers(came: Absorbed) -> dict[int, float]:
    return {number: float(one.next_roi.x_px) for number, one in came.people}
