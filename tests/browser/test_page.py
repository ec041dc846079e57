"""The page in a real browser: a real monitor, a real bus, a walker whose truth is known."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from core.config import MonitorConfig
from core.messages import view
from core.skeletons import HALPE_26
from services.monitor import listen
from tests.services import synthetic_run as play

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
CAMERAS = ("cam01", "cam02", "cam03", "cam04")
LEFT = [HALPE_26.index(name) for name in ("LShoulder", "LElbow", "LWrist", "LKnee")]
RIGHT = [HALPE_26.index(name) for name in ("RShoulder", "RElbow", "RWrist", "RKnee")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose errors fail the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 640}, color_scheme="dark")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def run() -> Iterator[play.SyntheticRun]:
    with listen.bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with play.run_folder() as folder:
        yield play.SyntheticRun(folder, play.settings(monitor=MonitorConfig(port=port)))


def ask(page: Page, what: str) -> Any:
    """Value of an expression over the page's probe, None before there is one."""
    return page.evaluate(f"window.kinelive && (({{kinelive}}) => {what})(window)")


def go_live(page: Page, url: str) -> None:
    page.goto(url)
    play.until(lambda: ask(page, "kinelive.framesRendered > 3 && kinelive.latestPose()"), 40)
    play.until(lambda: all_tiles_shown(page), 40)


def all_tiles_shown(page: Page) -> bool:
    tiles = ask(page, "kinelive.tiles")
    return set(tiles) == set(CAMERAS) and all(tiles.values())


def screen(page: Page, selector: str) -> NDArray[np.uint8]:
    """What is on the screen there, BGR."""
    return decoded(page.locator(selector).screenshot())


def canvas(page: Page, selector: str) -> NDArray[np.uint8]:
    """What was drawn on a 2D canvas, BGR; a screenshot would take seconds in software."""
    url = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    return decoded(base64.b64decode(url.partition(",")[2]))


def decoded(png: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


def tile_picture(page: Page, number: int) -> NDArray[np.uint8]:
    return canvas(page, f".tile:nth-child({number + 1}) canvas")


def test_a_walker_is_drawn_live(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        assert page.locator("#state").text_content() == "Live"
        assert page.locator("#persons").text_content() == "1"
        before, rendered = screen(page, "#scene"), ask(page, "kinelive.framesRendered")
        play.until(lambda: ask(page, "kinelive.framesRendered") > rendered + 3)
        changed = np.abs(screen(page, "#scene").astype(int) - before).max(axis=2) > 40
        assert changed.sum() > 100


def test_joints_are_where_the_message_says_and_in_the_colour_of_their_side(page, run):
    run.still = True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: settled(page))
        pose = ask(page, "kinelive.latestPose()")
        said = run.poses[-1].persons[0]
        joints_m = np.array(pose["persons"][0]["joints"])
        np.testing.assert_allclose(joints_m, view(said, "keypoints_m"), atol=1e-6)
        drawn_px = np.array(ask(page, "kinelive.projected(0)"))
        assert pinhole_residual_px(joints_m, drawn_px) < 0.5
        shot = screen(page, "#scene").astype(int)
        blue, red = shot[..., 0], shot[..., 2]
        for joints, brighter, darker in ((LEFT, blue, red), (RIGHT, red, blue)):
            coloured = [(brighter - darker)[around(drawn_px[joint])].max() > 60 for joint in joints]
            assert sum(coloured) >= len(joints) - 1  # one may lie behind another


def settled(page: Page) -> bool:
    """Whether the view has come to rest on the person."""
    places = [np.array(ask(page, "kinelive.projected(0)")) for _ in range(2)]
    frames = ask(page, "kinelive.framesRendered")
    play.until(lambda: ask(page, "kinelive.framesRendered") > frames + 2)
    places.append(np.array(ask(page, "kinelive.projected(0)")))
    return bool(np.abs(places[2] - places[0]).max() < 0.05)


def around(point_px: NDArray[np.float64]) -> tuple[slice, slice]:
    x, y = np.round(point_px).astype(int)
    return slice(y - 1, y + 2), slice(x - 1, x + 2)


def pinhole_residual_px(points_m: NDArray[np.float64], points_px: NDArray[np.float64]) -> float:
    """Greatest error of the pinhole camera that explains the pixels best (DLT)."""
    rows = []
    for point_m, (u, v) in zip(points_m, points_px / 500, strict=True):
        world = [*point_m, 1.0]
        rows.append([*world, 0, 0, 0, 0, *(-u * w for w in world)])
        rows.append([0, 0, 0, 0, *world, *(-v * w for w in world)])
    camera = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 4)
    seen = np.column_stack([points_m, np.ones(len(points_m))]) @ camera.T
    return float(np.abs(seen[:, :2] / seen[:, 2:] * 500 - points_px).max())


