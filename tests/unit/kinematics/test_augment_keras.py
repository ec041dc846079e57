"""Markers frame by frame against the original weights in TensorFlow, where that is installed.

``uv sync --extra tf`` installs it: 1.8 GB; its import takes ten seconds or more.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.kinematics import augment
from core.kinematics.augment import AugmentConfig
from services import models
from tests.unit.kinematics.augment_reference import (
    TRIAL,
    WALKER,
    apart_mm,
    markers_m,
    networks,
    ticks_ns,
    trial_m,
    walk_m,
)

LAYERS = {"lower": 4, "upper": 5}
OUTPUTS = {"lower": 105, "upper": 24}
FEATURES = {"lower": 47, "upper": 23}


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        pytest.importorskip("tensorflow", reason="needs TensorFlow: uv sync --extra tf")
        yield pytest.importorskip("keras")


def original(keras: Any) -> Any:
    """The networks as their authors built them, with the authors' weights."""

    @cache
    def built(half: str) -> Any:
        layers = [keras.Input((None, FEATURES[half]))]
        layers += [keras.layers.LSTM(128, return_sequences=True) for _ in range(LAYERS[half])]
        layers.append(keras.layers.TimeDistributed(keras.layers.Dense(OUTPUTS[half])))
        model = keras.Sequential(layers)
        model.load_weights(models.ensure("lstm_keras")[f"{half}.h5"])
        return model

    return lambda half, rows: built(half).predict(rows, verbose=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TensorFlow's own
@pytest.mark.parametrize("motion", ["trial", "walk"])
def test_frame_by_frame_is_the_original_network_over_the_whole_sequence(keras, motion):
    make, who = {"trial": (trial_m, TRIAL), "walk": (walk_m, WALKER)}[motion]
    inputs_m = make()
    ours = augment.each(ticks_ns(len(inputs_m)), inputs_m, networks(), who, AugmentConfig())
    expected_m = markers_m(inputs_m, who, original(keras))
    far_mm = apart_mm(ours.markers_m, expected_m)
    print(f"{motion}: {far_mm:.6f} mm at most from the original network")
    assert np.isfinite(far_mm)
    assert far_mm < 0.001
