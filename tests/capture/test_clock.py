import time

from capture.clock import create_shared, open_shared, wall_clock


def test_it_starts_at_the_wall_clock():
    assert abs(wall_clock().now_ns() - time.time_ns()) < 50_000_000


def test_all_who_open_it_agree(tmp_path):
    mine = create_shared(tmp_path / "clock")
    yours = open_shared(tmp_path / "clock")
    before, between, after = mine.now_ns(), yours.now_ns(), mine.now_ns()
    assert before <= between <= after


def test_a_replay_sets_it_for_all(tmp_path):
    mine = create_shared(tmp_path / "clock")
    yours = open_shared(tmp_path / "clock")
    mine.set_now(1_000_000_000)
    assert 1_000_000_000 <= yours.now_ns() < 2_000_000_000
    assert mine.offset_ns == yours.offset_ns
