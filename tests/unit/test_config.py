from pathlib import Path

import pytest

from core import anatomy, config
from core.errors import ConfigError
from core.pose import catalogue

CONFIGS = Path(__file__).parents[2] / "configs"
GOOD = 'calibration = "c.toml"\n[[cameras]]\nname = "cam1"\npath = "a.mp4"\n'


FAR = (
    'calibration = "c.toml"\n[bus]\nhost = "10.0.0.1"\n[[cameras]]\nname = "cam1"\nhost = "lab2"\n'
)


def test_defaults_stand_in_one_place():
    run = config.read(GOOD, "rig.toml")
    assert run.fusion == config.FusionConfig()
    assert run.camera("cam1").reduce == 2


def test_json_round_trip():
    run = config.read(GOOD, "rig.toml")
    assert config.parse(config.write(run)) == run


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x =", "rig.toml: not TOML"),
        ('calibration = "c"\ncameras = []', "no cameras"),
        ('calibration = "c"', "cameras"),
        (GOOD + "[fusion]\nwindow_m = 3", "unknown field `window_m`.*known here: .*window_ms,"),
        (GOOD + "loops = 1\n", "unknown field `loops`.*known here: name, driver,"),
        ("colour = 1\n" + GOOD, "unknown field `colour`.*known here: cameras, calibration"),
        (GOOD + "[fusion]\nwindow_ms = -3", r"> 0.0 - at `\$.fusion.window_ms`"),
        (GOOD + '[fusion]\nwindow_ms = "4 ms"', r"\$.fusion.window_ms"),
        (GOOD + '[[cameras]]\nname = "cam1"', "names must differ"),
        (GOOD.replace("cam1", "../cam1"), r"\$.cameras\[0\].name"),
        (
            GOOD + 'host = "lab2"',
            "cameras on lab2, but nobody else reaches 127.0.0.1; set bus.host",
        ),
        (GOOD + 'host = "lab 2"', r"\$.cameras\[0\].host"),
        (FAR + 'record_raw = "nothing"', "cam1: a camera on another host sends packets"),
        (FAR + "lossless = true", "cam1: a camera on another host cannot be lossless"),
    ],
)
def test_what_we_cannot_honour_is_refused_with_its_place(text, says):
    with pytest.raises(ConfigError, match=says):
        config.read(text, "rig.toml")


LIMBS = ", ".join(f'"{name}"' for name in anatomy.LIMBS)


@pytest.mark.parametrize(
    ("pose", "says"),
    [
        ('model = "rtmpose_best"', "'rtmpose_best' is not known.*rtmpose_balanced"),
        ('pose_path = "a.onnx"', "pose.pose_path: only with pose.model = 'custom'"),
        ('model = "custom"', "needs pose.pose_path"),
        ('model = "custom"\npose_path = "a.onnx"', "either pose.skeleton.*HALPE_26"),
        ('model = "custom"\npose_path = "a.onnx"\nskeleton = "HALPE"', "'HALPE' is not known"),
        ('model = "custom"\npose_path = "a"\nskeleton = "HAND_21"', "has no LShoulder"),
        ('model = "custom"\npose_path = "a"\nkeypoints = ["LHip", "LHip"]', "are there twice"),
        ('model = "custom"\npose_path = "a"\nkeypoints = ["Nose"]', "has no LShoulder.*call them"),
    ],
)
def test_a_pose_model_that_cannot_be(pose, says):
    with pytest.raises(ConfigError, match=says):
        config.read(GOOD + f"[pose]\n{pose}\n", "rig.toml")


def test_pose_models_that_can_be():
    asked = config.read(GOOD + '[pose]\nmodel = "rtmpose_wholebody_balanced"\n', "rig.toml").pose
    assert catalogue.skeleton_of(asked).name == "COCO_133"
    mine = f'[pose]\nmodel = "custom"\npose_path = "a.onnx"\nkeypoints = ["Tail", {LIMBS}]\n'
    asked = config.read(GOOD + mine, "rig.toml").pose
    assert catalogue.skeleton_of(asked).names == ("Tail", *anatomy.LIMBS)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda one: one.name)
def test_the_rig_files_that_come_along_are_read(path: Path):
    assert config.read(path.read_text(encoding="utf-8"), path.name).cameras
