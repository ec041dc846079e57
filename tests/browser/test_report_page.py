"""The report in a real browser, opened from disk, offline."""

import base64
import csv
import dataclasses
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from services.report import Report, render
from tests.services import report_builder as build

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
SCHEMES = ("light", "dark")


@pytest.fixture(params=["dark"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1200, "height": 800}
    )
    context.set_offline(True)
    yield context
    context.close()


@pytest.fixture
def show(context: BrowserContext, tmp_path: Path) -> Iterator[Callable[[Report], Page]]:
    """Opens a report from disk; an error, a dialogue or a request to elsewhere fails the test."""
    page, path = context.new_page(), tmp_path / "report.html"
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialogue: wrong.append(dialogue.message))
    page.on("request", lambda asked: wrong.append(asked.url) if elsewhere(asked.url) else None)

    def elsewhere(url: str) -> bool:
        return url != path.as_uri() and not url.startswith(("data:", "blob:"))

    def show_report(report: Report) -> Page:
        path.write_text(render(report), encoding="utf-8")
        page.goto(path.as_uri())
        if report.persons:
            page.wait_for_function("window.kineliveReport.framesRendered > 0")
        return page

    yield show_report
    assert wrong == []


def curve(page: Page, title: str) -> Locator:
    return page.locator(".curve", has=page.get_by_role("heading", name=title, exact=True)).first


def canvas(locator: Locator) -> NDArray[np.int64]:
    """What was drawn on a 2D canvas, BGRA."""
    url = locator.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    return decoded(base64.b64decode(url.partition(",")[2]))


def decoded(png: bytes) -> NDArray[np.int64]:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image.astype(np.int64)


def projected(page: Page, person: int = 0) -> NDArray[np.float64]:
    return np.array(page.evaluate(f"window.kineliveReport.projected({person})"))


def seek(page: Page, time_s: float) -> None:
    """Go there, and wait until the numerals are those of it."""
    page.evaluate(f"window.kineliveReport.player.seek({time_s})")
    drawn(page)


def drawn(page: Page) -> None:
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def numeral(locator: Locator, side: str) -> float:
    text = locator.locator(f".key.{side} b").text_content() or ""
    return float(text.replace("−", "-").rstrip("° m"))


@pytest.mark.parametrize("context", SCHEMES, indirect=True)
def test_curves_with_bands_are_drawn_in_the_colours_of_the_sides(show):
    page = show(build.report())
    shot = canvas(curve(page, "Knee flexion"))
    blue_over_red = shot[..., 0] - shot[..., 2]
    opaque, pale = shot[..., 3] > 200, (shot[..., 3] > 20) & (shot[..., 3] < 150)
    for sided in (blue_over_red > 60, blue_over_red < -60):
        assert (opaque & sided).sum() > 200, "no curve"
        assert (pale & sided).sum() > 500, "no band"


def test_every_observed_coordinate_has_a_curve_and_the_others_a_reason(show):
    page = show(build.report())
    titles = page.locator(".curve h4").all_text_contents()
    assert "Hip flexion" in titles
    assert "Pelvis height" in titles
    assert len(titles) == len(set(titles)) == 20
    listed = page.locator(".unseen-list li").all_text_contents()
    assert len(listed) == 4
    assert all(
        re.match(r"(Toe flexion|Forearm rotation), (left|right) – \w", one) for one in listed
    )


def test_the_skeleton_moves_while_it_plays_and_stands_while_it_does_not(show):
    page = show(build.report())
    page.locator("#play").click()
    before, shot = projected(page), decoded(page.locator("#scene").screenshot())
    page.wait_for_function("window.kineliveReport.player.time > 0.4")
    page.locator("#play").click()
    drawn(page)
    assert np.nanmax(np.abs(projected(page) - before)) > 5
    changed = np.abs(decoded(page.locator("#scene").screenshot()) - shot).max(axis=2) > 40
    assert changed.sum() > 200
    stopped = page.evaluate("window.kineliveReport.player.time")
    drawn(page)
    assert page.evaluate("window.kineliveReport.player.time") == stopped


def test_it_begins_anew_after_the_end(show):
    page = show(build.report(build.person(12)))
    page.locator("#speed").select_option("2")
    page.evaluate(
        """() => {
            const { player } = window.kineliveReport;
            let last = player.time;
            player.onChange(() => {
                window.begunAnew ||= player.time < last;
                last = player.time;
            });
        }"""
    )
    page.locator("#play").click()
    page.wait_for_function("window.begunAnew")


def test_slider_and_plots_share_one_time(show):
    person = build.person()
    page = show(build.report(person))
    knee = curve(page, "Knee flexion")
    at = knee.locator(".cursor").evaluate("one => one.getBoundingClientRect().x")
    page.locator("#scrub").fill("1.0")
    drawn(page)
    moved = knee.locator(".cursor").evaluate("one => one.getBoundingClientRect().x")
    assert moved > at + 50
    for side in ("left", "right"):
        expected = person.values[60, build.COORDINATES.index(f"knee_angle_{side[0]}")]
        assert abs(numeral(knee, side) - expected) <= 0.51
    hip = curve(page, "Hip flexion")
    hip.locator(".u-over").click()  # in its middle
    drawn(page)
    middle_s = person.times_s[-1] / 2
    assert abs(float(page.locator("#scrub").input_value()) - middle_s) < 0.03
    assert numeral(hip, "left") == pytest.approx(
        person.values[round(middle_s * 60), build.COORDINATES.index("hip_flexion_l")], abs=4
    )


