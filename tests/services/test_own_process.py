"""Work in processes of their own: started ahead, given work, stopped."""

import json

import pytest

from core.errors import ModelError
from core.process_kinematics import KinematicsConfig
from services import models
from tools import process_scaling
from tools.own_process import Started
from tools.process_scaling import Scaler


def test_a_model_that_cannot_be_read_is_told_when_the_work_comes(tmp_path):
    process = Started("tools.opensim_scale", str(tmp_path / "none.osim"), str(tmp_path / "s.xml"))
    try:
        with pytest.raises(ModelError, match="no such file"):
            process.finish(json.dumps({}))
    finally:
        process.stop()


def test_a_process_whose_work_never_comes_is_ended():
    scaler = Scaler(KinematicsConfig())
    models.ensure("opensim")
    with scaler:
        scaler.start()
        assert scaler._ready is not None
        process = scaler._ready[1]._process
        assert process.poll() is None
    assert process.poll() is not None


def test_nothing_is_started_where_no_angles_are_wanted():
    with Scaler(KinematicsConfig(enabled=False)) as scaler:
        scaler.start()
        assert scaler._ready is None


def test_files_follow_the_marker_set():
    config = KinematicsConfig()
    anatomical = process_scaling.files_of(config, augmented=True)
    keypoints = process_scaling.files_of(config, augmented=False)
    assert anatomical.osim == keypoints.osim
    assert anatomical.setup != keypoints.setup
