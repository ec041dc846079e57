"""Pictures that several cameras took at the same times: of a board that is shown, or of balls.

Photos belong together by the number in their names, or by their order; pictures of videos by their
number in the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.whole_video import open_whole, pictures
from core.calibration import board as boards
from core.calibration import board_search, choice, markers, point_files
from core.calibration.board import Board, View
from core.calibration.outcome import Unseen
from core.calibration.sights import Sight
from core.cameras import CameraModel
from core.errors import CalibrationError
from core.offline_people import Tell
from services import board_pictures, photo_pairs
from services.board_pictures import Grey, Source
from services.photo_pairs import STILL

F64 = NDArray[np.float64]
_MOST_LOOKED_AT, _MOST_WITH_BALLS, _MOST_STILL = 250, 900, 8
_ASKED_WHY = 5
_RATE_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Found:
    """What the cameras saw."""

    sights: tuple[Sight, ...]
    unseen: tuple[Unseen, ...]
    paired_by: str
    """In words."""


def boards_in(
    found: Sequence[Source],
    board: Board,
    models: Mapping[str, CameraModel],
    tell: Tell,
    *,
    still: bool,
) -> Found:
    """Find a board that is carried about, or one that lies still.

    Args:
        found: the cameras' pictures, all photos or all videos.
        board: that is asked for.
        models: lenses and sizes of these cameras.
        tell: of progress.
        still: one board that never moves; then pictures need not be of the same time.

    Raises:
        CalibrationError: a camera sees no board or another one, sizes are not those of the lenses,
            or the pictures cannot be paired.
    """
    if found[0].is_video:
        return _boards_in_videos(found, board, models, tell, still=still)
    pairing = photo_pairs.still(found) if still else photo_pairs.pairing(found)
    looks = list[_Look]()
    for source in found:
        named = zip(pairing.bodies[source.camera], board_pictures.photos(source), strict=True)
        some = ((body, name, grey) for body, (name, grey) in named)
        looks.append(_look(source, some, board, models[source.camera], tell, still=still))
    return _together(looks, board, pairing.says)


def sources(folder: Path, cameras: Sequence[str] = ()) -> list[Source]:
    """The cameras of a folder, all with photos or all with videos of one rate.

    Raises:
        CalibrationError: photos of one camera and a video of another, or several rates.
    """
    found = board_pictures.sources(folder, cameras)
    if len({one.is_video for one in found}) > 1:
        videos = ", ".join(one.camera for one in found if one.is_video)
        raise CalibrationError(f"{folder}: {videos} with a video, the others with photos: pick one")
    if found[0].is_video:
        rates = {one.camera: open_whole(one.files[0]).rate_hz for one in found}
        if max(rates.values()) > (1 + _RATE_SHARE) * min(rates.values()):
            says = ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
            raise CalibrationError(
                f"{folder}: frames per second differ ({says}), so that frames of one number are "
                "not of the same time; convert the videos to one rate"
            )
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found in the pictures of a camera."""

    source: Source
    sights: list[Sight]
    unseen: list[Unseen]
    views: list[View]
    asked: dict[str, Grey]
    """Pictures that may tell what is wrong: that of the first view, or some without."""


def _look(
    source: Source,
    named: Iterator[tuple[str, str, Grey | None]],
    board: Board,
    model: CameraModel,
    tell: Tell,
    *,
    still: bool,
) -> _Look:
    """Boards in the pictures of a camera: instant, name and picture."""
    shape = (model.height_px, model.width_px)
    look = _Look(source, [], [], [], {})
    for number, (body, name, grey) in enumerate(named):
        if grey is None:
            look.unseen.append(Unseen(source.camera, name, "cannot be read"))
            continue
        if grey.shape != shape:
            raise CalibrationError(_size_says(source.camera, grey.shape, model))
        search = boards.find if still else board_search.find  # a still one must be found
        found = search(grey, board, name)
        if found is None:
            look.unseen.append(Unseen(source.camera, name, "the board was not found in it"))
        else:
            local_m = board.corners_m[found.places]
            look.sights.append(Sight(source.camera, body, name, local_m, found.corners_px))
            look.views.append(found)
        if len(look.views) == 1 or (not look.views and len(look.asked) < _ASKED_WHY):
            look.asked.setdefault(name, grey)
        tell(f"{source.camera}: corners", number + 1, 0)
    return look


def _together(looks: Sequence[_Look], board: Board, says: str) -> Found:
    """All of it, if each camera sees the right board."""
    found = [one.source.camera for one in looks if one.views]
    for one in looks:
        if not one.asked:
            raise CalibrationError(f"{one.source.camera}: no picture can be read")
        if not one.views and found and not board.dictionary:
            raise CalibrationError(
                f"{one.source.camera}: the board is found in none of its pictures, though "
                f"{', '.join(found)} saw it: it is too flat, too small, cut off or blurred there"
            )
        board_pictures.require_right_board(one.source, board, one.views, one.asked)
    sights = tuple(sight for one in looks for sight in one.sights)
    return Found(sights, tuple(miss for one in looks for miss in one.unseen), says)


