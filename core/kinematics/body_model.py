"""A body model with all that scaling it to a person needs, as one set of arrays.

Read once from OpenSim's files; the live process and a verification compute with the same arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.kinematics import forward, scaling, tree
from core.kinematics.machine import machine
from core.kinematics.scaling import Measurement, Pair
from core.kinematics.tree import Tree

_MEASUREMENTS = "measurements"


@dataclass(frozen=True, slots=True, eq=False)
class BodyModel:
    """A model, not yet scaled, and what is measured to scale it."""

    tree: Tree
    measurements: tuple[Measurement, ...]


def pack(model: BodyModel) -> dict[str, NDArray[Any]]:
    """Arrays by name, as .npz keeps them."""
    table = np.frombuffer(msgspec.json.encode(model.measurements), np.uint8)
    return {**tree.pack(model.tree), _MEASUREMENTS: table}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> BodyModel:
    """Read what ``pack`` gave.

    Raises:
        ModelError: it is not a body model of this version.
    """
    if _MEASUREMENTS not in arrays:
        raise ModelError("not a body model with measurements; start the run again to make one")
    try:
        measurements = msgspec.json.decode(
            arrays[_MEASUREMENTS].tobytes(), type=tuple[Measurement, ...]
        )
    except msgspec.MsgspecError as error:
        raise ModelError(f"the body model's measurements cannot be read: {error}") from error
    return BodyModel(tree.unpack(dict(arrays)), measurements)


def pairs_of(model: BodyModel) -> tuple[Pair, ...]:
    """Pairs of markers to be measured: those of which the model has both."""
    return tuple(
        pair for pair in scaling.all_pairs(model.measurements) if {*pair} <= {*model.tree.markers}
    )


def distances_m(model: BodyModel) -> dict[Pair, float]:
    """Distance of each pair on the unscaled model at its default pose."""
    at_m = forward.markers_m(machine(model.tree), model.tree.free_default)
    pairs = pairs_of(model)
    return dict(
        zip(pairs, scaling.distances_m(at_m, model.tree.markers, pairs).tolist(), strict=True)
    )
