"""The recorder killed at random moments, with four cameras and all topics."""

from pathlib import Path

import pytest

from tests.faults.kill_runs import kill_run, random_rounds

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.timeout(300)
def test_a_recorder_killed_anywhere_leaves_a_session_that_holds_what_was_safe(
    tmp_path: Path,
) -> None:
    tails_ms = list[float]()
    for number, rounds in enumerate(random_rounds(20, seed=1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = kill_run(folder, rounds)
        assert run.found >= run.safe
        assert set(run.damage) <= {"cut"}
        tails_ms.append(run.tail_ms)
    print(f"lost tail of {len(tails_ms)} runs: most {max(tails_ms):.0f} ms")
