"""The page shows how sure keypoints are, who is of interest, and any coordinates of theirs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from core.messages import BodySize, Subjects
from core.skeletons import HALPE_26
from services.bus import Subscriber
from tests.browser.looking import LEFT, RIGHT, around, ask, go_live, screen, settled
from tests.services import synthetic_run as play

pytestmark = pytest.mark.browser


def test_uncertainty_is_drawn_in_one_call_on_request_and_remembered(page, run):
    run.n_persons, run.still = 2, True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        button = page.locator("#uncertainty")
        assert button.get_attribute("aria-pressed") == "false"
        assert ask(page, "kinelive.ellipsoids") == 0
        play.until(lambda: settled(page))  # cameras come into view and go, a call each
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


def with_and_without(page: Page) -> list[NDArray[np.int_]]:
    """The scene without, with and without ellipsoids."""
    pictures: list[NDArray[np.int_]] = []
    for n_drawn in (26, 0):
        pictures.append(screen(page, "#scene").astype(int))
        page.keyboard.press("u")
        play.until(lambda n=n_drawn: ask(page, "kinelive.ellipsoids") == n)
        calls_of_the_next_frames(page)
    return [*pictures, screen(page, "#scene").astype(int)]


def test_an_ellipsoid_has_the_axes_of_its_covariance(page, run):
    """Upright ones of 5 cm cover more of the picture above the toe than beside it."""
    run.still = True
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        play.until(lambda: settled(page))
        pictures = with_and_without(page)
        while len({one.shape for one in pictures}) > 1:  # a row of the page came meanwhile
            pictures = with_and_without(page)
        changed = np.abs(pictures[1] - pictures[0]).max(axis=2) > 25
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


def test_the_panel_says_how_the_cameras_agree(page, run):
    with play.playing(run), play.monitor(run) as url:
        go_live(page, url)
        page.locator("#health summary").click()
        late = page.locator("#quality-rows tr", has_text="cam03")
        play.until(lambda: late.count() == 1)
        assert "+12.2 ± 0.6 ms" in (late.text_content() or "")
        corrected = page.locator("#quality-rows tr", has_text="cam02").text_content() or ""
        assert "+40.3 ± 2.1 ms" in corrected
        assert "−39.8 ms" in corrected
        worst = page.locator("#quality-worst").text_content() or ""
        assert worst.startswith(f"Worst keypoints: {HALPE_26.names[-1]} 16 px")
        notice = page.locator(".tile:nth-child(3) .tile-notice")
        play.until(lambda: notice.text_content() == "cam03 is 12 ms late")


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


def test_a_body_is_frozen_and_measured_again_by_its_buttons(page, run):
    run.n_persons = 2
    with (
        play.playing(run),
        play.monitor(run) as url,
        run.context("kinematics").subscriber() as bus,
    ):
        go_live(page, url)
        row = page.locator(".size[data-person='2']")
        play.until(lambda: row.locator(".size-state").text_content() == "measuring 34/160")
        freeze, again = (row.get_by_role("button", name=name) for name in ("Freeze", "Measure"))
        freeze.click()
        assert play.until(lambda: asked(bus)) == [(2, "freeze")]
        run.size = BodySize("measuring", 7, 160, 0, lacking_frames=13)
        refusal = "Not frozen: 13 more upright frames needed"
        play.until(lambda: row.get_by_role("status").text_content() == refusal)
        run.size = BodySize("frozen on request", 34, 160, 20)
        frozen = "frozen on request, from 20 upright frames"
        play.until(lambda: row.locator(".size-state").text_content() == frozen)
        assert row.get_by_role("status").text_content() == ""
        assert freeze.is_hidden()
        again.click()
        play.until(lambda: asked(bus) == [(2, "measure")])
        run.size = BodySize("frozen", 160, 160, 160)
        play.until(lambda: row.locator(".size-state").text_content() == "frozen")
        page.get_by_role("button", name="Subject 1").click()
        play.until(lambda: page.locator(".size").count() == 1)
        assert row.count() == 0


def asked(bus: Subscriber) -> list[tuple[int, str]] | None:
    """What the monitor asks of bodies, once it asks something."""
    said = [one.message for one in bus.drain(100) if isinstance(one.message, Subjects)]
    return [(one.person, one.wish) for one in said[-1].size_requests] or None if said else None
