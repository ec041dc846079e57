import json
from pathlib import Path

import pytest

from core.errors import AssetError
from core.pose.catalogue import MODELS
from services import models, pose_weights
from tools import fetch


def test_the_last_line_on_standard_output_is_one_json_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fetch.fetch(("blazepose",)) == 0
    assert "asset:blazepose/pose_landmark_full.onnx" in capsys.readouterr().out
    assert fetch.fetch(("blazepose",), offline=True, json=True) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out.splitlines()[-1])
    paths = models.ensure("blazepose").values()
    assert report["cache"] == str(models.cache_folder())
    assert report["groups"] == {
        "blazepose": {
            "files": len(paths),
            "bytes": sum(path.stat().st_size for path in paths),
            "downloaded": 0,
        }
    }
    assert "mediapipe==0.10.21" in printed.err


def test_offline_with_an_empty_cache_says_what_to_do(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(AssetError, match=r"pose_detection.tflite.*mediapipe==.*kinelive fetch"):
        fetch.fetch_groups(["blazepose"], progress=said.append, offline=True, cache_root=tmp_path)
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_weights_of_a_pose_model_are_fetched_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"rtmpose-m.*get https://.*zip on another machine"):
        fetch.fetch_groups(
            ["rtmpose_balanced"], progress=print, offline=True, cache_root=_with_detector(tmp_path)
        )
    for one in pose_weights.weights_of(MODELS["rtmpose_balanced"], tmp_path).values():
        one.network.write_bytes(b"weights")
    report = fetch.fetch_groups(
        ["rtmpose_balanced"], progress=print, offline=True, cache_root=tmp_path
    )
    assert report.groups == {"rtmpose_balanced": fetch.Fetched(2, 14, 1)}


def _with_detector(cache: Path) -> Path:
    """The detector has been put there by hand."""
    one = pose_weights.weights_of(MODELS["rtmpose_balanced"], cache)["detector"]
    one.folder.mkdir(parents=True)
    one.network.write_bytes(b"weights")
    return cache


def test_blazepose_may_be_called_as_in_a_configuration() -> None:
    report = fetch.fetch_groups(["blazepose_full"], progress=print, offline=True)
    assert set(report.groups) == {"blazepose"}


def test_what_there_is_not_is_refused_with_what_there_is() -> None:
    with pytest.raises(AssetError, match=r"'rtmpose' is none of demo.*rtmpose_balanced"):
        fetch.fetch_groups(["rtmpose"], progress=print)
