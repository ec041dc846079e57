"""Which cameras saw the same bodies, and from that where all of them are, roughly.

Of two cameras each body seen by both gives guesses of where one is to the other; the right ones
agree over the bodies, the others scatter. The pairs that agree on most bodies are joined to a tree.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from core.calibration.poses import Guesses, inverse, joined, placed
from core.errors import CalibrationError

F64 = NDArray[np.float64]
Seen = Mapping[tuple[str, str], Guesses]
"""Guesses by camera and body."""
_TURN_RAD, _SHIFT = np.radians(4.0), 0.05  # what guesses that agree may differ by; of the distance
_MOST_BODIES = 60
_CAP = 0.25


def tree(seen: Seen, cameras: Sequence[str]) -> dict[str, F64]:
    """``cam_from_first`` (3, 4) of each camera, the first camera at the origin.

    Raises:
        CalibrationError: cameras that saw no body together with the others; says which.
    """
    pairs = {}
    for first, second in combinations(cameras, 2):
        common = sorted({b for c, b in seen if c == first} & {b for c, b in seen if c == second})
        if common:
            kept = np.linspace(0, len(common) - 1, min(len(common), _MOST_BODIES)).astype(int)
            chosen = [(seen[first, common[n]], seen[second, common[n]]) for n in kept]
            pairs[first, second] = (*_relative(chosen), len(common))
    poses = {cameras[0]: np.eye(3, 4)}
    while len(poses) < len(cameras):
        edges = [
            (support, a in poses, a, b, pose)
            for (a, b), (pose, support, _) in pairs.items()
            if (a in poses) != (b in poses)
        ]
        if not edges:
            raise CalibrationError(_unconnected(pairs, cameras))
        _, from_first, a, b, a_from_b = max(edges, key=lambda one: one[0])
        if from_first:
            poses[b] = joined(inverse(a_from_b), poses[a])
        else:
            poses[a] = joined(a_from_b, poses[b])
    return poses


def _relative(bodies: Sequence[tuple[Guesses, Guesses]]) -> tuple[F64, float]:
    """``first_from_second`` that is agreed on most, and by how many bodies."""
    every, weights, owner = [], [], []
    for number, (one, other) in enumerate(bodies):
        alone = slice(0, other.n_alone)
        there = joined(
            one.cam_from_body[:, None], inverse(other.cam_from_body[alone])[None]
        ).reshape(-1, 3, 4)
        weight = (_trust(one)[:, None] * _trust(other)[None, alone]).ravel()
        every.append(there)
        weights.append(weight)
        owner.append(np.full(len(weight), number))
    poses, weight, body = np.concatenate(every), np.concatenate(weights), np.concatenate(owner)
    agree = _agreement(poses) * weight  # (K, K): of the second with the first
    best = np.zeros((len(poses), len(bodies)))
    for number in range(len(bodies)):
        best[:, number] = agree[:, body == number].max(axis=1)
    chosen = int((best.sum(axis=1) + weight).argmax())
    near = agree[chosen] >= 0.5 * np.maximum(weight, 1e-9)
    return _mean(poses[near], agree[chosen, near]), float(best[chosen].sum())


def _trust(guess: Guesses) -> F64:
    """The better explained the likelier; (K,) up to 1."""
    return (guess.error_px.min() + 0.05) / (guess.error_px + 0.05)


def _agreement(poses: F64) -> F64:
    """How well each two poses agree (K, K), 1 for the same."""
    trace = np.einsum("aij,bij->ab", poses[:, :, :3], poses[:, :, :3])
    angle = np.arccos(np.clip((trace - 1) / 2, -1, 1)) / _TURN_RAD
    apart = np.linalg.norm(poses[:, None, :, 3] - poses[None, :, :, 3], axis=-1)
    size = np.linalg.norm(poses[:, :, 3], axis=-1).mean() * _SHIFT
    return np.exp(-0.5 * (angle**2 + (apart / max(size, 1e-9)) ** 2))


def _mean(poses: F64, weight: F64) -> F64:
    turn = Rotation.from_matrix(poses[:, :, :3]).mean(weights=weight).as_matrix()
    return np.column_stack([turn, np.average(poses[:, :, 3], axis=0, weights=weight)])


def _unconnected(pairs: Mapping[tuple[str, str], object], cameras: Sequence[str]) -> str:
    groups: list[set[str]] = [{name} for name in cameras]
    for a, b in pairs:
        one, other = (next(group for group in groups if name in group) for name in (a, b))
        if one is not other:
            one |= other
            groups.remove(other)
    names = [" with ".join(name for name in cameras if name in group) for group in groups]
    return (
        f"not connected: {'; '.join(names)}: no camera of one group saw the same thing at the same "
        "time as one of another. Show the board where a camera of each group sees it at once (a "
        "board printed on both sides is none), or film that again"
    )


def body_poses(seen: Seen, cam_from_world: Mapping[str, F64]) -> dict[str, F64]:
    """``world_from_body`` (3, 4) of each body: the guess that all cameras that saw it like best."""
    out = {}
    for name in dict.fromkeys(body for _, body in seen):
        views = {camera: guess for (camera, body), guess in seen.items() if body == name}
        tried = np.concatenate(
            [
                joined(inverse(cam_from_world[camera])[None], guess.cam_from_body[: guess.n_alone])
                for camera, guess in views.items()
            ]
        )
        off = np.zeros(len(tried))
        for camera, guess in views.items():
            there = joined(cam_from_world[camera][None], tried)  # (K, 3, 4)
            off += _apart(there, guess).min(axis=1)
        out[name] = tried[int(off.argmin())]
    return out


def _apart(poses: F64, guess: Guesses) -> F64:
    """How far poses (K, 3, 4) of a body are from each guess, (K, G): the axes count, capped."""
    ends = np.vstack([np.zeros(3), np.eye(3)])
    reach = 0.1 * np.linalg.norm(guess.cam_from_body[:, :, 3], axis=-1).mean()
    ours = placed(poses, reach * ends)  # (K, 4, 3)
    theirs = placed(guess.cam_from_body, reach * ends)
    off = np.linalg.norm(ours[:, None] - theirs[None], axis=-1).mean(axis=-1) / reach
    return np.minimum(off, 4 * _CAP) / _trust(guess)


def nearest_turn(pose: F64, guess: Guesses) -> int:
    """Which turn of the body a camera must have seen, if the body is at a pose in its axes."""
    return int(_apart(pose[None], guess)[0].argmin()) // guess.n_alone
