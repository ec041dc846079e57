"""Long computations in pieces: a generator that yields between them and returns what came of it.

Who has to answer soon does a piece when there is nothing else to do; who has not, does all at once.
Both get the same bits.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Pieces = Generator[None, None, T]


def whole(pieces: Pieces[T]) -> T:
    """Do what is left of the pieces at once."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value
