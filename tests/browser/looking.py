"""How the browser tests look at the page: its probe, what is on the screen, when it is at rest."""

import base64
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from core.skeletons import HALPE_26
from tests.services import synthetic_run as play

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
LEFT = [HALPE_26.index(name) for name in ("LShoulder", "LElbow", "LWrist", "LKnee")]
RIGHT = [HALPE_26.index(name) for name in ("RShoulder", "RElbow", "RWrist", "RKnee")]


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
