"""A stack of LSTM layers with a dense layer behind it, its memory carried from call to call.

Hochreiter and Schmidhuber, Neural Computation 9(8), 1997, in the form that Keras has: gates in the
order input, forget, cell, output; logistic gates, tanh elsewhere; float32. Each sum runs in one
fixed order, so that a sequence gives the same bits whether it comes whole or row by row.

Letters: T rows of time, F features, L layers, H cells of a layer, O outputs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.jit import kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_UNROLLED = 8
_ONE = np.float32(1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Weights of one network; all float32 in C order, but for the scaling of its features."""

    first: F32  # (F, 4H) of the features
    deeper: F32  # (L - 1, H, 4H) of the layer below
    recurrent: F32  # (L, H, 4H)
    bias: F32  # (L, 4H)
    dense: F32  # (H, O)
    dense_bias: F32  # (O,)
    mean: F64  # (F,)
    sd: F64  # (F,)

    @property
    def n_features(self) -> int:
        """Features of a row."""
        return len(self.first)


def blank(network: Network) -> F32:
    """Memory (2, L, H) of a network that has seen nothing: outputs and cells of each layer."""
    return np.zeros((2, *network.recurrent.shape[:2]), np.float32)


def run(network: Network, features: F64, memory: F32) -> tuple[F32, F32]:
    """Outputs (T, O) for scaled features (T, F), and the memory after the last row."""
    rows = np.ascontiguousarray(features, dtype=np.float32)
    return _run(
        rows,
        network.first,
        network.deeper,
        network.recurrent,
        network.bias,
        network.dense,
        network.dense_bias,
        memory,
    )


@kernel
def _run(
    rows: F32,
    first: F32,
    deeper: F32,
    recurrent: F32,
    bias: F32,
    dense: F32,
    dense_bias: F32,
    memory: F32,
) -> tuple[F32, F32]:
    after = memory.copy()
    below = _layer(rows, first, recurrent[0], bias[0], after[0, 0], after[1, 0])
    for k in range(1, len(recurrent)):
        below = _layer(below, deeper[k - 1], recurrent[k], bias[k], after[0, k], after[1, k])
    outputs = np.empty((len(rows), len(dense_bias)), np.float32)
    for t in range(len(rows)):
        outputs[t] = dense_bias
        _add_product(outputs[t], below[t], dense)
    return outputs, after


@kernel
def _layer(rows: F32, weights: F32, recurrent: F32, bias: F32, output: F32, cell: F32) -> F32:
    """Outputs (T, H) of one layer; ``output`` and ``cell`` (H,) are brought up to date."""
    outputs = np.empty((len(rows), len(output)), np.float32)
    gates = np.empty(len(bias), np.float32)
    for t in range(len(rows)):
        gates[:] = bias
        _add_product(gates, rows[t], weights)
        _add_product(gates, output, recurrent)
        _apply(gates, output, cell)
        outputs[t] = output
    return outputs


@kernel
def _add_product(out: F32, row: F32, weights: F32) -> None:
    """Add ``row @ weights``, eight summands at a time: rounded and stored less often."""
    n_whole = len(row) // _UNROLLED * _UNROLLED
    for i in range(0, n_whole, _UNROLLED):
        a, b, c, d = row[i], row[i + 1], row[i + 2], row[i + 3]
        e, f, g, h = row[i + 4], row[i + 5], row[i + 6], row[i + 7]
        of_a, of_b, of_c, of_d = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
        of_e, of_f, of_g, of_h = weights[i + 4], weights[i + 5], weights[i + 6], weights[i + 7]
        for j in range(len(out)):
            half = (a * of_a[j] + b * of_b[j]) + (c * of_c[j] + d * of_d[j])
            rest = (e * of_e[j] + f * of_f[j]) + (g * of_g[j] + h * of_h[j])
            out[j] += half + rest
    for i in range(n_whole, len(row)):
        for j in range(len(out)):
            out[j] += row[i] * weights[i, j]


@kernel
def _apply(gates: F32, output: F32, cell: F32) -> None:
    """From the gates' sums (4H,) to the layer's new output and cell; ``gates`` is used up."""
    n = len(output)
    for j in range(n):
        gates[2 * n + j] = np.tanh(gates[2 * n + j])
    for j in range(4 * n):
        if j < 2 * n or j >= 3 * n:
            gates[j] = _ONE / (_ONE + np.exp(-gates[j]))
    for j in range(n):
        cell[j] = gates[n + j] * cell[j] + gates[j] * gates[2 * n + j]
        output[j] = gates[3 * n + j] * np.tanh(cell[j])
