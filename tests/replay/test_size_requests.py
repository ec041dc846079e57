"""Real processes: bodies frozen and measured again from the page, verified to the last bit."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from core.messages import JointAngles
from services.monitor import listen
from services.session import open_session
from tests.command import ROOT, kinelive
from tests.services.synthetic_run import until
from tests.services.test_monitor import Reader, reading

SECONDS = 90
"""At most: the test ends the run as soon as it has seen all."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@contextmanager
def demo(out: Path) -> Iterator[str]:
    """The live chain as a user starts it; gives the page's address, and ends it like Ctrl-C."""
    with listen.bind("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])  # a monitor that is started again has the same one
    command = [sys.executable, "-m", "tools.cli", "demo", "--headless", "--port", port]
    options = ["--seconds", str(SECONDS), "--out", str(out)]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = (
                line.removeprefix("monitor: ") for line in process.stderr if "monitor: " in line
            )
            yield next(said).strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
    assert process.returncode == 0


def sizes(page: Reader) -> list[dict[str, Any]]:
    """Sizes of the persons in the newest angles that came."""
    page.letters.pop("angles", None)
    return [one["size"] | {"id": one["id"]} for one in page.read_until("angles")["persons"]]


def first(page: Reader, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    return until(lambda: next(filter(fits, sizes(page)), None), 60.0)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """A person is pinned, frozen too early, frozen, and measured again."""
    out = tmp_path_factory.mktemp("sizes") / "session"
    with demo(out) as url, reading(url) as page:
        person = first(page, lambda one: one["model_frames"] == 0)["id"]
        page.say(freeze_size=person, pin=person)
        lacking = first(page, lambda one: one["lacking_frames"] > 0)
        print("refused:", lacking)
        first(page, lambda one: one["model_frames"] >= 20)
        page.say(freeze_size=person)
        print("frozen:", first(page, lambda one: one["state"] == "frozen on request"))
        page.say(measure_size=person)
        first(page, lambda one: one["model_frames"] == 0 and one["state"] == "measuring")
        print("again:", first(page, lambda one: one["model_frames"] >= 20))
    return out


def test_both_requests_were_granted_and_are_verified_to_the_last_bit(session):
    said = [one.message for one in open_session(session).messages(["angles"])]
    angles = [one for one in said if isinstance(one, JointAngles)]
    wishes = [tuple(asked.wish for asked in one.size_requests) for one in angles]
    assert list(dict.fromkeys(wishes)) == [(), ("freeze",), ("measure",)]
    states = [person.size.state for one in angles for person in one.persons]
    assert {"measuring", "frozen on request"} <= set(states)
    done = kinelive("verify", str(session), "--json")
    verified = json.loads(done.stdout.splitlines()[-1])
    print({name: verified[name] for name in ("compared", "different", "kinematics")})
    assert done.returncode == 0, done.stderr
    assert verified["identical"] is True
    assert verified["kinematics"] == {
        "compared": len(angles),
        "different": 0,
        "not_comparable": 0,
    }


def test_a_monitor_that_is_started_again_wants_what_was_wanted_before(tmp_path):
    out = tmp_path / "session"
    with demo(out) as url:
        with reading(url) as page:
            person = first(page, lambda one: one["model_frames"] == 0)["id"]
            page.say(pin=person)
            page.say(measure_size=person)
            until(lambda: requests(page, "angles", [person]))
            wanted = page.letters["angles"]["size_requests"]
            os.kill(page.read_until("health/monitor")["pid"], signal.SIGKILL)
        with ExitStack() as stack:
            page = until(lambda: entered(stack, url), 60.0)
            assert page.read_until("subjects")["ids"] == [person]
            assert page.letters["subjects"]["size_requests"] == wanted
            until(lambda: requests(page, "angles", [person]))
    assert kinelive("verify", str(out)).returncode == 0


def requests(page: Reader, key: str, pinned: list[int]) -> bool:
    page.letters.pop(key, None)
    said = page.read_until(key)
    return said["subjects"] == pinned and len(said["size_requests"]) == 1


def entered(stack: ExitStack, url: str) -> Reader | None:
    """A page, once the monitor is there again; closed with the stack."""
    try:
        return stack.enter_context(reading(url))
    except (OSError, WebSocketException):
        return None
