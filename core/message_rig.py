"""Messages on cameras that moved: where they are taken to stand, and what is decided of it."""

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.message_base import Message

PlaceState = Literal["suspect", "new", "kept", "rejected"]
PlaceWish = Literal["keep", "back"]
CameraName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Row = tuple[float, float, float, float]
Rows = tuple[Row, Row, Row]
MAX_DECISIONS = 64


def as_rows(pose: NDArray[np.float64]) -> Rows:
    """A pose (3, 4) as messages have it."""
    first, second, third = ((float(a), float(b), float(c), float(d)) for a, b, c, d in pose)
    return first, second, third


class CameraPlace(msgspec.Struct, frozen=True):
    """A camera that is not, or not surely, where it was calibrated."""

    camera: str
    state: PlaceState
    """suspect: it moved and is left out until its new place is found; new: that is in force, until
    the operator decides; kept: the operator keeps it, or it is where it was before another knock;
    rejected: the former place is in force and the camera left out, until it agrees there again."""
    since_ns: int
    """Capture time of the first picture by which it had moved."""
    turned_deg: float
    """By how much it turned …"""
    moved_m: float
    """… and moved; both 0 while the new place is sought."""
    before_px: float
    """Median error at the former place, against where the other cameras put people …"""
    after_px: float
    """… and at the new one, at instants that were not fitted; NaN while it is sought."""
    former: Rows
    """``cam_from_world`` before: m, Z up in the world."""
    found: Rows
    """``cam_from_world`` as found again; ``former`` while it is sought."""

    @property
    def in_force(self) -> Rows:
        """``cam_from_world`` as the fusion has it."""
        return self.found if self.state in ("new", "kept") else self.former

    @property
    def says(self) -> str:
        """What is to be told of it, in plain words."""
        how = f"{self.camera} moved {self.turned_deg:.1f}°, {1000 * self.moved_m:.0f} mm"
        match self.state:
            case "suspect":
                return f"{self.camera} moved and is left out; its new place is sought"
            case "new":
                return f"{how}; new place in use"
            case "kept":
                return f"{how}; new place kept"
            case "rejected":
                return f"{how}; former place in use, {self.camera} is left out"


class RigPlaces(Message, frozen=True, kw_only=True):
    """The cameras that are not where they were calibrated: with each change, and each second.

    ``t_ns`` is the capture time of an instant; they hold for those after it.
    """

    cameras: tuple[CameraPlace, ...] = ()


class PlaceDecision(msgspec.Struct, frozen=True):
    """What the operator decides of one camera that moved."""

    camera: CameraName
    wish: PlaceWish
    """keep: use the new place; back: use the former one."""
    number: int
    """A larger one for each decision: it is said again and again, and carried out once."""


class Decisions(Message, frozen=True, kw_only=True):
    """What the operator decided, the last of each camera; repeated each second."""

    places: Annotated[tuple[PlaceDecision, ...], msgspec.Meta(max_length=MAX_DECISIONS)] = ()
