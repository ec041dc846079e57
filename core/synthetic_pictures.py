"""Pictures of people made of coloured balls, whose keypoints are known exactly.

Each keypoint has a colour of its own, each person a suit; what stands in front hides what is
behind. ``services.synthetic_networks`` makes networks that really measure such pictures.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.cameras import CameraModel, Rig, project
from core.skeletons import HALPE_26

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

_LEVELS = (16, 128, 240)
PALETTE = np.array([one for one in itertools.product(_LEVELS, repeat=3) if one != (16,) * 3])
"""(26, 3) BGR, the colour of each HALPE_26 keypoint; exchanged channels give other keypoints."""
SUITS = np.array([(184, 72, 72), (72, 184, 72), (72, 72, 184), (184, 184, 72)])
"""(4, 3) BGR, of the first four people; then they begin again."""
OTHER = np.array([(72, 184, 184)])
"""(1, 3) BGR, of things that are no people."""
BACKGROUND = (72, 72, 72)

_HEAD = tuple(HALPE_26.index(name) for name in ("Nose", "LEye", "REye", "LEar", "REar"))
_HEAD_CENTRE = HALPE_26.index("LEar"), HALPE_26.index("REar")
_HEAD_GROWTH = 2.0
_HEAD_RADIUS_M = 0.16
_BALL_M = 0.042
_SMALL_BALL_M = 0.033
_SMALL = ("Ankle", "Heel", "BigToe", "SmallToe")
_LIMB_M = 0.065
# fmt: off
_LIMBS = (
    ("Neck", "Head"), ("LShoulder", "RShoulder"), ("LHip", "RHip"),
    *((side + a, side + b) for side in "LR" for a, b in (
        ("Shoulder", "Elbow"), ("Elbow", "Wrist"), ("Hip", "Knee"), ("Knee", "Ankle"),
        ("Ankle", "Heel"), ("Heel", "BigToe"), ("Heel", "SmallToe"), ("BigToe", "SmallToe"),
    )),
)
# fmt: on
_TRUNK = tuple(HALPE_26.index(name) for name in ("LShoulder", "RShoulder", "RHip", "LHip"))
_SHIFT = 4  # binary places below the pixel that OpenCV draws at


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture and what is to be seen in it."""

    picture: U8  # (H, W, 3) BGR
    points_px: F64  # (P, 26, 2) pixel centres, also of what is hidden; NaN behind the camera
    visible: NDArray[np.bool_]  # (P, 26) nothing in front of its middle


def with_large_head(points_m: F64) -> F64:
    """Keypoints (..., 26, 3) with the face twice as large, so that its balls lie side by side."""
    grown = points_m.copy()
    centre = points_m[..., list(_HEAD_CENTRE), :].mean(axis=-2, keepdims=True)
    grown[..., list(_HEAD), :] = centre + _HEAD_GROWTH * (points_m[..., list(_HEAD), :] - centre)
    return grown


def reduced(model: CameraModel, factor: int) -> CameraModel:
    """The same camera with pictures smaller by a whole factor."""
    image_from_cam = model.image_from_cam / factor
    image_from_cam[:2, 2] += (1 / factor - 1) / 2  # pixel centres are counted from 0
    image_from_cam[2, 2] = 1.0
    return CameraModel(
        name=model.name,
        width_px=model.width_px // factor,
        height_px=model.height_px // factor,
        image_from_cam=image_from_cam,
        distortion=model.distortion,
        cam_from_world=model.cam_from_world,
    )


def render(model: CameraModel, people_m: F64) -> View:
    """What a camera sees of people with keypoints (P, 26, 3), the far parts first."""
    picture = np.full((model.height_px, model.width_px, 3), BACKGROUND, np.uint8)
    points_px = project(Rig.of([model]), people_m)[0]
    depth_m = people_m @ model.cam_from_world[2, :3] + model.cam_from_world[2, 3]
    parts = []
    for who, (points, depth) in enumerate(zip(points_px, depth_m, strict=True)):
        if np.isfinite(points).all():
            parts += _parts(points, depth, float(model.image_from_cam[0, 0]), who)
    for part in sorted(parts, key=lambda one: -one.depth_m):
        part.draw(picture)
    return View(picture, points_px, _visible(picture, points_px))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Something of one colour: a ball, a thick line between two points, or a full quadrilateral."""

    depth_m: float
    points_px: F64  # (1, 2), (2, 2) or (4, 2)
    radius_px: float
    colour: tuple[int, ...]

    def draw(self, picture: U8) -> None:
        places = np.round(self.points_px * 2**_SHIFT).astype(np.int32)
        if len(places) == 1:
            radius = round(self.radius_px * 2**_SHIFT)
            centre = places[0].tolist()
            cv2.circle(picture, centre, radius, self.colour, -1, cv2.LINE_AA, _SHIFT)
        elif len(places) == 2:
            thick = max(1, round(2 * self.radius_px))
            cv2.line(
                picture,
                places[0].tolist(),
                places[1].tolist(),
                self.colour,
                thick,
                cv2.LINE_AA,
                _SHIFT,
            )
        else:
            cv2.fillConvexPoly(picture, places, self.colour, cv2.LINE_AA, _SHIFT)


def _parts(points_px: F64, depth_m: F64, focal_px: float, who: int) -> list[_Part]:
    suit = tuple(SUITS[who % len(SUITS)].tolist())

    def px(radius_m: float, at_m: float) -> float:
        return radius_m * focal_px / at_m

    def body(numbers: tuple[int, ...], radius_m: float) -> _Part:
        at_m = float(depth_m[list(numbers)].mean())
        return _Part(at_m, points_px[list(numbers)], px(radius_m, at_m), suit)

    ears = list(_HEAD_CENTRE)
    head_m = float(depth_m[ears].mean())
    head = points_px[ears].mean(axis=0, keepdims=True)
    parts = [_Part(head_m, head, px(_HEAD_RADIUS_M, head_m), suit), body(_TRUNK, 0.0)]
    parts += [body((HALPE_26.index(a), HALPE_26.index(b)), _LIMB_M) for a, b in _LIMBS]
    for number, name in enumerate(HALPE_26.names):
        radius_m = _SMALL_BALL_M if name[1:] in _SMALL else _BALL_M
        at_m = float(depth_m[number])
        before_m = at_m - (_HEAD_RADIUS_M if number in _HEAD else _LIMB_M)
        ball_px, colour = px(radius_m, at_m), tuple(PALETTE[number].tolist())
        parts.append(_Part(before_m, points_px[number : number + 1], ball_px, colour))
    return parts


def _visible(picture: U8, points_px: F64) -> NDArray[np.bool_]:
    height, width = picture.shape[:2]
    place = np.round(np.nan_to_num(points_px, nan=-1.0)).astype(np.int64)
    inside = np.all((place >= 0) & (place < [width, height]), axis=-1)
    x, y = np.moveaxis(np.where(inside[..., None], place, 0), -1, 0)
    return inside & np.all(picture[y, x] == PALETTE, axis=-1)
