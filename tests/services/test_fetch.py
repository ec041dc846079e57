import json
from pathlib import Path

import pytest

from core.errors import AssetError
from services import models
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