def test_all_cameras_show_pictures_that_change_with_keypoints_on_them(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        first = ask(page, "kinelive.tiles")
        before = [tile_picture(page, i) for i in range(len(CAMERAS))]
        play.until(
            lambda: all(
                now["frame"] > first[camera]["frame"] + 8
                for camera, now in ask(page, "kinelive.tiles").items()
            )
        )
        for i, old in enumerate(before):
            new = tile_picture(page, i)
            assert new.std() > 5
            assert (np.abs(new.astype(int) - old).max(axis=2) > 40).sum() > 20
            blue_over_red = new[..., 0].astype(int) - new[..., 2]
            assert (blue_over_red > 60).sum() > 5, "no left side drawn"
            assert (blue_over_red < -60).sum() > 5, "no right side drawn"


def test_plots_and_numerals_go_on(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        points = play.until(lambda: ask(page, "kinelive.plotPoints"))
        before = canvas(page, ".plot:nth-child(1) canvas")
        play.until(lambda: ask(page, "kinelive.plotPoints") > points + 10)
        after = canvas(page, ".plot:nth-child(1) canvas")
        assert (np.abs(after.astype(int) - before).max(axis=2) > 40).sum() > 20
        numeral = page.locator(".plot:nth-child(1) .key.left b").text_content()
        assert numeral is not None
        assert numeral.endswith("°")
        latency = play.until(lambda: ask(page, "kinelive.latency"))
        assert 0 < latency["p50"] <= latency["p95"]


def test_it_comes_back_when_the_server_does(page, run):
    with play.playing(run):
        with play.monitor(run) as url:
            go_live(page, url)
        play.until(lambda: not ask(page, "kinelive.connected"))
        play.until(lambda: page.locator("#state").text_content() == "Reconnecting")
        assert "Reconnecting" in (page.locator("#notice").text_content() or "")
        last = ask(page, "kinelive.latestPose().t_ns")
        with play.monitor(run) as again:
            assert again == url
            play.until(lambda: ask(page, "kinelive.connected"))
            play.until(lambda: ask(page, "kinelive.latestPose()?.t_ns ?? 0") > last)
            play.until(lambda: page.locator("#state").text_content() == "Live")


def test_it_says_in_words_what_is_missing(page, run):
    run.n_persons = 0
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: page.locator("#notice").text_content() == "Nobody in view")
        run.silent.add("cam02")
        lost = page.locator(".tile:nth-child(2)")
        play.until(lambda: "camera lost" in (lost.text_content() or ""))
        assert "lost" in (lost.get_attribute("class") or "")
        assert "camera lost" in (lost.locator("canvas").get_attribute("aria-label") or "")
        assert page.locator(".tile.lost").count() == 1
        run.silent.add("pose3d")
        play.until(lambda: "No new pose" in (page.locator("#notice").text_content() or ""))
        assert page.locator("#state").text_content() == "Stale"


def test_processes_and_drops_unfold(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: "processes fine" in (page.locator("#health-line").text_content() or ""))
        page.locator("#health summary").click()
        row = page.locator("#health-rows tr", has_text="camera.cam02")
        play.until(lambda: row.count() == 1 and "late 3" in (row.text_content() or ""))


def test_several_persons_can_be_told_apart(page, run):
    run.n_persons = 2
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: page.locator(".label.person:not([hidden])").all_text_contents())
        second = page.get_by_role("button", name="Person 2")
        play.until(second.is_visible)
        second.click()
        play.until(lambda: second.get_attribute("aria-pressed") == "true")


