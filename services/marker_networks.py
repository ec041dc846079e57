"""The two marker networks of the asset group "lstm", read from their ONNX files.

The files run their LSTM layers inside Loop operators that give out no state: only the weights are
of use for a network that goes on from frame to frame. Each layer has three of the graph's numbered
inputs, in order: kernel, recurrent kernel, bias.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from core.errors import AssetError
from core.kinematics.augment_inputs import HALVES
from core.kinematics.lstm import F32, Network
from services import models

GROUP = "lstm"

_LAYER = "Func/StatefulPartitionedCall/input/_{}:0"
_DENSE, _DENSE_BIAS = "/Cast/ReadVariableOp:0", "/BiasAdd/ReadVariableOp:0"


def load(**fetching: Any) -> dict[str, Network]:
    """Both networks by the half of the body they are for; fetched if need be.

    ``fetching``: as of ``models.ensure``, whose errors are raised.
    """
    return read(models.ensure(GROUP, **fetching))


def read(files: Mapping[str, Path]) -> dict[str, Network]:
    """Read the networks from the files of the group, by name."""
    return {half.name: _read(files, half.name) for half in HALVES}


def digest(networks: Mapping[str, Network]) -> str:
    """Sha256 of all weights: results can be the same only with the same networks."""
    found = hashlib.sha256()
    for name, network in sorted(networks.items()):
        for field in fields(network):
            found.update(f"{name} {field.name}".encode())
            found.update(np.ascontiguousarray(getattr(network, field.name)).tobytes())
    return found.hexdigest()


def _read(files: Mapping[str, Path], half: str) -> Network:
    path = files[f"{half}.onnx"]
    graph = onnx.load(path).graph
    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    try:
        n_layers = sum(name.startswith(_LAYER.split("{}", maxsplit=1)[0]) for name in weights) // 3
        layers = [[weights[_LAYER.format(3 * k + i)] for i in (1, 2, 3)] for k in range(n_layers)]
        return Network(
            first=_plain(layers[0][0]),
            deeper=_plain(np.stack([kernel for kernel, _, _ in layers[1:]])),
            recurrent=_plain(np.stack([recurrent for _, recurrent, _ in layers])),
            bias=_plain(np.stack([bias for _, _, bias in layers])),
            dense=_plain(_ending(weights, _DENSE)),
            dense_bias=_plain(_ending(weights, _DENSE_BIAS)),
            mean=np.load(files[f"{half}_mean.npy"]),
            sd=np.load(files[f"{half}_std.npy"]),
        )
    except (KeyError, IndexError, ValueError) as error:
        raise AssetError(f"{path}: not the marker network this build reads: {error!r}") from error


def _ending(weights: Mapping[str, np.ndarray], ending: str) -> np.ndarray:
    found = [array for name, array in weights.items() if name.endswith(ending)]
    if len(found) != 1:
        raise KeyError(ending)
    return found[0]


def _plain(weights: np.ndarray) -> F32:
    return np.array(weights, dtype=np.float32, order="C")
