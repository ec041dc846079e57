"""The maker's library for Basler cameras, an optional one (240 MB, not free software)."""

import importlib
import warnings
from dataclasses import dataclass
from typing import Any

from core.errors import CameraError


@dataclass(frozen=True, slots=True)
class Bridge:
    """The library, and what it raises."""

    pylon: Any
    genicam: Any

    @property
    def error(self) -> type[Exception]:
        """Base of what it raises."""
        return self.genicam.GenericException

    def said(self, error: BaseException) -> str:
        """What an error says, without the place in the library."""
        return str(error).rsplit(" : ", 1)[0].strip()


def load() -> Bridge:
    """Load pylon.

    Raises:
        CameraError: it is not installed; with the remedy.
    """
    with warnings.catch_warnings():
        # its generated code warns while it loads, and crashes where warnings are errors
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return Bridge(
                importlib.import_module("pypylon.pylon"), importlib.import_module("pypylon.genicam")
            )
        except ImportError as error:
            raise CameraError(
                f"driver 'basler' needs pypylon ({error}): uv sync --extra basler"
            ) from error