def _size_says(camera: str, shape: tuple[int, ...], model: CameraModel) -> str:
    return (
        f"{camera}: pictures of {shape[1]}x{shape[0]}, its lens is of {model.width_px}x"
        f"{model.height_px}; calibrate the lens in the mode these pictures were taken in"
    )


def _boards_in_videos(
    found: Sequence[Source],
    board: Board,
    models: Mapping[str, CameraModel],
    tell: Tell,
    *,
    still: bool,
) -> Found:
    step = _step(found, _MOST_LOOKED_AT)
    candidates = {one.camera: _candidates(one, board, step, tell) for one in found}
    sizes_px = {name: (one.width_px, one.height_px) for name, one in models.items()}
    if still:
        sharpest = {
            camera: sorted(seen, key=lambda one: -one.sharpness)[:_MOST_STILL]
            for camera, seen in candidates.items()
        }
        chosen = {camera: {one.number for one in seen} for camera, seen in sharpest.items()}
    else:
        together = set(choice.choose_together(candidates, sizes_px))
        chosen = {
            camera: together & {one.number for one in seen} for camera, seen in candidates.items()
        }
    looks = list[_Look]()
    for source in found:
        numbers = chosen[source.camera] or {0}  # the first may tell why there is none
        frames = ((STILL if still else name, name, grey) for name, grey in _frames(source, numbers))
        looks.append(_look(source, frames, board, models[source.camera], tell, still=still))
    return _together(looks, board, "frames of the same number")


def _step(found: Sequence[Source], most: int) -> int:
    """Every so many frames are looked at, the same ones of all cameras."""
    return max(1, max(open_whole(one.files[0]).n_held for one in found) // most)


def _candidates(source: Source, board: Board, step: int, tell: Tell) -> list[choice.Candidate]:
    video, out = open_whole(source.files[0]), list[choice.Candidate]()
    for picture in pictures(video):
        if picture.number % step:
            continue
        grey = board_pictures.grey_of(picture.pixels)
        corners_px = board_search.roughly(grey, board)
        if corners_px is not None:
            sharp = choice.sharpness(grey, corners_px)
            out.append(choice.Candidate(picture.number, corners_px, sharp))
        tell(f"{source.camera}: pictures", picture.number + 1, video.n_held)
    return out


def _frames(source: Source, numbers: set[int]) -> Iterator[tuple[str, Grey]]:
    for picture in pictures(open_whole(source.files[0])):
        if picture.number in numbers:
            yield f"frame {picture.number}", board_pictures.grey_of(picture.pixels)


def balls_in(
    found: Sequence[Source], places_m: F64, models: Mapping[str, CameraModel], tell: Tell
) -> Found:
    """Find a wand's bright balls, or a single one.

    Args:
        found: the cameras' pictures.
        places_m: (n,) of the balls along the wand; one for a single ball.
        models: lenses and sizes of these cameras.
        tell: of progress.

    Raises:
        CalibrationError: sizes are not those of the lenses, the pictures cannot be paired, or a
            camera sees no ball.
    """
    step = _step(found, _MOST_WITH_BALLS) if found[0].is_video else 1
    pairing = None if found[0].is_video else photo_pairs.pairing(found)
    sights, unseen = list[Sight](), list[Unseen]()
    for source in found:
        n_before = len(sights)
        bodies = pairing.bodies[source.camera] if pairing else None
        for body, name, grey in _with_balls(source, bodies, step, tell):
            model = models[source.camera]
            if grey is None:
                unseen.append(Unseen(source.camera, name, "cannot be read"))
                continue
            if grey.shape != (model.height_px, model.width_px):
                raise CalibrationError(_size_says(source.camera, grey.shape, model))
            seen_px = markers.identified(markers.spots(grey), places_m)
            if isinstance(seen_px, str):
                unseen.append(Unseen(source.camera, name, seen_px))
            else:
                sights.append(point_files.ball_sight(source.camera, body, name, places_m, seen_px))
        if len(sights) == n_before:
            raise CalibrationError(f"{source.camera}: {_no_balls(source.camera, unseen)}")
    return Found(tuple(sights), tuple(unseen), pairing.says if pairing else "frames by number")


def _with_balls(
    source: Source, bodies: Sequence[str] | None, step: int, tell: Tell
) -> Iterator[tuple[str, str, Grey | None]]:
    if bodies is not None:
        for body, (name, grey) in zip(bodies, board_pictures.photos(source), strict=True):
            yield body, name, grey
        return
    video = open_whole(source.files[0])
    for picture in pictures(video):
        if picture.number % step == 0:
            name = f"frame {picture.number}"
            yield name, name, board_pictures.grey_of(picture.pixels)
        tell(f"{source.camera}: pictures", picture.number + 1, video.n_held)


def _no_balls(camera: str, unseen: Sequence[Unseen]) -> str:
    reasons = [one.why for one in unseen if one.camera == camera]
    usual = max(set(reasons), key=reasons.count) if reasons else "no pictures"
    return (
        f"the wand's balls are in no picture ({usual}); they must be the only bright round things: "
        "darken the room or shorten the exposure, or give --markers FILE"
    )
