"""Inner loops over a body model, behind ``core.kinematics.forward`` and ``.levenberg``.

Letters as in ``core.kinematics.tree``; all float arrays are ``core.jit.plain``, results are filled
into arrays handed in.

A twist is what a free coordinate's rate does to a body, turning and shifting the point of it that
is at the origin chosen: (w, v), so that a point p of the body moves with w x p + v. The normal
equations of markers need no Jacobian: markers that move with a body add up to a symmetric (6, 6)
matrix, bodies add up along the tree, and two coordinates meet in twist . matrix . twist, as in
the composite-rigid-body algorithm (Featherstone, Rigid Body Dynamics Algorithms, 2008, ch. 6).
"""

import numpy as np

from core.jit import F64, kernel
from core.kinematics.machine import Machine, Pose
from core.kinematics.tree import HERMITE, N_AXES


@kernel
def _evaluate(m: Machine, function: int, x: float) -> tuple[float, float]:
    """Value and derivative of a function."""
    at = m.function_inner[function, 0] * x + m.function_inner[function, 1]
    n = m.function_size[function]
    values = m.function_values[function]
    value, slope = 0.0, 0.0
    if m.function_kind[function] == HERMITE:
        value, slope = _hermite(
            m.function_knots[function], values, m.function_slopes[function], n, at
        )
    else:
        for power in range(n - 1, -1, -1):
            slope = slope * at + value
            value = value * at + values[power]
    return value, slope * m.function_inner[function, 0]


@kernel
def _hermite(knots: F64, values: F64, slopes: F64, n: int, x: float) -> tuple[float, float]:
    """Cubic between n knots, straight outside."""
    if x <= knots[0]:
        return values[0] + slopes[0] * (x - knots[0]), slopes[0]
    if x >= knots[n - 1]:
        return values[n - 1] + slopes[n - 1] * (x - knots[n - 1]), slopes[n - 1]
    i = 0
    while x > knots[i + 1]:
        i += 1
    width = knots[i + 1] - knots[i]
    t, rise = (x - knots[i]) / width, values[i + 1] - values[i]
    begin, end = slopes[i] * width, slopes[i + 1] * width
    square, cube = 3.0 * rise - 2.0 * begin - end, begin + end - 2.0 * rise
    value = values[i] + t * (begin + t * (square + t * cube))
    return value, (begin + t * (2.0 * square + 3.0 * t * cube)) / width


@kernel
def _turn(rotation: F64, axis: F64, angle_rad: float) -> None:
    """``rotation`` (3, 3) = rotation @ turn about a unit axis of its own frame."""
    s, c = np.sin(angle_rad), np.cos(angle_rad)
    x, y, z = axis[0], axis[1], axis[2]
    u = 1.0 - c
    for i in range(3):
        a, b, d = rotation[i, 0], rotation[i, 1], rotation[i, 2]
        rotation[i, 0] = a * (c + x * x * u) + b * (y * x * u + z * s) + d * (z * x * u - y * s)
        rotation[i, 1] = a * (x * y * u - z * s) + b * (c + y * y * u) + d * (z * y * u + x * s)
        rotation[i, 2] = a * (x * z * u + y * s) + b * (y * z * u - x * s) + d * (c + z * z * u)


@kernel
def _multiply(left: F64, right: F64, out: F64) -> None:
    for i in range(3):
        for j in range(3):
            out[i, j] = (
                left[i, 0] * right[0, j] + left[i, 1] * right[1, j] + left[i, 2] * right[2, j]
            )


@kernel
def _apply(rotation: F64, point: F64, shift: F64, out: F64) -> None:
    """``out`` = rotation @ point + shift."""
    for i in range(3):
        out[i] = (
            rotation[i, 0] * point[0] + rotation[i, 1] * point[1] + rotation[i, 2] * point[2]
        ) + shift[i]


