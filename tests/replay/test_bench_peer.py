"""Pose2Sim's own run of the balancing trial beside ours, where its environment has been made."""

import pytest

from core.errors import AssetError
from tools import peer_agreement, peer_environment, peer_runs

APART_DEG = {"knee_angle_r": 2.0, "hip_flexion_l": 2.0, "ankle_angle_r": 2.0, "pelvis_tilt": 2.0}


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_angles_are_those_of_pose2sim(tmp_path):
    if not peer_environment.is_there():
        pytest.skip("needs Pose2Sim's environment: `kinelive bench peer` makes it")
    python = peer_environment.python()
    their_run = peer_runs.theirs(python, tmp_path / "theirs", simple=True)
    our_run = peer_runs.ours(tmp_path / "ours", simple=True, method="pose2sim")
    theirs = peer_agreement.of_theirs(their_run.projects[0])
    ours = peer_agreement.of_ours(our_run.projects[0])
    assert 1e3 * abs(theirs.rms_m.mean() - ours.rms_m.mean()) < 1.0
    assert float(peer_agreement.distances(theirs, ours)["markers mm"]) < 5.0
    found = {str(row["coordinate"]): row for row in peer_agreement.angles(theirs, ours)}
    for name, most_deg in APART_DEG.items():
        print(name, found[name])
        assert float(found[name]["RMS deg"]) < most_deg
        assert float(found[name]["solver"]) < 0.5


def test_the_largest_step_explains_a_coordinate():
    by_step = {"solver": 0.1, "scaling": 2.0, "markers": 0.5}
    assert peer_agreement._why("hip_adduction_l", 2.1, by_step).startswith("scaling")
    assert "gimbal" in peer_agreement._why("arm_rot_l", 2.1, by_step)
    assert peer_agreement._why("knee_angle_r", 0.4, by_step) == ""


def test_without_uv_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="pip install uv"):
        peer_environment._make(tmp_path / "peer")


def test_an_environment_that_cannot_be_made_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(AssetError, match="again with a network"):
        peer_environment._make(tmp_path / "peer")
    assert not (tmp_path / "peer" / "whole.txt").exists()
