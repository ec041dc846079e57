"""The file of a calibration's report: whole, small, and nothing in it can end it early."""

import dataclasses

import numpy as np
import pytest

from core.errors import ConfigError
from services import calibration_report, report_photos
from services.calibration_report import Figure, place_of, render, write
from services.calibration_report_payload import of
from tests.services import calibration_reports as build
from tests.services.test_report import HOSTILE, Parsed, floats, payload_of

KINDS = {
    "lenses": build.lenses,
    "refined": build.refined,
    "converted": build.converted,
    "measured": build.measured,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_needs_no_other_file_and_is_small(kind):
    text = render(KINDS[kind]())
    parsed = Parsed(text)
    assert [one for one in parsed.addresses if not one.startswith("data:")] == []
    assert len(parsed.scripts) == 2
    assert len(text) < 1_000_000
    said = payload_of(text)
    assert said["headline"]["word"] in ("good", "acceptable", "redo")
    assert said["headline"]["reasons"]


def test_points_come_back_and_what_was_left_out_has_its_reason():
    report = build.lenses()
    first = of(report)["cameras"][0]
    assert [one["word"] for one in first["judged"]] == ["good", "good", "good", "acceptable"]
    assert first["word"] == "acceptable"
    used = {view["name"]: view for view in first["views"] if view["used"]}
    left = {view["name"]: view for view in first["views"] if not view["used"]}
    assert list(left) == ["02.png"]
    assert "takes no part" in left["02.png"]["reason"]
    assert left["02.png"]["photo"]
    points = floats(used["00.png"]["points_px"], 28, 4)
    assert np.abs(points[:, :2] - points[:, 2:]).max() < 1
    assert sum(map(sum, first["coverage"])) == 303  # of 308 corners, five are out of the picture


def test_a_refinement_says_both_before_and_after():
    said = of(build.refined())
    assert said["has_before"]
    assert len(said["cameras"]) == 4
    view = said["cameras"][0]["views"][3]
    points = floats(view["points_px"], 26, 6)
    after, before = (np.nanmedian(np.abs(points[:, :2] - points[:, k : k + 2])) for k in (2, 4))
    assert before > 2 * after
    assert [one["title"] for one in said["tables"]] == ["Size and floor", "Each keypoint"]
    assert said["tables"][1]["is_folded"]
    assert len(said["tables"][1]["rows"]) == 26
    assert len(floats(said["space"]["points_m"], -1, 3)) == 12 * 26


@pytest.mark.parametrize(("noise_px", "word"), [(0.5, "good"), (2.0, "acceptable"), (9, "redo")])
def test_measured_points_are_judged(noise_px, word):
    report = build.measured(noise_px)
    assert report.headline.word == word
    assert (report.headline.remedies == ()) == (word == "good")


def test_hostile_names_stay_text():
    report = build.converted()
    camera = dataclasses.replace(report.cameras[0], name=HOSTILE, figures=(Figure(HOSTILE, "1"),))
    hostile = dataclasses.replace(report, title=HOSTILE, cameras=(camera,), notes=(HOSTILE,))
    plain, parsed = Parsed(render(report)), Parsed(render(hostile))
    assert parsed.tags == plain.tags
    assert parsed.texts["title"].strip() == HOSTILE


def test_photos_are_shrunk_until_they_fit():
    photos = build.lenses().photos
    whole = report_photos.fitted(photos, 10_000_000)
    some = report_photos.fitted(photos, 20_000)
    assert set(whole) == set(some) == set(photos)
    assert sum(map(len, some.values())) <= 20_000 < sum(map(len, whole.values()))


def test_a_file_or_a_folder(tmp_path):
    report = build.converted()
    assert write(tmp_path, report) == tmp_path / calibration_report.FILE
    assert write(tmp_path / "a" / "b", report) == tmp_path / "a" / "b" / calibration_report.FILE
    assert write(tmp_path / "Mine.HTML", report) == tmp_path / "Mine.HTML"
    for wrong in ("report.pdf", "Mine.HTML/below.html"):
        with pytest.raises(ConfigError, match="--report"):
            write(tmp_path / wrong, report)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"a name\.html, or a folder"):
        place_of(tmp_path / "file")
