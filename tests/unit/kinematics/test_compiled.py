import subprocess
import sys

import pytest

AFTERWARDS = """
import numpy as np
from core.kinematics import augment, compiled, ik, kernels, kernels_step, lstm
from core.kinematics.augment import AugmentConfig, AugmentState
from core.kinematics.ik import IkState, Observed
from core.kinematics.ik_task import IkConfig
from services import marker_networks
from tools import bench_trial

def found():
    all_there = [f for m in (kernels, kernels_step, lstm) for f in vars(m).values()]
    return {str(f.py_func): len(f.signatures) for f in all_there if hasattr(f, "signatures")}

compiled.compile_all()
before = found()
networks = marker_networks.load()
trial = bench_trial.trajectories()
inputs_m, state = bench_trial.inputs_m(trial), AugmentState()
for number in range(20):
    t_ns = number * 16_666_667 if number < 10 else number * 23_000_000
    state = augment.thaw(augment.freeze({1: state}))[1]
    state, _ = augment.step(
        state, t_ns, inputs_m[number], networks, bench_trial.SUBJECT, AugmentConfig()
    )
marked = bench_trial.augmented(trial, networks)
body = bench_trial.scaled("muscles", "LSTM", marked)
for config in (IkConfig(), IkConfig(use_covariance=True)):
    task = bench_trial.task_of(body.tree, marked, config)
    places_m, ik_state = bench_trial.points_m(marked, task)[:3], IkState()
    places_m[2, 5] = np.nan
    for frame_m in places_m:
        covariance_m2 = np.tile(1e-5 * np.eye(3), (len(frame_m), 1, 1))
        ik_state = ik.thaw(ik.freeze(ik_state))
        ik_state, _ = ik.step(ik_state, Observed(frame_m, covariance_m2), task, config)
after = found()
print("compiled later:", [name for name in after if after[name] > before[name]])
"""


@pytest.mark.slow
def test_after_it_nothing_is_compiled():
    command = [sys.executable, "-c", AFTERWARDS]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "compiled later: []"
