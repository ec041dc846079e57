"""The offline filters of one column, by other people's code or one sample after the other."""

import numpy as np
from filterpy.common import Q_discrete_white_noise
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray
from scipy import signal
from scipy.interpolate import make_smoothing_spline

F64 = NDArray[np.float64]


def butterworth(column: F64, rate_hz: float, cutoff_hz: float, order: int) -> F64:
    b, a = np.asarray(signal.butter(order // 2, cutoff_hz, fs=rate_hz, output="ba"))
    return signal.filtfilt(b, a, column)


def kalman(column: F64, rate_hz: float, trust_ratio: float, both_ways: bool) -> F64:
    """In seconds, with another variance of the measurements, which must not matter."""
    measured_sd, dt = 20.0, 1 / rate_hz
    peer = KalmanFilter(dim_x=3, dim_z=1)
    peer.F = np.array([[1, dt, dt**2 / 2], [0, 1, dt], [0, 0, 1]])
    peer.H = np.array([[1.0, 0, 0]])
    peer.R = np.array([[measured_sd**2]])
    peer.Q[:] = Q_discrete_white_noise(3, dt, (measured_sd * trust_ratio) ** 2)
    peer.P = 1e4 * measured_sd**2 * np.diag([1.0, dt**-2, dt**-4])
    peer.x = np.array([[column[0]], [(column[1] - column[0]) / dt], [0.0]])
    states, spreads = [], []
    for number, value in enumerate(column):
        if number:
            peer.predict()
        peer.update(value)
        states.append(peer.x.copy())
        spreads.append(peer.P.copy())
    if not both_ways:
        return np.array(states)[:, 0, 0]
    smooth, _, _, _ = peer.rts_smoother(np.array(states), np.array(spreads))
    return smooth[:, 0, 0]


def spline(column: F64, weight: float) -> F64:
    x = np.arange(len(column), dtype=float)
    return make_smoothing_spline(x, column, lam=weight)(x)


def spline_hat(n: int, weight: float) -> F64:
    """The matrix (n, n) that smooths."""
    return np.column_stack([spline(row, weight) for row in np.eye(n)])


def whittaker(column: F64, weight: float) -> F64:
    n = len(column)
    second = np.diff(np.eye(n), 2, axis=0)
    return np.asarray(np.linalg.solve(np.eye(n) + weight * second.T @ second, column), float)


def one_euro(column: F64, rate_hz: float, cutoff_hz: float, beta: float, speed_hz: float) -> F64:
    def share(hz: float) -> float:
        return 1 / (1 + rate_hz / (2 * np.pi * hz))

    def once(values: F64) -> F64:
        filtered, speed = [values[0]], 0.0
        for value in values[1:]:
            now = (value - filtered[-1]) * rate_hz
            speed = share(speed_hz) * now + (1 - share(speed_hz)) * speed
            part = share(cutoff_hz + beta * abs(speed))
            filtered.append(part * value + (1 - part) * filtered[-1])
        return np.array(filtered)

    pad = min(round(rate_hz / (2 * min(cutoff_hz, speed_hz))), len(column) - 1)
    before = 2 * column[0] - column[pad:0:-1]
    after = 2 * column[-1] - column[-2 : -pad - 2 : -1]
    back = once(once(np.concatenate([before, column, after]))[::-1])[::-1]
    return back[pad : pad + len(column)]


def loess(column: F64, n_values: int) -> F64:
    places = np.arange(len(column))
    smooth = []
    for place in places:
        nearest = np.argsort(np.abs(places - place), kind="stable")[:n_values]
        away = np.abs(nearest - place)
        weight = (1 - (away / away.max()) ** 3) ** 3
        used = nearest[weight > 0]
        line = np.polyfit(used - place, column[used], 1, w=np.sqrt(weight[weight > 0]))
        smooth.append(line[1])
    return np.array(smooth)


def gaussian(column: F64, sd_frames: float) -> F64:
    reach = int(4 * sd_frames + 0.5)
    away = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (away / sd_frames) ** 2)
    before = 2 * column[0] - column[reach:0:-1]
    after = 2 * column[-1] - column[-2 : -reach - 2 : -1]
    longer = np.concatenate([before, column, after])
    return np.asarray(np.convolve(longer, weight / weight.sum(), "valid"), float)


def median(column: F64, window: int) -> F64:
    half = window // 2
    longer = np.concatenate([[column[0]] * half, column, [column[-1]] * half])
    return np.array([np.median(longer[i : i + window]) for i in range(len(column))])


def hampel(column: F64) -> F64:
    cleaned = column.copy()
    for i in range(3, len(column) - 3):
        middle = np.median(column[i - 3 : i + 4])
        spread = np.median(np.abs(column[i - 3 : i + 4] - middle)) / 0.6745
        if abs(column[i] - middle) > 2 * spread:
            cleaned[i] = middle
    return cleaned