@kernel
def forward(m: Machine, q: F64, pose: Pose) -> None:
    """Place all bodies for free coordinates (N,)."""
    frame, shift, nothing = np.empty((3, 3)), np.empty(3), np.zeros(3)
    for k in range(len(m.parent)):
        on = m.parent[k]
        _multiply(pose.rotation[on], m.parent_rotation[k], frame)
        _apply(pose.rotation[on], m.parent_m[k], pose.position[on], pose.centre[k])
        for place in range(N_AXES):
            a = (place + 3) % N_AXES  # shifts first: they stand in the frame before it turns
            function = m.axis_function[k, a]
            if function < 0:
                continue
            source = m.axis_source[k, a]
            value, rate = _evaluate(m, function, float(q[source]) if source >= 0 else 0.0)
            value *= m.axis_scale[k, a]
            pose.rate[k, a] = rate * m.axis_scale[k, a] if source >= 0 else 0.0
            _apply(frame, m.axes[k, a], nothing, pose.axis[k, a])
            if a >= 3:
                for i in range(3):
                    pose.centre[k, i] += value * pose.axis[k, a, i]
            else:
                _turn(frame, m.axes[k, a], value)
        _multiply(frame, m.frame_from_child[k], pose.rotation[k + 1])
        _apply(frame, m.child_m[k], pose.centre[k], shift)
        pose.position[k + 1] = shift


@kernel
def coordinates(m: Machine, q: F64, values: F64, rates: F64) -> None:
    """All coordinates (Q,) and their derivatives by the free ones they follow."""
    for c in range(len(values)):
        source = m.coordinate_source[c]
        x = float(q[source]) if source >= 0 else 0.0
        values[c], rates[c] = _evaluate(m, m.coordinate_function[c], x)


@kernel
def markers(m: Machine, pose: Pose, out: F64) -> None:
    """Places (M, 3) of the markers."""
    for i in range(len(out)):
        body = m.marker_body[i]
        _apply(pose.rotation[body], m.marker_m[i], pose.position[body], out[i])


@kernel
def _twist(pose: Pose, k: int, a: int, origin: F64, out: F64) -> None:
    """What the coordinate of a joint's axis does to all that hangs on it."""
    rate, axis, centre = pose.rate[k, a], pose.axis[k, a], pose.centre[k]
    if a >= 3:
        out[:3] = 0.0
        for i in range(3):
            out[3 + i] = rate * axis[i]
        return
    for i in range(3):
        j, l = (i + 1) % 3, (i + 2) % 3  # noqa: E741
        out[i] = rate * axis[i]
        out[3 + i] = rate * ((centre[j] - origin[j]) * axis[l] - (centre[l] - origin[l]) * axis[j])


@kernel
def jacobian(m: Machine, pose: Pose, out: F64) -> None:
    """(M, 3, N) derivatives of the markers' places by the free coordinates."""
    out[:] = 0.0
    point, origin, twist = np.empty(3), np.zeros(3), np.empty(6)
    for i in range(len(m.marker_body)):
        body = int(m.marker_body[i])
        _apply(pose.rotation[body], m.marker_m[i], pose.position[body], point)
        while body > 0:
            for a in range(N_AXES):
                source = m.axis_source[body - 1, a]
                if source >= 0:
                    _twist(pose, body - 1, a, origin, twist)
                    for x in range(3):
                        y, z = (x + 1) % 3, (x + 2) % 3
                        turned = twist[y] * point[z] - twist[z] * point[y]
                        out[i, x, source] += turned + twist[3 + x]
            body = int(m.parent[body - 1])


@kernel
def _add_marker(point: F64, weight: F64, error: F64, matrix: F64, right: F64) -> None:
    """Add a marker at ``point`` from the origin to its body's (6, 6) matrix and (6,) right side."""
    crossed = np.empty((3, 3))  # point x columns of the weight
    for i in range(3):
        j, l = (i + 1) % 3, (i + 2) % 3  # noqa: E741
        for c in range(3):
            crossed[i, c] = point[j] * weight[l, c] - point[l] * weight[j, c]
    for i in range(3):
        j, l = (i + 1) % 3, (i + 2) % 3  # noqa: E741
        for r in range(3):
            matrix[r, i] += point[j] * crossed[r, l] - point[l] * crossed[r, j]
            matrix[i, 3 + r] += crossed[i, r]
            matrix[3 + r, i] += crossed[i, r]
            matrix[3 + i, 3 + r] += weight[i, r]
            right[i] += crossed[i, r] * error[r]
            right[3 + i] += weight[i, r] * error[r]


