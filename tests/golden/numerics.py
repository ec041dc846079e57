"""How this machine rounds: two machines of the same fingerprint are to compute the same bits.

numpy's BLAS and LAPACK pick their kernels by the processor, and so do numpy's and scipy's own loops
with SIMD; libm and LLVM do too. Only operations of the libraries are asked, none of ours: a change
of our sources must never change the fingerprint.
"""

import hashlib
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.jit import kernel

F64 = NDArray[np.float64]


@kernel
def _mixed(values: F64) -> F64:
    """What machine code may contract or vectorise: sums of products, roots, functions of libm."""
    out = np.zeros_like(values)
    total = 0.0
    for i in range(len(values)):
        total = total * 0.75 + values[i] * values[i - 1] + 0.1
        out[i] = math.sqrt(abs(total)) + math.exp(-abs(values[i])) + math.atan2(values[i], total)
        out[i] += math.log1p(abs(total)) * math.sin(values[i]) * math.cos(total)
    return out


def _references(rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """Operations by name, at the sizes that the fusion has them."""
    small, stack, points = rng.normal(size=(9, 9)), rng.normal(size=(26, 3, 3)), rng.normal(size=94)
    cams, world = rng.normal(size=(4, 3, 4)), rng.normal(size=(26, 4))
    square = small @ small.T + np.eye(9)
    many, pairs = rng.normal(size=(60, 12)), rng.normal(size=(8, 26, 3))
    return {
        "matmul": lambda: [
            small @ small,
            cams[:, :, :3] @ stack[:4],
            world @ world.T,
            many.T @ many,
        ],
        "dot": lambda: [points @ points, points[:40] @ points[40:80], small @ small[0]],
        "einsum": lambda: [
            np.einsum("cij,nj->cni", cams, world),
            np.einsum("nij,njk,nlk->nil", stack, stack, stack),
        ],
        "solve": lambda: [np.linalg.solve(square, small), np.linalg.solve(stack, stack[::-1])],
        "inv": lambda: [np.linalg.inv(square), np.linalg.inv(stack), np.linalg.det(stack)],
        "svd": lambda: [np.linalg.svd(many), np.linalg.svd(stack)],
        "eigh": lambda: np.linalg.eigh(square),
        "lstsq": lambda: np.linalg.lstsq(many, many[:, 0] ** 2, rcond=None)[0],
        "sum": lambda: [points.sum(), pairs.sum(axis=-1), pairs.mean(axis=0), pairs.std(axis=1)],
        "norm": lambda: [np.linalg.norm(pairs, axis=-1), np.hypot(pairs[0], pairs[1])],
        "elementary": lambda: [np.exp(points), np.log(np.abs(points)), np.sqrt(np.abs(points))],
        "power": lambda: [np.abs(points) ** 1.7, points**-2, points**-3],
        "laguerre": lambda: np.polynomial.laguerre.laggauss(40),
        "angles": lambda: [np.sin(points), np.cos(points), np.arctan2(points, points[::-1])],
        "numba": lambda: _mixed(points),
    }


def fingerprint() -> dict[str, str]:
    """The first digits of the sha256 of what each operation gives here, by its name."""
    references = _references(np.random.default_rng(7))
    return {name: _digest(operation()) for name, operation in references.items()}


def differing(recorded: dict[str, str]) -> list[str]:
    """Operations that give something else here than where ``recorded`` was taken."""
    here = fingerprint()
    return sorted(name for name in here | recorded if here.get(name) != recorded.get(name))


def _digest(result: object) -> str:
    digest = hashlib.sha256()
    _feed(digest.update, result)
    return digest.hexdigest()[:16]


def _feed(update: Callable[[bytes], None], result: object) -> None:
    if isinstance(result, (list, tuple)):
        for one in result:
            _feed(update, one)
    else:
        update(np.ascontiguousarray(result, dtype="<f8").tobytes())
