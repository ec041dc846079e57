"""A calibration's report in a real browser, opened from disk, offline."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from services.calibration_report import CalibrationReport, render
from tests.services import calibration_reports as build

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")
CONTRAST = """selector => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const put = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); };
    const light = () => [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)]
        .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    return [...document.querySelectorAll(selector)].filter(one => one.offsetParent).map(one => {
        const below = [];
        for (let at = one; at; at = at.parentElement) below.unshift(at);
        for (const at of below) put(getComputedStyle(at).backgroundColor);
        const ground = light();
        put(getComputedStyle(one).color);
        const [dark, bright] = [ground, light()].sort((a, b) => a - b);
        return (bright + 0.05) / (dark + 0.05);
    });
}"""


@pytest.fixture(params=["dark"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    size = {"width": 1920, "height": 1080}
    context = browser.new_context(color_scheme=request.param, viewport=size)  # pyright: ignore[reportArgumentType]
    context.set_offline(True)
    yield context
    context.close()


@pytest.fixture
def show(context: BrowserContext, tmp_path: Path) -> Iterator[Callable[[CalibrationReport], Page]]:
    """Opens a report from disk; an error or a request to elsewhere fails the test."""
    page, path = context.new_page(), tmp_path / "calibration.html"
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: wrong.append(asked.url) if elsewhere(asked.url) else None)

    def elsewhere(url: str) -> bool:
        return url != path.as_uri() and not url.startswith(("data:", "blob:"))

    def show_report(report: CalibrationReport) -> Page:
        path.write_text(render(report), encoding="utf-8")
        page.goto(path.as_uri())
        if report.space:
            page.wait_for_function("window.kineliveCalibration.framesRendered > 0")
        return page

    yield show_report
    assert wrong == []


def arrows(page: Page) -> str:
    path = page.locator(".card").first.locator(".arrow:not(.halo)").first
    return path.get_attribute("d") or ""


def test_the_headline_leads_and_says_what_to_do(show):
    page = show(build.lenses(6))
    verdict = page.locator(".verdict").text_content() or ""
    assert verdict.find("acceptable") >= 0
    assert "Pictures used: cam01 5, cam02 5; good is at least 10." in verdict
    assert page.get_by_text("Take more pictures: 15").first.is_visible()


def test_each_camera_has_its_pictures_numbers_and_what_was_left_out(show):
    page = show(build.lenses())
    cards = page.locator(".card")
    assert cards.locator("h2").all_text_contents() == ["cam01", "cam02"]
    first = cards.first
    assert first.locator("svg.sheet").count() == 2
    assert first.locator("svg.sheet image").count() == 1
    assert first.locator(".ring").count() == 28
    assert "±" in (first.locator(".facts:not(.judged)").text_content() or "")
    assert "02.png: " in (first.locator("ul.left-out").text_content() or "")
    assert "times as long as it is off" in (page.locator(".drawing-key").text_content() or "")


def test_views_are_chosen_and_the_wrong_one_says_why(show):
    page = show(build.lenses())
    first = page.locator(".card").first
    before = arrows(page)
    first.get_by_role("button", name="Next view").click()
    assert arrows(page) != before
    first.locator("select").select_option("02.png (not used)")
    assert "not used: " in (first.locator("figcaption").first.text_content() or "")
    assert first.locator("figure").first.locator(".arrow").count() == 0


def test_before_and_after_a_refinement(show):
    page = show(build.refined())
    after = arrows(page)
    page.get_by_role("button", name="Before", exact=True).click()
    assert arrows(page) != after
    page.get_by_role("button", name="After", exact=True).click()
    assert arrows(page) == after
    assert page.get_by_text("Lowest point of the feet, z").is_visible()
    assert not page.get_by_text("LBigToe").is_visible()
    page.get_by_text("Each keypoint", exact=True).click()
    assert page.get_by_text("LBigToe").is_visible()


def test_the_cameras_stand_in_the_room_with_their_names(show):
    page = show(build.refined(8))
    places = np.array(page.evaluate("window.kineliveCalibration.projected()"))
    box = page.locator("#scene").bounding_box()
    assert box is not None
    assert places.shape == (8, 2)
    assert (places > 0).all()
    assert (places < [box["width"], box["height"]]).all()
    named = page.locator(".label.camera:visible").all_text_contents()
    assert named == [f"cam0{n}" for n in range(1, 9)]
    page.locator("#scene").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "was => window.kineliveCalibration.projected()[0][0] !== was", arg=float(places[0, 0])
    )


@pytest.mark.parametrize("context", SCHEMES, indirect=True)
def test_all_text_can_be_read(show):
    page = show(build.lenses(6))
    for selector in (".badge", ".quiet", ".verdict :is(p, b)", ".value", "dt, dd", "li", "th, td"):
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios
        assert min(ratios) >= 4.5, selector


def test_paper_is_light_and_unfolded(show):
    page = show(build.refined())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#scene").is_visible()
    assert not page.locator(".when").is_visible()
    assert page.locator("details:not([open])").count() == 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    drawn = "one => getComputedStyle(one).backgroundColor"
    assert page.locator(".sheet").first.evaluate(drawn) == "rgb(246, 248, 250)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("kind", ["lenses", "refined", "converted", "measured"])
def test_nothing_scrolls_sideways(show, kind):
    page = show(getattr(build, kind)())
    wider = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
    for width in (360, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.locator(".wide:visible").evaluate_all(wider) == 0
