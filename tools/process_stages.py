"""How long each stage of ``kinelive process`` took, by which method of which version."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import msgspec

from core.offline_people import Tell


class Stage(msgspec.Struct, frozen=True):
    """One stage of the computation."""

    stage: str
    method: str
    version: str
    seconds: float


class Stages:
    """The stages of one run, told as they go on."""

    def __init__(self, tell: Tell, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Begin with none; ``clock`` gives ns."""
        self.tell = tell
        self.done: list[Stage] = []
        self._clock = clock

    @contextmanager
    def stage(self, name: str, method: str, package: str = "kinelive") -> Iterator[None]:
        """Time what happens in it; stages of the same name and method are added up."""
        begin_ns = self._clock()
        yield
        seconds = (self._clock() - begin_ns) / 1e9
        version = f"{package} {metadata.version(package)}"
        for number, one in enumerate(self.done):
            if (one.stage, one.method) == (name, method):
                seconds += one.seconds
                self.done[number] = Stage(name, method, version, seconds)
                return
        self.done.append(Stage(name, method, version, seconds))

    def summary(self) -> list[dict[str, Any]]:
        """As ``summary.json`` has them."""
        return [msgspec.to_builtins(one) for one in self.done]
