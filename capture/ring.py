"""The frame ring: decoded pictures of one camera in shared memory, many readers, no copy.

A mapped file in a memory file system. (``multiprocessing.shared_memory`` is of no use here: on
Python 3.11 a reader that exits unlinks the memory of everybody.) Each slot has a sequence lock:
odd while the writer is in it, and two higher after each picture. A reader looks at the lock
before and after it used a picture; another value means the picture was overwritten.
"""

import mmap
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import CameraError

U8 = NDArray[np.uint8]

MAGIC = b"KLRING01"
_HEADER = struct.Struct("<8sQQ")  # magic, slots, bytes of a picture
_HEADER_BYTES = 64
_CONSUMED_WORD = 3  # the reader in charge counts the pictures it is done with here
_SLOT_HEADER_BYTES = 64


class _Ring:
    """What writer and reader share: the mapped file, seen as words and as pictures."""

    def __init__(self, mapped: mmap.mmap, n_slots: int, picture_bytes: int) -> None:
        stride = _SLOT_HEADER_BYTES + picture_bytes
        flat = np.frombuffer(mapped, dtype=np.uint8)
        slots = flat[_HEADER_BYTES:].reshape(n_slots, stride)
        self.locks = [slots[i, :8].view(np.uint64) for i in range(n_slots)]
        self.pictures = [slots[i, _SLOT_HEADER_BYTES:] for i in range(n_slots)]
        self.consumed = flat[:_HEADER_BYTES].view(np.uint64)[_CONSUMED_WORD : _CONSUMED_WORD + 1]


class RingWriter:
    """Writes pictures of at most ``picture_bytes``; the file goes when it is closed."""

    def __init__(self, path: Path, n_slots: int, picture_bytes: int) -> None:
        self.path = path
        self._written = 0
        padded = -(-picture_bytes // 64) * 64
        size = _HEADER_BYTES + n_slots * (_SLOT_HEADER_BYTES + padded)
        with path.open("w+b") as file:
            file.truncate(size)
            mapped = mmap.mmap(file.fileno(), size)
        mapped[: _HEADER.size] = _HEADER.pack(MAGIC, n_slots, padded)
        self._ring = _Ring(mapped, n_slots, padded)

    def write(self, picture: U8) -> tuple[int, int]:
        """Copy a picture into the next slot; return the slot and its lock."""
        slot = self._written % len(self._ring.locks)
        lock = self._ring.locks[slot]
        lock += 1
        self._ring.pictures[slot][: picture.size] = picture.reshape(-1)
        lock += 1
        self._written += 1
        return slot, int(lock[0])

    def free_slots(self) -> int:
        """Slots whose picture the reader in charge has released, for cameras that may wait."""
        return len(self._ring.locks) - (self._written - int(self._ring.consumed[0]))

    def close(self) -> None:
        """Unlink the file; readers that have it mapped may go on looking at it."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


class RingReader:
    """Looks at the pictures of one ring."""

    def __init__(self, path: Path) -> None:
        """Map the ring.

        Raises:
            CameraError: there is no ring, or the file is none.
        """
        try:
            with path.open("r+b") as file:
                mapped = mmap.mmap(file.fileno(), 0)
        except (OSError, ValueError) as error:
            raise CameraError(f"frame ring {path}: {error}") from error
        magic, n_slots, picture_bytes = _HEADER.unpack_from(mapped)
        if magic != MAGIC:
            raise CameraError(f"frame ring {path}: not a ring of this version")
        self._ring = _Ring(mapped, n_slots, picture_bytes)

    def picture(self, slot: int, lock: int, shape: tuple[int, int]) -> U8 | None:
        """View of a picture (H, W, 3) BGR, not to be written; None when it is overwritten.

        Ask ``holds`` once done with it: what was read counts only if the slot still holds it.
        """
        if not self.holds(slot, lock):
            return None
        height, width = shape
        view = self._ring.pictures[slot][: height * width * 3].reshape(height, width, 3)
        view.flags.writeable = False
        return view

    def holds(self, slot: int, lock: int) -> bool:
        """Whether the slot still holds the picture of that lock."""
        return 0 <= slot < len(self._ring.locks) and int(self._ring.locks[slot][0]) == lock

    def release(self, n_pictures: int) -> None:
        """Tell a waiting writer that this many pictures more are done with."""
        self._ring.consumed += n_pictures
