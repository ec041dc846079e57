"""The frame ring: between processes, under overwriting, and with nobody cleaning up."""

import multiprocessing
import threading

import numpy as np
import pytest

from capture.ring import RingReader, RingWriter
from core.errors import CameraError

SHAPE = (6, 8, 3)
SIZE = 6 * 8 * 3


def picture(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def test_what_was_written_is_read_without_a_copy(tmp_path):
    with RingWriter(tmp_path / "r", 4, SIZE) as writer:
        reader = RingReader(tmp_path / "r")
        slot, lock = writer.write(picture(7))
        seen = reader.picture(slot, lock, SHAPE[:2])
        assert seen is not None
        assert (seen == 7).all()
        assert not seen.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            seen[0, 0, 0] = 1


def test_each_slot_is_kept_until_its_turn_comes_again(tmp_path):
    with RingWriter(tmp_path / "r", 4, SIZE) as writer:
        reader = RingReader(tmp_path / "r")
        places = [writer.write(picture(i)) for i in range(6)]
        found = [reader.picture(*place, SHAPE[:2]) for place in places]
        assert [one is None for one in found] == [True, True, False, False, False, False]
        values = [int(one[0, 0, 0]) for one in found if one is not None]
        assert values == [2, 3, 4, 5]


def test_an_overwritten_picture_is_noticed_after_use(tmp_path):
    with RingWriter(tmp_path / "r", 2, SIZE) as writer:
        reader = RingReader(tmp_path / "r")
        place = writer.write(picture(1))
        assert reader.picture(*place, SHAPE[:2]) is not None
        writer.write(picture(2))
        assert reader.holds(*place)
        writer.write(picture(3))
        assert not reader.holds(*place)


def test_a_smaller_picture_fits(tmp_path):
    with RingWriter(tmp_path / "r", 2, SIZE) as writer:
        slot, lock = writer.write(np.full((2, 3, 3), 9, np.uint8))
        seen = RingReader(tmp_path / "r").picture(slot, lock, (2, 3))
        assert seen is not None
        assert (seen == 9).all()


def test_nonsense_slots_hold_nothing(tmp_path):
    with RingWriter(tmp_path / "r", 2, SIZE):
        reader = RingReader(tmp_path / "r")
        assert not reader.holds(99, 2)
        assert not reader.holds(-1, 2)


def test_a_writer_that_may_wait_sees_its_free_slots(tmp_path):
    with RingWriter(tmp_path / "r", 4, SIZE) as writer:
        reader = RingReader(tmp_path / "r")
        for i in range(4):
            writer.write(picture(i))
        assert writer.free_slots() == 0
        reader.release(3)
        assert writer.free_slots() == 3


@pytest.mark.parametrize("content", [b"", b"x" * 200])
def test_what_is_no_ring_is_refused(tmp_path, content):
    (tmp_path / "r").write_bytes(content)
    with pytest.raises(CameraError, match="frame ring"):
        RingReader(tmp_path / "r")


def test_a_ring_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CameraError, match="frame ring"):
        RingReader(tmp_path / "nowhere")


def look_and_leave(path, slot, lock, answer):
    seen = RingReader(path).picture(slot, lock, SHAPE[:2])
    answer.put(None if seen is None else int(seen[0, 0, 0]))


def test_a_reader_that_ends_leaves_the_ring_to_the_others(tmp_path):
    """``multiprocessing.shared_memory`` of Python 3.11 fails this: its reader unlinks."""
    spawn = multiprocessing.get_context("spawn")
    with RingWriter(tmp_path / "r", 4, SIZE) as writer:
        slot, lock = writer.write(picture(42))
        for _ in range(2):
            answer = spawn.Queue()
            process = spawn.Process(
                target=look_and_leave, args=(tmp_path / "r", slot, lock, answer)
            )
            process.start()
            assert answer.get(timeout=30) == 42
            process.join(30)
        assert RingReader(tmp_path / "r").holds(slot, lock)
    assert not (tmp_path / "r").exists()


def test_a_racing_reader_never_takes_a_torn_picture(tmp_path):
    """A writer at full speed: what ``holds`` confirms afterwards is whole."""
    shape = (200, 200, 3)
    size = int(np.prod(shape))
    latest: list[tuple[int, int]] = []
    stop = threading.Event()
    with RingWriter(tmp_path / "r", 2, size) as writer:

        def write() -> None:
            value = 0
            while not stop.is_set():
                value = (value + 1) % 251
                latest[:] = [writer.write(np.full(shape, value, np.uint8))]

        thread = threading.Thread(target=write)
        thread.start()
        reader, whole = RingReader(tmp_path / "r"), 0
        while whole < 300:
            place = latest[0] if latest else (0, 0)
            seen = reader.picture(*place, shape[:2])
            if seen is not None:
                low, high = int(seen.min()), int(seen.max())
                if reader.holds(*place):
                    assert low == high
                    whole += 1
        stop.set()
        thread.join()