def test_a_long_recording_is_plotted_a_part_at_a_time(show):
    page = show(build.report(build.person(1500)))
    knee = curve(page, "Knee flexion")
    seek(page, 3.0)
    first, at = canvas(knee), knee.locator(".cursor").evaluate("one => one.style.transform")
    seek(page, 23.0)
    assert knee.locator(".cursor").evaluate("one => one.style.transform") == at
    assert (np.abs(canvas(knee) - first).max(axis=2) > 40).sum() > 200


def test_arrow_keys_go_frame_by_frame(show):
    page = show(build.report())
    page.locator("#scrub").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("window.kineliveReport.player.time") == pytest.approx(3 / 60, abs=1e-3)


def test_a_missing_marker_is_not_drawn(show):
    page = show(build.report())
    wrist = build.person().markers.index("LWrist")
    seek(page, 36 / 60)
    assert np.isnan(projected(page)[wrist]).all()
    assert (curve(page, "Elbow flexion").locator(".key.left b").text_content()) == "–"
    seek(page, 60 / 60)
    assert np.isfinite(projected(page)).all()


def test_figures_are_copied_as_csv(show, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = build.person()
    page = show(build.report(person))
    page.get_by_role("button", name="Copy as CSV").click()
    page.get_by_role("button", name="Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    rows = {row["coordinate"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == len(build.COORDINATES) - 4
    values = person.values[:, build.COORDINATES.index("hip_flexion_r")]
    row = rows["hip_flexion_r"]
    assert row["unit"] == "deg"
    for name, expected in (
        ("min", values.min()),
        ("max", values.max()),
        ("mean", values.mean()),
        ("range_of_motion", np.ptp(values)),
    ):
        assert float(row[name]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("held_out_px", "word"), [(5, "good"), (20, "usable"), (60, "doubtful")])
def test_the_verdict_leads(show, held_out_px, word):
    report = dataclasses.replace(build.report(), quality=build.quality(held_out_px))
    page = show(report)
    verdict = page.locator(".verdict")
    assert word in (verdict.get_attribute("class") or "")
    assert f"{held_out_px:.1f} px" in (verdict.text_content() or "")


def test_what_the_pose_model_never_gives_is_named_and_not_missing(show):
    quality = dataclasses.replace(build.quality(), never_given=("small toes",))
    page = show(dataclasses.replace(build.report(), quality=quality))
    row = page.locator(".facts div", has_text="Points missing")
    assert "12 of 2200; never given by this pose model: small toes" in (row.text_content() or "")


def test_of_two_persons_one_is_shown(show):
    page = show(build.report(build.person(), build.person(60, 2, shift_m=1.0)))
    assert np.isfinite(projected(page, 1)).all()
    page.get_by_role("button", name="Person 2").click()
    assert page.locator(".person:visible h2").all_text_contents() == ["Person 2"]
    assert page.locator(".figures:visible").count() == 1
    seek(page, 1.3)  # the second is there for a second only
    assert len(projected(page, 1)) == 0


def test_hostile_names_are_shown_as_they_are(show):
    person = dataclasses.replace(
        build.person(),
        coordinates=(HOSTILE, *build.COORDINATES[1:]),
        events=((0.5, HOSTILE),),
        marker_error_mm={HOSTILE: 3.0},
    )
    report = dataclasses.replace(
        build.report(person, title=HOSTILE), warnings=(HOSTILE,), settings={HOSTILE: HOSTILE}
    )
    page = show(report)
    assert page.title() == HOSTILE
    assert page.locator("h1").text_content() == HOSTILE
    assert page.locator("img").count() == 0


def test_nobody_and_no_angles_are_said(show):
    page = show(dataclasses.replace(build.report(), persons=()))
    assert page.get_by_text("Nobody was found").is_visible()


def test_paper_is_light_and_complete(show):
    page = show(build.report(build.person(), build.person(60, 2, shift_m=1.0)))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not page.locator("#scene").is_visible()
    assert not page.locator(".transport").is_visible()
    assert page.locator(".person:visible").count() == 2
    assert page.locator("details[open]").count() == 2
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("width", [360, 390, 1280, 3840])
def test_it_fits_from_a_phone_to_a_wall(show, tmp_path, width):
    page = show(build.report())
    page.set_viewport_size({"width": width, "height": 800 if width < 3000 else 2160})
    drawn(page)
    page.screenshot(path=tmp_path / f"report-{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    widths = page.locator(".curve canvas").evaluate_all("all => all.map(one => one.clientWidth)")
    assert min(widths) > 200