@kernel
def _bodies(
    m: Machine, pose: Pose, points_m: F64, weight: F64, origin: F64, matrix: F64, right: F64
) -> None:
    """Each body's matrix (B, 6, 6) and right side (B, 6), with all that hangs on it."""
    matrix[:] = 0.0
    right[:] = 0.0
    point, error = np.empty(3), np.empty(3)
    for i in range(len(points_m)):
        if weight[i, 0, 0] > 0.0:
            body = m.marker_body[i]
            _apply(pose.rotation[body], m.marker_m[i], pose.position[body], point)
            for x in range(3):
                error[x] = point[x] - points_m[i, x]
                point[x] -= origin[x]
            _add_marker(point, weight[i], error, matrix[body], right[body])
    for body in range(len(right) - 1, 0, -1):
        on = m.parent[body - 1]
        for i in range(6):
            right[on, i] += right[body, i]
            for j in range(6):
                matrix[on, i, j] += matrix[body, i, j]


@kernel
def normal_equations(
    m: Machine, pose: Pose, points_m: F64, weight: F64, hessian: F64, gradient: F64
) -> None:
    """J^T W J (N, N) and J^T W (markers - points) (N,); a weight (3, 3) of zero: no marker."""
    n_joints = len(m.parent)
    matrix, right = np.empty((n_joints + 1, 6, 6)), np.empty((n_joints + 1, 6))
    twist, push = np.zeros((n_joints, N_AXES, 6)), np.empty(6)
    origin = pose.position[1]
    _bodies(m, pose, points_m, weight, origin, matrix, right)
    hessian[:] = 0.0
    gradient[:] = 0.0
    for k in range(n_joints):
        if not matrix[k + 1, 3, 3] > 0.0:
            continue
        for a in range(N_AXES):
            if m.axis_source[k, a] >= 0:
                _twist(pose, k, a, origin, twist[k, a])
        for a in range(N_AXES):
            source = m.axis_source[k, a]
            if source < 0:
                continue
            for i in range(6):
                gradient[source] += twist[k, a, i] * right[k + 1, i]
                push[i] = 0.0
                for j in range(6):
                    push[i] += matrix[k + 1, i, j] * twist[k, a, j]
            _meet(m, k, source, twist, push, hessian)


@kernel
def _meet(m: Machine, k: int, source: int, twist: F64, push: F64, hessian: F64) -> None:
    """Add what a coordinate's push on a body does along the axes of its joint and those above."""
    on = k + 1
    while on > 0:
        for a in range(N_AXES):
            other = m.axis_source[on - 1, a]
            if other >= 0:
                work = 0.0
                for i in range(6):
                    work += twist[on - 1, a, i] * push[i]
                hessian[source, other] += work
                if on != k + 1:
                    hessian[other, source] += work
        on = m.parent[on - 1]


@kernel
def _cost(
    m: Machine, pose: Pose, points_m: F64, weight: F64, q: F64, pull: F64, target: F64
) -> float:
    """Half the weighted squares of marker errors and of distances from the target."""
    total = 0.0
    point = np.empty(3)
    for i in range(len(points_m)):
        if weight[i, 0, 0] > 0.0:
            body = m.marker_body[i]
            _apply(pose.rotation[body], m.marker_m[i], pose.position[body], point)
            for x in range(3):
                for y in range(3):
                    total += (
                        (point[x] - points_m[i, x]) * weight[i, x, y] * (point[y] - points_m[i, y])
                    )
    for c in range(len(q)):
        total += pull[c] * (q[c] - target[c]) ** 2
    return 0.5 * total


@kernel
def linearise(
    m: Machine,
    pose: Pose,
    q: F64,
    points_m: F64,
    weight: F64,
    pull: F64,
    target: F64,
    hessian: F64,
    gradient: F64,
) -> float:
    """Cost of free coordinates (N,), its gradient, and its Gauss-Newton Hessian."""
    forward(m, q, pose)
    normal_equations(m, pose, points_m, weight, hessian, gradient)
    for c in range(len(q)):
        gradient[c] += pull[c] * (q[c] - target[c])
        hessian[c, c] += pull[c]
    return _cost(m, pose, points_m, weight, q, pull, target)
