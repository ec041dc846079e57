"""The main person of each camera, where several people are in its pictures.

Without a common time it is not known who is who in two cameras. So each camera follows the person
who is large and surely seen, and does not jump to another one where they come close.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_LEAP = 2.0  # how dear it is to go on one body height away, in shares of the largest person
_LEAST_HEIGHT_PX = 1.0


def main_person(people: Mapping[int, Sequence[F64]], n_frames: int, n_keypoints: int) -> F64:
    """One person's keypoints (T, J, 3): x px, y px, likelihood; NaN, NaN, 0 where not seen.

    Args:
        people: by frame everybody in the picture, each (J, 3) likewise; a frame may be missing.
        n_frames: T.
        n_keypoints: J.

    The way through the frames with the largest sum of height times mean likelihood, less a price
    for leaps (Viterbi 1967).
    """
    out = np.full((n_frames, n_keypoints, 3), np.nan)
    out[..., 2] = 0.0
    frames = [frame for frame in sorted(people) if people[frame]]
    if not frames:
        return out
    chosen = [0] * len(frames)
    if any(len(people[frame]) > 1 for frame in frames):
        chosen = _way([_looks(people[frame]) for frame in frames])
    for frame, place in zip(frames, chosen, strict=True):
        out[frame] = people[frame][place]
    return out


def _looks(people: Sequence[F64]) -> F64:
    """(P, 4) middle x, y, height in px, and mean likelihood of each; all 0 for nothing seen."""
    looks = np.zeros((len(people), 4))
    for number, one in enumerate(people):
        seen = np.isfinite(one[:, 0])
        if seen.any():
            points = one[seen, :2]
            looks[number] = (*points.mean(axis=0), np.ptp(points[:, 1]), one[:, 2].mean())
    return looks


def _way(looks: Sequence[F64]) -> list[int]:
    """Which of the people of each frame the best way goes through."""
    largest = max(float((one[:, 2] * one[:, 3]).max()) for one in looks) or 1.0
    total = looks[0][:, 2] * looks[0][:, 3] / largest
    from_whom = []
    for before, after in pairwise(looks):
        apart = np.linalg.norm(after[:, None, :2] - before[None, :, :2], axis=-1)
        height = np.maximum(before[None, :, 2], _LEAST_HEIGHT_PX)
        ways = total[None] - _LEAP * np.minimum(apart / height, 1.0)  # (after, before)
        from_whom.append(ways.argmax(axis=1))
        total = ways.max(axis=1) + after[:, 2] * after[:, 3] / largest
    way = [int(total.argmax())]
    for back in reversed(from_whom):
        way.append(int(back[way[-1]]))
    return way[::-1]
