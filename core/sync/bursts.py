"""Offsets from something sudden that all cameras saw or heard: a flash of light, a clap of hands.

What is sudden is a curve that is 0 nearly everywhere; the curves of two cameras are correlated over
all lags. One lag has to stand out: where another one is nearly as good (two flashes in one camera
and one in the other), or where the pairs of cameras contradict each other, nothing is told.
Letters: C cameras, T samples of a curve, L lags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from core.sync.found import Found, Offset

F64 = NDArray[np.float64]
Burst = Literal["flash", "clap"]

CLAP_HZ = 1000.0
"""Samples of a clap's curve in a second."""
_CLEAR_SD, _OTHERS_SD = 12.0, 6.0
_LEAST_RISE = 2.0  # of 255 levels of brightness
_LEAST_DB = 15.0
_BEFORE_S, _AFTER_S = 0.050, 0.005
_HIGH_PASS_HZ = 500.0
_QUIET = 1e-5  # of full scale: what a recorder adds by itself
_MOST_RIVAL = 0.6
_FRAMES_APART = 1.5
_FLASH_FRAMES = 1.0
_SOUND_S = 0.010


@dataclass(frozen=True, slots=True, eq=False)
class Bursts:
    """What was sudden in one camera."""

    camera: str
    curve: F64  # (T,) 0 where nothing was
    curve_hz: float
    start_s: float = 0.0
    """Of the curve after the camera's first frame."""

    @property
    def is_clear(self) -> bool:
        """Whether there was anything."""
        return bool(self.curve.any())


def flashes(camera: str, brightness: F64, rate_hz: float) -> Bursts:
    """Sudden rises of the mean brightness (T,) 0..255 of a camera's pictures."""
    rise = np.diff(brightness, prepend=brightness[:1])
    sd = _sd(rise)
    clear = rise.max(initial=0.0) >= max(_LEAST_RISE, _CLEAR_SD * sd)
    kept = np.where(rise >= max(_LEAST_RISE / 2, _OTHERS_SD * sd), rise, 0.0)
    return Bursts(camera, kept if clear else np.zeros_like(kept), rate_hz)


def claps(camera: str, sound: F64, sound_hz: float, start_s: float) -> Bursts:
    """Sudden rises of the loudness of a sound (N,) -1..1 that starts so long after the pictures.

    Loudness is the power above 500 Hz in dB; a rise is that of 5 ms against the 50 ms before, and
    counts where it is a local maximum.
    """
    size = max(1, round(sound_hz / CLAP_HZ))
    filter_sos = signal.butter(4, _HIGH_PASS_HZ, "highpass", fs=sound_hz, output="sos")
    high = np.asarray(signal.sosfilt(filter_sos, sound), dtype=np.float64)
    power = (high[: len(high) // size * size].reshape(-1, size) ** 2).mean(axis=1) + _QUIET**2
    before, after = round(_BEFORE_S * CLAP_HZ), round(_AFTER_S * CLAP_HZ)
    total = np.concatenate([[0.0], np.cumsum(power)])
    at = np.arange(before, len(power) - after)
    rise_db = np.zeros(len(power))
    rise_db[at] = 10 * np.log10(
        (total[at + after] - total[at]) / after / ((total[at] - total[at - before]) / before)
    )
    peaks, _ = signal.find_peaks(rise_db, height=_LEAST_DB, distance=before)
    curve = np.zeros(len(power))
    loud = peaks[rise_db[peaks] >= _CLEAR_SD * _sd(rise_db)] if len(peaks) else peaks
    curve[loud] = rise_db[loud]
    return Bursts(camera, curve, sound_hz / size, start_s)


def _sd(values: F64) -> float:
    """Robust, from the median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def estimate(
    bursts: Sequence[Bursts], rate_hz: float, method: Burst, reference: int, window_s: float | None
) -> Found:
    """Offsets of all cameras against ``reference``.

    Args:
        bursts: (C,) of each camera.
        rate_hz: frame rate of all of them.
        method: what the bursts are.
        reference: its place.
        window_s: how far apart cameras may be; None: any distance.
    """
    wide = _FLASH_FRAMES if method == "flash" else _SOUND_S * rate_hz
    first = bursts[reference]
    lags = [_lag(first, one, rate_hz, window_s) for one in bursts]
    offsets = [Offset(first.camera, 0.0, 0.0)] * len(bursts)
    for place, (one, (frames, doubt)) in enumerate(zip(bursts, lags, strict=True)):
        if place != reference:
            doubt = doubt or _contradiction(bursts, lags, place, rate_hz, window_s)
            offsets[place] = Offset(one.camera, frames, wide, doubt=doubt)
    return Found(method, first.camera, rate_hz, tuple(offsets))


def _lag(one: Bursts, other: Bursts, rate_hz: float, window_s: float | None) -> tuple[float, str]:
    """Frames that ``other`` counts more than ``one``, and what speaks against it."""
    for each in (one, other):
        if not each.is_clear:
            return np.nan, f"{each.camera}: nothing sudden in it"
    spread = max(1, round(_FRAMES_APART * one.curve_hz / rate_hz))
    shape = np.bartlett(2 * spread + 1)
    wide = signal.fftconvolve(other.curve, shape, mode="same")  # events need not match to a sample
    fit = signal.correlate(wide, one.curve, mode="full", method="fft")
    lags = signal.correlation_lags(len(wide), len(one.curve)) / one.curve_hz
    lag_s = lags + other.start_s - one.start_s
    if window_s is not None:
        fit = np.where(np.abs(lag_s) <= window_s, fit, 0.0)
    best = int(fit.argmax())
    if fit[best] <= 1e-6:
        return np.nan, "nothing that it shares with the reference within the window"
    elsewhere = np.abs(lag_s - lag_s[best]) > 2 * _FRAMES_APART / rate_hz
    if fit[elsewhere].max(initial=0.0) > _MOST_RIVAL * fit[best]:
        return np.nan, "two offsets suit it nearly as well"
    near = slice(max(0, best - spread), best + spread + 1)
    centre_s = float((fit[near] * lag_s[near]).sum() / fit[near].sum())
    return centre_s * rate_hz, ""


def _contradiction(
    bursts: Sequence[Bursts],
    lags: Sequence[tuple[float, str]],
    place: int,
    rate_hz: float,
    window_s: float | None,
) -> str:
    """Say with which camera a camera's offset does not go together; empty for none."""
    for number, (frames, doubt) in enumerate(lags):
        if number == place or doubt:
            continue
        lag, unsure = _lag(bursts[number], bursts[place], rate_hz, window_s)
        if not unsure and abs(lag - (lags[place][0] - frames)) > 2 * _FRAMES_APART:
            return f"with {bursts[number].camera} it fits {lag:+.1f} frames apart instead"
    return ""
