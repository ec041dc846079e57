import pytest

from core import config
from core.errors import ConfigError

GOOD = 'calibration = "c.toml"\n[[cameras]]\nname = "cam1"\npath = "a.mp4"\n'


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
    ],
)
def test_what_we_cannot_honour_is_refused_with_its_place(text, says):
    with pytest.raises(ConfigError, match=says):
        config.read(text, "rig.toml")
