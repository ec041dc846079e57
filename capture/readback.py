"""A setting written into a camera and read back: what it took is what counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.errors import CameraError

Value = float | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that is asked of a camera."""

    name: str
    """As in the camera's settings file."""
    asked: Value
    write: Callable[[], object]
    read: Callable[[], Value]
    tolerance: float = 0.0
    """Cameras round times to what their sensor can do."""

    @property
    def says(self) -> str:
        """The value as it was asked."""
        return f"{self.name} = {_said(self.asked)}"


def apply(
    camera: str,
    settings: Iterable[Setting],
    refused: type[Exception],
    said: Callable[[BaseException], str],
) -> None:
    """Write all, then compare all: a later one may move an earlier one.

    Args:
        camera: its name, for the error.
        settings: in the order they are to be written.
        refused: what the library raises where the camera refuses.
        said: what such an error says.

    Raises:
        CameraError: refused, or another value taken; with both values.
    """
    written = []
    for one in settings:
        try:
            one.write()
        except refused as error:
            raise CameraError(f"{camera}: {one.says} is refused: {said(error)}") from error
        written.append(one)
    for one in written:
        took = one.read()
        if not _agree(one.asked, took, one.tolerance):
            raise CameraError(
                f"{camera}: {one.says} was asked, the camera took {_said(took)}: "
                f"ask for what it can do, or leave {one.name} out"
            )


def _agree(asked: Value, took: Value, tolerance: float) -> bool:
    if isinstance(asked, str) or isinstance(took, str):
        return asked == took
    return abs(asked - took) <= tolerance


def _said(value: Value) -> str:
    return f"{value!r}" if isinstance(value, str) else f"{value:g}"
