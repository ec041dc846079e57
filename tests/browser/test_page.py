"""The page in a real browser: a real monitor, a real bus, a walker whose truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.messages import view
from tests.browser.looking import (
    CAMERAS,
    LEFT,
    RIGHT,
    around,
    ask,
    canvas,
    go_live,
    screen,
    settled,
    tile_picture,
)
from tests.services import synthetic_run as play

pytestmark = pytest.mark.browser


def test_a_walker_is_drawn_live(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        assert page.locator("#state").text_content() == "Live"
        assert page.locator("#persons").text_content() == "1"
        before = after = screen(page, "#scene").astype(int)
        while before is after or before.shape != after.shape:  # a row of the page came meanwhile
            before, rendered = after, ask(page, "kinelive.framesRendered")
            play.until(lambda n=rendered: ask(page, "kinelive.framesRendered") > n + 3)
            after = screen(page, "#scene").astype(int)
        assert (np.abs(after - before).max(axis=2) > 40).sum() > 100


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


def eight_frames_apart(page):
    """Each tile's picture and one of eight frames later; None where the layout moved meanwhile."""
    first = ask(page, "kinelive.tiles")
    before = [tile_picture(page, i) for i in range(len(CAMERAS))]
    play.until(
        lambda: all(
            now["frame"] > first[camera]["frame"] + 8
            for camera, now in ask(page, "kinelive.tiles").items()
        )
    )
    after = [tile_picture(page, i) for i in range(len(CAMERAS))]
    still = all(old.shape == new.shape for old, new in zip(before, after, strict=True))
    return list(zip(before, after, strict=True)) if still else None


def test_all_cameras_show_pictures_that_change_with_keypoints_on_them(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        for old, new in play.until(lambda: eight_frames_apart(page)):
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
        second = page.get_by_role("button", name="Person 2", exact=True)
        play.until(second.is_visible)
        second.click()
        play.until(lambda: second.get_attribute("aria-pressed") == "true")


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
