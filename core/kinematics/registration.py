"""The model's markers put where they are on the body: at their mean place over a recording.

Markers of networks and keypoints of pictures are not where a published marker set has them; what is
left of the marker errors then is what moves. Alternated with the inverse kinematics; OpenSim's
marker placer does it for one pose. The least of all errors is not the truth: angles shift by a few
degrees, and which are truer is not known.

Letters: T frames, M markers, N free coordinates.
"""

from dataclasses import replace

import numpy as np

from core.kinematics import forward
from core.kinematics.ik_task import Task
from core.kinematics.tree import F64, Tree


def on_body_m(task: Task, free: F64, points_m: F64) -> F64:
    """Mean places (M, 3) of points (T, M, 3) on the bodies of the task's markers.

    Args:
        task: whose markers the points are, in order.
        free: coordinates (T, N), NaN for frames that do not count.
        points_m: NaN where missing; a marker that is never there keeps the model's place.
    """
    body = task.machine.marker_body
    total, count = np.zeros((len(body), 3)), np.zeros(len(body))
    for row, seen_m in zip(free, points_m, strict=True):
        present = np.isfinite(seen_m).all(axis=1) & bool(np.isfinite(row).all())
        if not present.any():
            continue
        pose = forward.pose_of(task.machine, row)
        away_m = np.where(present[:, None], seen_m - pose.position[body], 0.0)
        total += np.einsum("mji,mj->mi", pose.rotation[body], away_m)
        count += present
    mean_m = total / np.maximum(count, 1)[:, None]
    return np.where(count[:, None] > 0, mean_m, task.machine.marker_m)


def moved(tree: Tree, markers: tuple[str, ...], places_m: F64) -> Tree:
    """The model with markers at places (M, 3) on their bodies."""
    offset = tree.marker_offset.copy()
    for name, place_m in zip(markers, places_m, strict=True):
        offset[tree.markers.index(name)] = np.diag(place_m)
    return replace(tree, marker_offset=offset)
