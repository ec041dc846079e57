"""Spreads the sparse weights of a .tflite network over plain arrays.

Source of the storage: TensorFlow Lite, schema.fbs, SparsityParameters.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tflite.DimensionType import DimensionType
from tflite.Int32Vector import Int32Vector
from tflite.SparseIndexVector import SparseIndexVector
from tflite.Uint8Vector import Uint8Vector
from tflite.Uint16Vector import Uint16Vector

Array = NDArray[Any]

_INDEX_VECTORS = {
    SparseIndexVector.Int32Vector: Int32Vector,
    SparseIndexVector.Uint16Vector: Uint16Vector,
    SparseIndexVector.Uint8Vector: Uint8Vector,
}


def integers(vector: Array | Literal[0]) -> tuple[int, ...]:
    """A vector of the file; the generated classes give a plain 0 where there is none."""
    return tuple(int(value) for value in vector) if isinstance(vector, np.ndarray) else ()


def densify(sparsity: Any, values: Array, shape: Sequence[int]) -> Array:
    """Spread the stored values of a sparse tensor over an array of ``shape``, zeros elsewhere.

    The dimensions form a tree that is walked in traversal order, one level at a time for all of
    its nodes: a dense level has each coordinate under each node, a sparse one those listed (CSR).
    Dimensions beyond the rank are positions inside blocks of the dimensions in the block map.
    Source: TensorFlow Lite, FormatConverter::SparseToDense.
    """
    order = integers(sparsity.TraversalOrderAsNumpy())
    blocked = integers(sparsity.BlockMapAsNumpy())
    node = np.zeros(1, np.int64)  # of the level above, for each entry
    coordinates: dict[int, NDArray[np.int64]] = {}
    sizes: dict[int, int] = {}
    for level, dimension in enumerate(order):
        above, node, along = _descend(sparsity.DimMetadata(level), node)
        coordinates = {known: entries[above] for known, entries in coordinates.items()}
        coordinates[dimension] = along
        sizes[dimension] = sparsity.DimMetadata(level).DenseSize()
    for k, dimension in enumerate(blocked):
        block = len(shape) + k
        coordinates[dimension] = coordinates[dimension] * sizes[block] + coordinates[block]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(coordinates[dimension] for dimension in range(len(shape)))] = values
    return dense


def _descend(
    level: Any, node: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each entry one level down: index of its entry above, its node, its coordinate."""
    if level.Format() == DimensionType.DENSE:
        size = level.DenseSize()
        above = np.repeat(np.arange(len(node)), size)
        along = np.tile(np.arange(size), len(node))
        return above, node[above] * size + along, along
    segments = _index_vector(level.ArraySegmentsType(), level.ArraySegments())
    indices = _index_vector(level.ArrayIndicesType(), level.ArrayIndices())
    counts = segments[node + 1] - segments[node]
    above = np.repeat(np.arange(len(node)), counts)
    first_entry = np.cumsum(counts) - counts
    child = segments[node][above] + np.arange(len(above)) - first_entry[above]
    return above, child, indices[child]


def _index_vector(kind: int, table: Any) -> NDArray[np.int64]:
    vector = _INDEX_VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)