def test_uncertainty_is_drawn_in_one_call_on_request_and_remembered(page, run):
    run.n_persons = 2
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        button = page.locator("#uncertainty")
        assert button.get_attribute("aria-pressed") == "false"
        assert ask(page, "kinelive.ellipsoids") == 0
        without = calls_of_the_next_frames(page)
        page.keyboard.press("u")
        play.until(lambda: ask(page, "kinelive.ellipsoids") == 2 * 26)
        assert button.get_attribute("aria-pressed") == "true"
        assert calls_of_the_next_frames(page) == without + 1
        page.reload()
        play.until(lambda: ask(page, "kinelive.ellipsoids") == 2 * 26)
        button.click()
        play.until(lambda: ask(page, "kinelive.ellipsoids") == 0)


def calls_of_the_next_frames(page: Page) -> int:
    rendered = ask(page, "kinelive.framesRendered")
    play.until(lambda: ask(page, "kinelive.framesRendered") > rendered + 1)
    return ask(page, "kinelive.drawCalls")


def test_an_ellipsoid_has_the_axes_of_its_covariance(page, run):
    """Upright ones of 5 cm cover more of the picture above the toe than beside it."""
    run.still = True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: settled(page))
        before = screen(page, "#scene").astype(int)
        page.keyboard.press("u")
        play.until(lambda: ask(page, "kinelive.ellipsoids") == 26)
        calls_of_the_next_frames(page)
        changed = np.abs(screen(page, "#scene").astype(int) - before).max(axis=2) > 25
        heel = np.array(ask(page, "kinelive.projected(0)"))[HALPE_26.index("LHeel")]
        x, y = np.round(heel).astype(int)
        up = changed[y - 40 : y, x - 2 : x + 3].any(axis=1).sum()
        beside = changed[y - 2 : y + 3, x : x + 40].any(axis=0).sum()
        assert up > 1.3 * beside > 0


def test_subjects_are_pinned_by_their_chip_and_by_a_click_in_the_3d_view(page, run):
    run.n_persons, run.still = 2, True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: page.locator(".subject").count() == 2)
        play.until(lambda: settled(page))
        page.get_by_role("button", name="Subject 2").click()
        play.until(lambda: ask(page, "kinelive.pinned") == [2])
        assert page.locator('.subject[aria-pressed="true"]').all_text_contents() == ["2"]
        play.until(lambda: page.locator(".label.pinned").all_text_contents() == ["2"])
        play.until(lambda: page.locator("#person-choice").is_hidden())
        click_joint(page, 0, "LKnee")
        play.until(lambda: ask(page, "kinelive.pinned") == [1, 2])
        click_joint(page, 1, "Head")
        play.until(lambda: ask(page, "kinelive.pinned") == [1])
        page.get_by_role("button", name="Subject 1").click()
        play.until(lambda: ask(page, "kinelive.pinned") == [])


def click_joint(page: Page, person: int, joint: str) -> None:
    play.until(lambda: settled(page))  # the view goes to whoever is pinned
    place = np.array(ask(page, f"kinelive.projected({person})"))[HALPE_26.index(joint)]
    page.locator("#scene").click(position={"x": float(place[0]), "y": float(place[1])})


def test_whoever_is_not_pinned_is_drawn_pale(page, run):
    run.n_persons, run.still = 2, True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: page.locator(".subject").count() == 2)
        page.get_by_role("button", name="Subject 2").click()
        play.until(lambda: ask(page, "kinelive.pinned") == [2])
        play.until(lambda: settled(page))
        shot = screen(page, "#scene").astype(int)
        contrast = [colour_of(page, shot, person) for person in (0, 1)]
        assert contrast[1] > 1.8 * contrast[0]


