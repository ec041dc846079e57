"""A whole recording through the same ``ik.step`` as live."""

from collections.abc import Iterator

import numpy as np

from core.kinematics import ik
from core.kinematics.ik import IkState, Observed, Solution
from core.kinematics.ik_task import IkConfig, Task
from core.kinematics.tree import F64


def first_complete(points_m: F64, task: Task) -> int:
    """The first of frames (T, M, 3) that has all core markers; -1 where none has."""
    complete = np.isfinite(points_m[:, task.core]).all(axis=(1, 2))
    return int(complete.argmax()) if complete.any() else -1


def solve(points_m: F64, task: Task, config: IkConfig) -> Iterator[tuple[int, Solution]]:
    """Frame and solution for frames (T, M, 3), as they are solved.

    The first frame with all core markers comes first; those before it follow backwards in time,
    then those after it forwards. None where no frame has all core markers.
    """
    first = first_complete(points_m, task)
    if first < 0:
        return
    found, solution = ik.step(IkState(), Observed(points_m[first]), task, config)
    yield first, solution
    for frames in (range(first - 1, -1, -1), range(first + 1, len(points_m))):
        state = found
        for frame in frames:
            state, solution = ik.step(state, Observed(points_m[frame]), task, config)
            yield frame, solution
