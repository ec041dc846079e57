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

from core.jit import F64, kernel, part
from core.kinematics.machine import Machine, Pose
from core.kinematics.tree import HERMITE, N_AXES


@part
def _evaluate(m: Machine, function: int, x: float) -> tuple[float, float, float]:
    """Value, first and second derivative of a function."""
    inner = m.function_inner[function, 0]
    at = inner * x + m.function_inner[function, 1]
    n = m.function_size[function]
    values = m.function_values[function]
    if m.function_kind[function] == HERMITE:
        value, slope, bend = _hermite(
            m.function_knots[function], values, m.function_slopes[function], n, at
        )
        return value, slope * inner, bend * inner * inner
    value, slope, bend = 0.0, 0.0, 0.0
    for power in range(n - 1, -1, -1):
        bend = bend * at + 2.0 * slope
        slope = slope * at + value
        value = value * at + values[power]
    return value, slope * inner, bend * inner * inner


@part
def _hermite(knots: F64, values: F64, slopes: F64, n: int, x: float) -> tuple[float, float, float]:
    """Cubic between n knots, straight outside."""
    if x <= knots[0]:
        return values[0] + slopes[0] * (x - knots[0]), slopes[0], 0.0
    if x >= knots[n - 1]:
        return values[n - 1] + slopes[n - 1] * (x - knots[n - 1]), slopes[n - 1], 0.0
    i = 0
    while x > knots[i + 1]:
        i += 1
    width = knots[i + 1] - knots[i]
    t, rise = (x - knots[i]) / width, values[i + 1] - values[i]
    begin, end = slopes[i] * width, slopes[i + 1] * width
    square, cube = 3.0 * rise - 2.0 * begin - end, begin + end - 2.0 * rise
    value = values[i] + t * (begin + t * (square + t * cube))
    slope = (begin + t * (2.0 * square + 3.0 * t * cube)) / width
    return value, slope, (2.0 * square + 6.0 * t * cube) / (width * width)


@part
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


@part
def _multiply(left: F64, right: F64, out: F64) -> None:
    for i in range(3):
        for j in range(3):
            out[i, j] = (
                left[i, 0] * right[0, j] + left[i, 1] * right[1, j] + left[i, 2] * right[2, j]
            )


@part
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
            scale = m.axis_scale[k, a]
            value, rate, bend = _evaluate(m, function, float(q[source]) if source >= 0 else 0.0)
            value *= scale
            if source >= 0:
                pose.rate[k, a] = rate * scale
                pose.bend[k, a] = bend * scale
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
        values[c], rates[c], _ = _evaluate(m, m.coordinate_function[c], x)


@kernel
def markers(m: Machine, pose: Pose, out: F64) -> None:
    """Places (M, 3) of the markers."""
    for i in range(len(out)):
        body = m.marker_body[i]
        _apply(pose.rotation[body], m.marker_m[i], pose.position[body], out[i])


@part
def _twist(pose: Pose, k: int, a: int, rate: float, origin: F64, out: F64) -> None:
    """What an axis that turns or shifts at a rate does to all that hangs on it."""
    axis, centre = pose.axis[k, a], pose.centre[k]
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
                    _twist(pose, body - 1, a, pose.rate[body - 1, a], origin, twist)
                    for x in range(3):
                        y, z = (x + 1) % 3, (x + 2) % 3
                        turned = twist[y] * point[z] - twist[z] * point[y]
                        out[i, x, source] += turned + twist[3 + x]
            body = int(m.parent[body - 1])


@part
def _add_marker(point: F64, weight: F64, error: F64, matrix: F64, right: F64, spread: F64) -> None:
    """Add a marker at ``point`` from the origin to what its body has; see ``_bodies``."""
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
            for x in range(3):
                spread[x, i] += point[x] * weight[i, r] * error[r]


@kernel
def _bodies(
    m: Machine,
    pose: Pose,
    points_m: F64,
    weight: F64,
    matrix: F64,
    right: F64,
    spread: F64,
) -> None:
    """Sums over all markers of what hangs on each body, about the first body's origin.

    ``matrix`` (B, 6, 6): what they weigh against a twist. ``right`` (B, 6): the force f of their
    errors on a twist. ``spread`` (B, 3, 3): point times f.
    """
    matrix[:] = 0.0
    right[:] = 0.0
    spread[:] = 0.0
    point, error = np.empty(3), np.empty(3)
    for i in range(len(points_m)):
        if weight[i, 0, 0] > 0.0:
            body = m.marker_body[i]
            _apply(pose.rotation[body], m.marker_m[i], pose.position[body], point)
            for x in range(3):
                error[x] = point[x] - points_m[i, x]
                point[x] -= pose.position[1, x]
            _add_marker(point, weight[i], error, matrix[body], right[body], spread[body])
    for body in range(len(right) - 1, 0, -1):
        on = m.parent[body - 1]
        for i in range(6):
            right[on, i] += right[body, i]
            for j in range(6):
                matrix[on, i, j] += matrix[body, i, j]
        for i in range(3):
            for j in range(3):
                spread[on, i, j] += spread[body, i, j]


