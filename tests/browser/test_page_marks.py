"""The operator names moments on the page, by key and by button."""

import pytest

from core.messages import MARK, Event
from tests.browser.looking import go_live
from tests.services import synthetic_run as play

pytestmark = pytest.mark.browser


def test_a_moment_is_marked_by_key_by_button_and_by_enter(page, run):
    with play.playing(run), play.monitor(run) as url, run.context("recorder").subscriber() as bus:
        go_live(page, url)
        page.keyboard.press("m")
        assert marked(bus) == [""]
        play.until(lambda: page.get_by_role("button", name="Marked").count() == 1)
        field = page.get_by_label("Name of the next mark")
        field.fill("jump")
        page.locator("#mark").click()
        assert marked(bus) == ["jump"]
        field.press("End")
        field.press("u")
        field.press("m")  # letters of the name, no commands
        field.press("Enter")
        assert marked(bus) == ["jumpum"]
        assert page.locator("#uncertainty").get_attribute("aria-pressed") == "false"


def marked(subscriber) -> list[str]:
    def heard() -> list[str]:
        said = [one.message for one in subscriber.drain(timeout_ms=50)]
        return [one.text for one in said if isinstance(one, Event) and one.name == MARK]

    return play.until(lambda: heard() or None)
