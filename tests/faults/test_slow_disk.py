"""A real recorder on a disk of a third of the cameras' rate, held back by the block layer."""

from pathlib import Path

import pytest

from tests.faults.slow_disk_run import BACKLOG_MB, slow_run

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_a_slow_disk_costs_the_least_important_video_and_no_memory(tmp_path: Path) -> None:
    found = slow_run(tmp_path, 1 / 3, 12.0)
    print(found)
    assert found.all_words
    assert found.decodes
    assert found.packets["cam01"] > found.packets["cam03"]
    assert found.drops["disk_slow_video cam03"] > 0
    assert not any(name.startswith("lost") for name in found.drops)  # the bus was always emptied
    assert "disk_slow" in found.events
    assert 0.5 * BACKLOG_MB < found.most_backlog_mb <= BACKLOG_MB
    assert found.peak_mb - found.start_mb < BACKLOG_MB + 32
