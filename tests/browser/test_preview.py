"""The page to set cameras up by, in a real browser, with live devices."""

import re
import urllib.error
import urllib.request

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core import picture_quality
from core.camera_config import CameraConfig, SyntheticConfig, TriggerConfig
from services.monitor.preview import previewing
from services.monitor.wire import CameraPreview

pytestmark = pytest.mark.browser
NO_FRAME = re.compile(r"lost: .*device: no frame \d+")


def cameras() -> list[CameraConfig]:
    return [
        CameraConfig(
            name=f"cam{place + 1:02d}",
            driver="synthetic",
            reduce=1,
            synthetic=SyntheticConfig(place=place, rate_hz=15, smaller=4, lose=0.2 * place),
        )
        for place in range(2)
    ]


def test_the_page_shows_live_pictures_with_their_rate_time_and_losses(page: Page):
    missing = CameraConfig(name="cam03", path="/no/such/video.mp4")
    with previewing([*cameras(), missing], TriggerConfig(), "127.0.0.1", 0) as url:
        page.goto(url)
        tiles = page.locator("figure")
        expect(tiles).to_have_count(3)
        expect(tiles.nth(0)).to_contain_text("480x270", timeout=10_000)
        expect(tiles.nth(0)).to_contain_text("time ±", timeout=10_000)
        expect(tiles.nth(1)).to_contain_text(NO_FRAME, timeout=10_000)
        expect(tiles.nth(2)).to_contain_text("no such file", timeout=10_000)
        picture = tiles.nth(0).locator("img")
        first = picture.get_attribute("src")
        expect(picture).not_to_have_attribute("src", first or "", timeout=5_000)
        page.wait_for_function("document.querySelector('figure img').naturalWidth == 480")
        facts = msgspec.json.decode(
            urllib.request.urlopen(f"{url}facts").read(), type=list[CameraPreview]
        )
        assert facts[0].sharpest >= facts[0].sharpness > 0
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}picture/nobody")


def test_a_blurred_picture_is_less_sharp_and_extremes_of_light_are_named():
    rng = np.random.default_rng(0)
    noise = rng.integers(60, 200, (90, 160, 3), np.uint8)
    blurred = noise.reshape(30, 3, 160, 3).mean(axis=1).repeat(3, axis=0).astype(np.uint8)
    assert picture_quality.sharpness(noise) > 2 * picture_quality.sharpness(blurred)
    assert not picture_quality.exposure(noise).says
    assert "burnt out" in picture_quality.exposure(np.full_like(noise, 255)).says
    assert "too dark" in picture_quality.exposure(np.full_like(noise, 10)).says