def colour_of(page: Page, shot: NDArray[np.int64], person: int) -> float:
    """How far blue and red are apart around the joints of a person's sides."""
    places = np.array(ask(page, f"kinelive.projected({person})"))
    apart = np.abs(shot[..., 0] - shot[..., 2])
    return float(np.median([apart[around(places[joint])].max() for joint in (*LEFT, *RIGHT)]))


def test_plots_take_any_coordinates_and_the_choice_is_remembered(page, run):
    sided = (
        f"{name}_{side}" for name in ("hip_flexion", "knee_angle", "elbow_flex") for side in "rl"
    )
    run.coordinates = ("pelvis_tilt", "pelvis_tx", *sided, "lumbar_bending")
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        usual = ["hip_flexion", "knee_angle", "elbow_flex"]
        play.until(lambda: ask(page, "kinelive.plotted") == usual)
        page.get_by_text("Choose").click()
        page.get_by_role("checkbox", name="Lumbar bending").check()
        page.get_by_role("checkbox", name="Pelvis X").check()
        page.get_by_role("checkbox", name="Elbow flex").uncheck()
        chosen = ["pelvis_tx", "hip_flexion", "knee_angle", "lumbar_bending"]
        play.until(lambda: ask(page, "kinelive.plotted") == chosen)
        play.until(lambda: (page.locator(".plot b").first.text_content() or "").endswith(" m"))
        page.reload()
        play.until(lambda: ask(page, "kinelive.plotted") == chosen)
        run.coordinates = ("left_thing", "right_thing")
        play.until(lambda: ask(page, "kinelive.plotted") == list(run.coordinates or ()))


def test_how_angles_are_measured_is_said_and_guesses_are_not_shown(page, run):
    run.angles_status = "measuring"
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        saying = page.locator("#angles-saying")
        numerals = page.locator(".plot b")
        play.until(lambda: "stand upright" in (saying.text_content() or ""))
        play.until(lambda: ask(page, "kinelive.plotted.length") == 4)
        assert set(numerals.all_text_contents()) == {"–"}
        run.angles_status = "tracked"
        play.until(lambda: "108 steps/min" in (saying.text_content() or ""))
        play.until(lambda: all(one.endswith("°") for one in numerals.all_text_contents()))
        page.get_by_text("Choose").click()
        page.get_by_role("checkbox", name="Mtp angle").check()
        play.until(lambda: ask(page, "kinelive.plotted.length") == 5)
        assert page.locator(".plot", has_text="Mtp angle").locator("b").all_text_contents() == [
            "–",
            "–",
        ]


def test_the_panel_says_how_the_cameras_agree(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        page.locator("#health summary").click()
        late = page.locator("#quality-rows tr", has_text="cam03")
        play.until(lambda: late.count() == 1)
        assert "+12.2 ± 0.6 ms" in (late.text_content() or "")
        worst = page.locator("#quality-worst").text_content() or ""
        assert worst.startswith(f"Worst keypoints: {HALPE_26.names[-1]} 16 px")
        notice = page.locator(".tile:nth-child(3) .tile-notice")
        play.until(lambda: notice.text_content() == "cam03 is 12 ms late")


@pytest.mark.parametrize(
    ("width", "height", "scrolls"),
    [
        (1280, 720, False),
        (1366, 768, False),
        (1600, 900, False),
        (3840, 2160, False),
        (390, 844, True),
        (360, 740, True),
    ],
)
def test_it_fits_from_a_phone_to_a_wall(page, run, tmp_path, width, height, scrolls):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": height})
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        page.screenshot(path=tmp_path / f"page-{width}x{height}.png", full_page=scrolls)
        extent = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert extent[0] == width
        assert (extent[1] > height) is scrolls
        assert all(one.startswith((url, "data:", "blob:")) for one in asked), asked