@kernel
def normal_equations(
    m: Machine,
    pose: Pose,
    points_m: F64,
    weight: F64,
    curved: float,
    hessian: F64,
    gradient: F64,
) -> None:
    """J^T W J (N, N) and J^T W (markers - points) (N,); a weight (3, 3) of zero: no marker.

    ``curved`` 1 adds to the Hessian the errors times the second derivatives of the markers' places:
    the turning of axes by those before them, the bend of joints' functions. 0: Gauss-Newton.
    """
    n_joints = len(m.parent)
    matrix, right = np.empty((n_joints + 1, 6, 6)), np.empty((n_joints + 1, 6))
    spread = np.empty((n_joints + 1, 3, 3))
    twist, push, bend = np.zeros((n_joints, N_AXES, 6)), np.empty(6), np.empty(3)
    origin = pose.position[1]
    _bodies(m, pose, points_m, weight, matrix, right, spread)
    hessian[:] = 0.0
    gradient[:] = 0.0
    for k in range(n_joints):
        if not matrix[k + 1, 3, 3] > 0.0:
            continue
        for a in range(N_AXES):
            if m.axis_source[k, a] >= 0:
                _twist(pose, k, a, pose.rate[k, a], origin, twist[k, a])
        for a in range(N_AXES):
            source = m.axis_source[k, a]
            if source < 0:
                continue
            for i in range(6):
                gradient[source] += twist[k, a, i] * right[k + 1, i]
                push[i] = 0.0
                for j in range(6):
                    push[i] += matrix[k + 1, i, j] * twist[k, a, j]
            _bend(twist[k, a], right[k + 1], spread[k + 1], curved, bend)
            _meet(m, k, a, twist, push, bend, hessian)
            if curved * pose.bend[k, a] != 0.0:
                _twist(pose, k, a, curved * pose.bend[k, a], origin, push)
                for i in range(6):
                    hessian[source, source] += push[i] * right[k + 1, i]


@part
def _bend(twist: F64, right: F64, spread: F64, curved: float, out: F64) -> None:
    """Sum of u x f over points with the force f that a twist moves by u, times ``curved``."""
    trace = spread[0, 0] + spread[1, 1] + spread[2, 2]
    for i in range(3):
        j, l = (i + 1) % 3, (i + 2) % 3  # noqa: E741
        out[i] = twist[3 + j] * right[3 + l] - twist[3 + l] * right[3 + j] - trace * twist[i]
        for x in range(3):
            out[i] += spread[i, x] * twist[x]
        out[i] *= curved


@part
def _meet(m: Machine, k: int, a: int, twist: F64, push: F64, bend: F64, hessian: F64) -> None:
    """Add how an axis's push and bend meet the axes of its joint and of the joints above."""
    source = m.axis_source[k, a]
    on = k + 1
    while on > 0:
        for b in range(N_AXES):
            other = m.axis_source[on - 1, b]
            if other < 0:
                continue
            work, turned = 0.0, 0.0
            for i in range(6):
                work += twist[on - 1, b, i] * push[i]
            for i in range(3):
                turned += twist[on - 1, b, i] * bend[i]
            if on != k + 1:
                hessian[source, other] += work + turned
                hessian[other, source] += work + turned
                continue
            hessian[source, other] += work  # the other order comes by itself
            if b == a:
                hessian[source, source] += turned
            elif (b + 3) % N_AXES < (a + 3) % N_AXES:
                hessian[source, other] += turned
                hessian[other, source] += turned
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
    curved: float,
    hessian: F64,
    gradient: F64,
) -> float:
    """Cost of free coordinates (N,), its gradient, and its Hessian as ``normal_equations`` has."""
    forward(m, q, pose)
    normal_equations(m, pose, points_m, weight, curved, hessian, gradient)
    for c in range(len(q)):
        gradient[c] += pull[c] * (q[c] - target[c])
        hessian[c, c] += pull[c]
    return _cost(m, pose, points_m, weight, q, pull, target)


@kernel
def outcome(
    m: Machine,
    pose: Pose,
    q: F64,
    points_m: F64,
    precision: F64,
    information: F64,
    unused: F64,
    places_m: F64,
    values: F64,
    rates: F64,
) -> None:
    """What there is to say of free coordinates (N,): J^T C^-1 J (N, N), markers, coordinates."""
    forward(m, q, pose)
    normal_equations(m, pose, points_m, precision, 0.0, information, unused)
    markers(m, pose, places_m)
    coordinates(m, q, values, rates)
