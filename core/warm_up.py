"""Everything the fusion needs as machine code, before the first frame.

A kernel is compiled, or loaded, at its first call: seconds on a machine that never ran it, and far
more than a frame's time on others.
"""

import numpy as np

from core import fusion, resection, steering, synthetic
from core.config import FusionConfig
from core.fusion import FusionState
from core.lateness import Question

_N_FRAMES = 70  # segment lengths are held after 60


def warm_up() -> None:
    """Fuse a few synthetic instants, with a jump in the middle: every loop runs once."""
    rig, config = synthetic.ring(3), FusionConfig(segment_lengths=True)
    walk_m = synthetic.walk_m(_N_FRAMES)
    walk_m[_N_FRAMES // 2 :, :, 0] += 1.0
    state = FusionState()
    for message in synthetic.seen(rig, walk_m):
        state, _ = fusion.step(state, message, rig, config)
    _find_a_camera()


def _find_a_camera() -> None:
    """As when one was knocked: seconds of quiet come before, which are not waited for here."""
    rig, points_m = synthetic.ring(3), synthetic.standing_m()
    place, image_from_cam = rig.cam_from_world[0], rig.image_from_cam[0]
    seen_px = resection.image_of(place, image_from_cam, points_m)
    resection.resect(place, image_from_cam, points_m, seen_px, np.ones(len(points_m)), 1.0)


def warm_up_clocks() -> None:
    """Look once for cameras whose clocks are off."""
    rig = synthetic.ring(3)
    messages = synthetic.seen(rig, synthetic.walk_m(_N_FRAMES))
    frames = {name: tuple(one for one in messages if one.camera == name) for name in rig.names}
    steering.answer(Question(frames, rig.names[0], 0, 0), rig, FusionConfig())
