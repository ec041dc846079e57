import flatbuffers
import numpy as np
import pytest
import tflite

from services.tflite_sparse import densify
from tests.services import tflite_builder

SEED = 7


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 3, 2)])
def test_densify_restores_blocks_in_any_traversal_order(order: tuple[int, ...]) -> None:
    shape, sizes = (4, 9), (2, 3, 2, 3)  # blocks along each dimension, then within a block
    blocks = np.random.default_rng(SEED).normal(size=sizes)  # rows, columns, row in, column in
    blocks[:, 1] = 0
    blocks[1, 0] = 0
    dense = blocks.transpose(0, 2, 1, 3).reshape(shape)
    walked = blocks.transpose(order)  # (outer, inner, block, block)
    filled = walked.any(axis=(2, 3))
    builder = flatbuffers.Builder(256)
    levels = [
        tflite_builder.dense_level(builder, sizes[order[0]]),
        tflite_builder.csr_level(
            builder, [0, *np.cumsum(filled.sum(axis=1))], np.nonzero(filled)[1].tolist()
        ),
        tflite_builder.dense_level(builder, sizes[order[2]]),
        tflite_builder.dense_level(builder, sizes[order[3]]),
    ]
    builder.Finish(tflite_builder.sparsity(builder, order, (0, 1), levels))
    sparsity = tflite.SparsityParameters.GetRootAs(builder.Output(), 0)
    np.testing.assert_array_equal(densify(sparsity, walked[filled].reshape(-1), shape), dense)
