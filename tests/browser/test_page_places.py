"""The page tells of a camera that moved, and the operator decides."""

import msgspec
import numpy as np
import pytest

from core.messages import CameraPlace, Decisions, as_rows
from tests.browser.looking import go_live, screen
from tests.services import synthetic_run as play

pytestmark = pytest.mark.browser

HOME = as_rows(np.eye(3, 4) + [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 4.0]])
NEW = CameraPlace("cam03", "new", 1, 2.04, 0.0312, 41.0, 9.0, HOME, HOME)


def test_a_moved_camera_is_told_of_and_the_operator_keeps_or_goes_back(page, run):
    with play.playing(run), play.monitor(run) as url, run.context("fusion").subscriber() as fusion:
        go_live(page, url)
        assert page.locator("#moved").is_hidden()
        run.places = (NEW,)
        play.until(lambda: page.locator(".moved-camera").count() == 1)
        told = page.locator(".moved-camera span").text_content()
        assert told == "moved 2.0°, 31 mm; new place in use"
        assert screen(page, "#scene").size
        page.get_by_role("button", name="Go back, cam03").click()
        said = play.until(lambda: wishes(fusion) or None)
        assert said[-1] == ("cam03", "back")
        run.places = (msgspec.structs.replace(NEW, state="rejected"),)
        play.until(lambda: page.get_by_role("button", name="Go back, cam03").count() == 0)
        page.get_by_role("button", name="Keep, cam03").click()
        play.until(lambda: ("cam03", "keep") in wishes(fusion) or None)
        run.places = ()
        play.until(lambda: page.locator("#moved").is_hidden())


def wishes(subscriber) -> list[tuple[str, str]]:
    heard = [one.message for one in subscriber.drain(timeout_ms=50)]
    return [
        (one.camera, one.wish)
        for said in heard
        if isinstance(said, Decisions)
        for one in said.places
    ]
