import base64
import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from services import report_page
from services.monitor.bundle import BundleError
from services.report import Report, ReportPerson, render
from services.report_payload import of
from tests.services import report_builder as build

HOSTILE = (
    """</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> &amp; "quoted" 'x'"""
)


class Parsed(HTMLParser):
    """What a browser would make of a file: the addresses it names, scripts, title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v for name, v in attrs if name in ("src", "href") and v is not None]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        tag = self.tags[-1] if self.tags else ""
        self.texts[tag] = self.texts.get(tag, "") + data
        if tag == "script" and self.scripts:
            self.scripts[-1] += data


def payload_of(text: str) -> dict[str, Any]:
    return json.loads(Parsed(text).scripts[0])


def floats(encoded: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(encoded), "<f4").reshape(shape)


def test_it_needs_no_other_file():
    text = render(build.report())
    parsed = Parsed(text)
    assert [one for one in parsed.addresses if not one.startswith("data:")] == []
    assert len(parsed.scripts) == 2
    assert len(text) < 3_000_000
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL))
    assert styles
    assert not re.search(r"@import|url\((?!['\"]?data:)", styles)


def test_numbers_come_back_with_their_gaps():
    person = build.person()
    said = payload_of(render(build.report(person)))["persons"][0]
    points_m = floats(said["points_m"], *person.points_m.shape)
    np.testing.assert_array_equal(points_m, person.points_m.astype("<f4"))
    assert np.isnan(points_m[build.GAP]).any()
    drawn = [place for place, one in enumerate(said["coordinates"]) if one["drawn"]]
    expected = np.where(build.observed(100), person.values, np.nan)[:, drawn].T
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(floats(said["values"], len(drawn), 100), expected.astype("<f4"))
    assert np.isnan(floats(said["sd"], len(drawn), 100))[np.isnan(expected)].all()


def test_what_is_not_observed_is_listed_with_its_reason():
    person = dataclasses.replace(
        build.person(), unobserved_because={"mtp_angle_r": "the toes are locked"}
    )
    said = {one["name"]: one for one in of(build.report(person))["persons"][0]["coordinates"]}
    assert [name for name, one in said.items() if not one["drawn"]] == [
        "mtp_angle_r",
        "mtp_angle_l",
        "pro_sup_r",
        "pro_sup_l",
    ]
    assert said["mtp_angle_r"]["because"] == "the toes are locked"
    assert "axis" in said["pro_sup_l"]["because"]
    assert said["elbow_flex_l"]["observed"] == pytest.approx(0.88)


def test_the_table_is_of_observed_values_only():
    person = build.person()
    values = person.values.copy()
    place = build.COORDINATES.index("elbow_flex_l")
    values[build.GAP, place] = 1e6
    said = of(build.report(dataclasses.replace(person, values=values)))["persons"][0]
    row = said["coordinates"][place]
    kept = np.delete(values[:, place], np.arange(100)[build.GAP])
    assert (row["min"], row["max"]) == (kept.min(), kept.max())
    assert row["range"] == pytest.approx(np.ptp(kept))
    assert row["mean"] == pytest.approx(kept.mean())


def test_flags_may_hold_for_the_whole_recording():
    flags = np.array([not name.startswith("hip") for name in build.COORDINATES])
    said = of(build.report(dataclasses.replace(build.person(), observed=flags)))["persons"][0]
    hidden = [one["name"] for one in said["coordinates"] if not one["drawn"]]
    assert len(hidden) == 6
    assert all(name.startswith("hip") for name in hidden)


def test_a_long_recording_is_thinned_but_its_table_is_not():
    person = build.person(1000)
    said = of(build.report(person), most_numbers=40_000)
    assert said["every"] == 4
    one = said["persons"][0]
    np.testing.assert_array_equal(
        floats(one["times_s"], -1), person.times_s[::4].astype(np.float32)
    )
    assert floats(one["points_m"], -1, len(person.markers), 3).shape[0] == 250
    knee = one["coordinates"][build.COORDINATES.index("knee_angle_r")]
    assert knee["max"] == person.values[:, build.COORDINATES.index("knee_angle_r")].max()
    assert one["n_frames"] == 1000


def test_hostile_names_stay_text():
    person = dataclasses.replace(
        build.person(),
        markers=(HOSTILE, *build.person().markers[1:]),
        coordinates=(HOSTILE, *build.COORDINATES[1:]),
        events=((0.5, HOSTILE),),
        marker_error_mm={HOSTILE: 3.0},
    )
    report = dataclasses.replace(
        build.report(person, title=HOSTILE),
        input_name=HOSTILE,
        warnings=(HOSTILE,),
        settings={HOSTILE: {HOSTILE: HOSTILE}},
        unused_settings=(HOSTILE,),
    )
    plain, text = Parsed(render(build.report())), render(report)
    parsed = Parsed(text)
    assert parsed.tags == plain.tags
    assert parsed.texts["title"].strip() == HOSTILE
    said = payload_of(text)
    assert said["title"] == said["warnings"][0] == said["persons"][0]["markers"][0] == HOSTILE
    assert said["settings"] == [[f"{HOSTILE}.{HOSTILE}", HOSTILE]]


def test_unknown_figures_are_null_and_bones_of_unknown_markers_left_out():
    person = ReportPerson(
        id=3,
        rate_hz=50.0,
        times_s=np.arange(2) / 50,
        markers=("A", "B"),
        points_m=np.zeros((2, 2, 3)),
        bones=(("A", "B"), ("B", "C")),
    )
    quality = build.quality(float("nan"))
    text = render(Report("x", "y", (person,), quality))
    said = payload_of(text)
    assert said["persons"][0]["height_m"] is None
    assert said["persons"][0]["coordinates"] == []
    assert said["persons"][0]["bones"] == [[0, 1]]
    assert said["quality"]["held_out_px"] is None
    assert said["verdict"]["word"] == "doubtful"


def test_a_report_of_nobody():
    report = dataclasses.replace(build.report(), persons=())
    assert payload_of(render(report))["persons"] == []


@pytest.mark.parametrize("field", ["points_m", "values", "sd", "observed", "error_mm"])
def test_arrays_that_do_not_fit_are_refused(field):
    person = build.person()
    cut = dataclasses.replace(person, **{field: getattr(person, field)[:-1]})
    with pytest.raises(ValueError, match=f"person 1: {field} is"):
        render(build.report(cut))


def test_script_and_styles_cannot_end_early(tmp_path):
    (tmp_path / "a.js").write_text(r'const a = "</SCRIPT>", b = /<!--\d/u;')
    (tmp_path / "a.css").write_text('i::after { content: "</style>" }')
    page = (
        '<script type="module" crossorigin src="./a.js"></script>'
        '<link rel="stylesheet" crossorigin href="./a.css">'
    )
    assert report_page.inline(page, tmp_path) == (
        r'<script type="module">const a = "\x3C/SCRIPT>", b = /\x3C!--\d/u;</script>'
        r'<style>i::after { content: "<\/style>" }</style>'
    )


def test_a_page_of_several_scripts_is_refused(tmp_path):
    with pytest.raises(BundleError, match="0 scripts"):
        report_page.inline("<html></html>", tmp_path)
