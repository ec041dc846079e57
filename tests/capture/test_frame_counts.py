"""Frame numbers over their wrap, and whose fault a missing frame is."""

from capture.camera import Lost
from capture.device import unwrapped
from capture.frame_counts import FrameIds, Losses


def counted(raw: list[int], *, gige: bool = True) -> list[int | None]:
    ids = FrameIds(gige)
    return [ids.take(one) for one in raw]


def test_a_count_goes_back_to_its_first_number():
    assert unwrapped(None, 7, 1, 65536) == 6
    assert unwrapped(65534, 1, 1, 65536) == 65535
    assert unwrapped(65535, 65535, 1, 65536) == 65534  # an older frame, not a lap


def test_sixteen_bit_numbers_wrap_to_one():
    assert counted([65534, 65535, 1, 2]) == [65533, 65534, 65535, 65536]


def test_a_gap_over_the_wrap_is_as_wide_as_it_was():
    assert counted([65530, 5]) == [65529, 65539]


def test_three_laps_are_counted_on():
    raw = [1 + n % 65535 for n in range(0, 3 * 65535, 1000)]
    assert counted(raw) == list(range(0, 3 * 65535, 1000))


def test_numbers_of_64_bits_go_on_beyond_65535():
    assert counted([65535, 65536, 65537, 65600]) == [65534, 65535, 65536, 65599]
    assert counted([2**40, 2**40 + 3]) == [2**40 - 1, 2**40 + 2]


def test_usb3_counts_from_nought():
    assert counted([0, 1, 70000], gige=False) == [0, 1, 70000]


def test_gige_nought_means_not_counted():
    assert counted([0, 0]) == [None, None]


def test_torn_frames_are_the_networks():
    losses = Losses()
    assert losses.good(10, 0) is None
    assert losses.bad(0) == Lost("network", 1, "incomplete")
    assert losses.good(12, 0) is None


def test_a_gap_without_underruns_is_left_to_who_numbers_the_frames():
    losses = Losses()
    losses.good(10, 0)
    assert losses.good(15, 0) is None


def test_a_gap_after_underruns_is_ours():
    """The library counted the underruns while older frames still waited in the queue."""
    losses = Losses()
    losses.good(10, 0)
    assert losses.good(11, 40) is None
    assert losses.good(12, 40) is None
    assert losses.bad(40) == Lost("queue", 1, "underrun")
    assert losses.good(20, 40) == Lost("queue", 6, "underrun")
    assert losses.good(25, 40) is None
    assert losses.bad(40) == Lost("network", 1, "incomplete")
