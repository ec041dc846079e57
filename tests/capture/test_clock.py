import itertools
import threading
import time

import msgspec

from capture.clock import create_shared, open_shared, wall_clock
from core.rig_time import Mapping


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


def test_a_relation_holds_for_all_who_opened_the_clock_before(tmp_path):
    mine = create_shared(tmp_path / "clock", Mapping(offset_ns=5))
    yours = open_shared(tmp_path / "clock")
    assert yours.at_ns(100) == 105
    assert yours.uncertainty_ns == 0
    for offset_ns in (7, -8, 9):
        mine.relate(Mapping(at_ns=100, offset_ns=offset_ns, drift=0.5, uncertainty_ns=11))
        assert yours.at_ns(200) == 200 + offset_ns + 50
        assert yours.uncertainty_ns >= 11


def test_a_reader_never_sees_half_of_a_relation(tmp_path):
    """One thread writes mappings whose fields agree with each other, another one looks."""
    mine = create_shared(tmp_path / "clock", Mapping())
    yours = open_shared(tmp_path / "clock")
    stop = threading.Event()

    def write() -> None:
        for n in itertools.count(1):
            mine.relate(Mapping(n, n, float(n), float(n), n, n))
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(20_000):
        found = yours.mapping
        assert len({float(one) for one in msgspec.structs.astuple(found)}) == 1
    stop.set()
    writer.join()
