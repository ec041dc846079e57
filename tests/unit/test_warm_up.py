import subprocess
import sys

import pytest

AFTERWARDS = """
import numba, numpy as np
from core import fusion, kernels, kernels_kalman, kernels_lengths, kernels_people, lens, synthetic
from core.config import FusionConfig
from core.warm_up import warm_up

def compiled():
    modules = (kernels, kernels_kalman, kernels_lengths, kernels_people, lens)
    found = [f for m in modules for f in vars(m).values()]
    return {str(f.py_func): len(f.signatures) for f in found if hasattr(f, "signatures")}

warm_up()
before = compiled()
rig = synthetic.ring(4)
walk_m = synthetic.walk_m(90)
walk_m[70:] += 0.9
messages = synthetic.seen(rig, walk_m, noise_px=40.0)
state = fusion.FusionState()
for number, message in enumerate(messages):
    state = fusion.thaw(fusion.freeze(state))
    if number % 5:
        state, _ = fusion.step(state, message, rig, FusionConfig(segment_lengths=True))
after = compiled()
print("compiled later:", [name for name in after if after[name] > before[name]])
"""


@pytest.mark.slow
def test_after_it_nothing_is_compiled():
    command = [sys.executable, "-c", AFTERWARDS]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "compiled later: []"
