"""Stamps of the wall clock on the monotonic one."""

from capture.wall_stamp import WallStamps

MS = 1_000_000
OFFSET = 1_700_000_000_000 * MS


def test_a_stamp_is_turned_over():
    assert WallStamps().monotonic_ns(OFFSET + 90 * MS, 100 * MS, OFFSET + 100 * MS) == 90 * MS


def test_a_stamp_of_the_future_is_now():
    assert WallStamps().monotonic_ns(OFFSET + 101 * MS, 100 * MS, OFFSET + 100 * MS) == 100 * MS


def test_a_stamp_before_the_last_frames_is_now():
    stamps = WallStamps()
    stamps.monotonic_ns(OFFSET + 90 * MS, 100 * MS, OFFSET + 100 * MS)
    assert stamps.monotonic_ns(OFFSET + 80 * MS, 110 * MS, OFFSET + 110 * MS) == 110 * MS


def test_after_a_step_of_the_wall_clock_older_stamps_say_nothing():
    stamps, stepped = WallStamps(), OFFSET + 5 * MS
    stamps.monotonic_ns(OFFSET + 90 * MS, 100 * MS, OFFSET + 100 * MS)
    waiting = stamps.monotonic_ns(OFFSET + 105 * MS, 120 * MS, stepped + 120 * MS)
    assert waiting == 120 * MS
    later = stamps.monotonic_ns(stepped + 130 * MS, 140 * MS, stepped + 140 * MS)
    assert later == 130 * MS
