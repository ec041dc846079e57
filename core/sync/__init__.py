"""Time offsets between cameras from the keypoints of a person who moves: no trigger, no clap.

``epipolar`` goes by the geometry of calibrated cameras, ``speed`` by how fast keypoints rise and
fall. Both are pure functions of arrays.
"""

from core.cameras import Rig
from core.errors import CalibrationError
from core.sync import epipolar, speed
from core.sync.found import Found, Views
from core.sync.settings import Method, SyncConfig


def synchronise(
    views: Views, rig: Rig | None, method: Method, reference: int, config: SyncConfig
) -> Found:
    """Offsets of all cameras against ``reference``, its place in ``views.names``.

    Args:
        views: one person's keypoints.
        rig: the same cameras in the same order; None where they are not calibrated.
        method: ``auto``: epipolar where there is a calibration.
        reference: place of the reference camera.
        config: what is searched, and when it is believed.

    Raises:
        CalibrationError: epipolar without a calibration.
    """
    if method == "speed" or (method == "auto" and rig is None):
        return speed.estimate(views, reference, config)
    if rig is None:
        raise CalibrationError(
            "--method epipolar needs a calibration; put one into calibration/ or use --method speed"
        )
    return epipolar.estimate(views, rig, reference, config)
