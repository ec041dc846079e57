"""Costs of pairs of cameras over lags, and the one set of offsets that suits all pairs best.

Letters: C cameras, P pairs, L lags, U time blocks, J keypoints, R bootstrap rounds. The lag of a
pair (a, b) is index in b less index in a of the same instant. Offsets are lags to the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_ROUNDS = 20


def pairs_of(n_cameras: int) -> I64:
    """(P, 2) of all pairs, the lower number first."""
    return np.array(list(combinations(range(n_cameras), 2)), dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Robust costs, not yet added up; a pair's lags lie around ``centre``."""

    pairs: I64  # (P, 2)
    centre: I64  # (P,)
    lags: I64  # (L,) beyond the centre
    sums: F64  # (P, U, J, L)
    counts: F64  # (P, U, J, L) distances that each sum is of

    def known(self) -> F64:
        """How many distances each mean is of, (P, L)."""
        return self.counts.sum(axis=(1, 2))

    def frames(self) -> F64:
        """How many frames show the keypoint that most of them show, (P, L)."""
        return self.counts.sum(axis=1).max(axis=1)

    def curves(self, weight: F64 | None = None) -> F64:
        """Mean costs (P, L), NaN where no distance is known.

        With ``weight`` (R, U, J) of time blocks and keypoints: (R, P, L).
        """
        if weight is None:
            sums, counts = self.sums.sum(axis=(1, 2)), self.known()
        else:
            flat = weight.reshape(len(weight), -1)
            shape = (len(self.pairs), flat.shape[1], len(self.lags))
            sums = np.einsum("rk,pkl->rpl", flat, self.sums.reshape(shape), optimize=True)
            counts = np.einsum("rk,pkl->rpl", flat, self.counts.reshape(shape), optimize=True)
        return np.where(counts > 0, sums / np.maximum(counts, 1e-9), np.nan)


def draws(rounds: int, n_blocks: int, n_keypoints: int, seed: int = 0) -> F64:
    """Weights (R, U, J) of a bootstrap over time blocks and, at the same time, over keypoints.

    What makes a keypoint err is the same through all blocks: so whole keypoints are drawn too
    (Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007).
    """
    rng = np.random.default_rng(seed)
    blocks = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), rounds)
    keypoints = rng.multinomial(n_keypoints, np.full(n_keypoints, 1 / n_keypoints), rounds)
    return (blocks[:, :, None] * keypoints[:, None]).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Costs of pairs ready to be looked up at any lag: outside they are as at an average lag."""

    pairs: I64  # (P, 2)
    reach: int
    """Lags from -reach to reach."""
    costs: F64  # (P, 8 * reach + 1)

    @staticmethod
    def of(pairs: I64, curves: F64, weight: F64) -> "Table":
        """From curves (P, 2 * reach + 1) with NaN, and the pairs' weights (P,)."""
        reach = curves.shape[1] // 2
        known = np.isfinite(curves)
        usual = np.array(
            [
                np.median(one[where]) if where.any() else 0.0
                for one, where in zip(curves, known, strict=True)
            ]
        )
        level = np.where(known, curves - usual[:, None], 0.0) * weight[:, None]
        return Table(pairs, reach, np.pad(level, ((0, 0), (3 * reach, 3 * reach))))

    def total(self, offsets: I64) -> float:
        """Cost of offsets (C,)."""
        lags = offsets[self.pairs[:, 1]] - offsets[self.pairs[:, 0]]
        return float(self.costs[np.arange(len(self.pairs)), lags + 4 * self.reach].sum())

    def profile(self, camera: int, offsets: I64, times: int = 1) -> F64:
        """Cost of one camera's offset, the others' kept, from -reach to reach, or ``times`` that.

        Twice the reach shows where else a camera fits that is not in the middle of the others.
        """
        candidates = np.arange(-times * self.reach, times * self.reach + 1)
        cost = np.zeros(len(candidates))
        for number, (a, b) in enumerate(self.pairs):
            if camera in (a, b):
                lags = candidates - offsets[a] if camera == b else offsets[b] - candidates
                cost += self.costs[number, lags + 4 * self.reach]
        return cost


def rival(profile: F64, at: int) -> float:
    """Least cost beyond the hills on both sides of a valley; inf where there is nothing beyond."""
    first, last = at, at
    while first > 0 and profile[first - 1] >= profile[first]:
        first -= 1
    while last < len(profile) - 1 and profile[last + 1] >= profile[last]:
        last += 1
    others = np.concatenate([profile[:first], profile[last + 1 :]])
    return float(others.min()) if len(others) else np.inf


def descend(table: Table, start: I64, reference: int | None) -> I64:
    """Offsets (C,) by moving one camera at a time to its least cost, until none moves.

    The reference stays.
    """
    offsets = start.copy()
    for _ in range(_ROUNDS):
        before = offsets.copy()
        for camera in range(len(offsets)):
            if camera != reference:
                offsets[camera] = np.argmin(table.profile(camera, offsets)) - table.reach
        if np.array_equal(before, offsets):
            break
    return offsets


def whole_frames(table: Table, n_cameras: int, reference: int) -> I64:
    """Offsets (C,) of least cost over all pairs; the search starts from each camera in turn."""
    found = [descend(table, one, reference) for one in _starts(table, n_cameras, reference)]
    return min(found, key=table.total)


def _starts(table: Table, n_cameras: int, reference: int) -> Sequence[I64]:
    """For each root camera all others where they suit the root alone."""
    starts = []
    for root in range(n_cameras):
        lags = np.zeros(n_cameras, dtype=np.int64)
        for number, (a, b) in enumerate(table.pairs):
            if root in (a, b):
                inside = table.costs[number, 3 * table.reach : 5 * table.reach + 1]
                lag = int(np.argmin(inside)) - table.reach
                lags[b if root == a else a] = lag if root == a else -lag
        starts.append(np.clip(lags - lags[reference], -table.reach, table.reach))
    return starts
