"""Pictures that several cameras took at the same times: of a board that is shown, or of balls.

Photos belong together by the number in their names, or by their order; pictures of videos by their
number in the file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.whole_video import open_whole, pictures
from core.calibration import board as boards
from core.calibration import choice, markers, point_files
from core.calibration.board import Board, View
from core.calibration.intrinsics import Rejected
from core.calibration.outcome import Unseen
from core.calibration.sights import Sight
from core.cameras import CameraModel
from core.errors import CalibrationError
from core.offline_people import Tell
from services import board_pictures
from services.board_pictures import Grey, Source

F64 = NDArray[np.float64]
STILL = "the board"
_NUMBER = re.compile(r"\d+")
_MOST_LOOKED_AT, _MOST_WITH_BALLS, _MOST_STILL = 400, 900, 8
_ASKED_WHY = 5
_RATE_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Found:
    """What the cameras saw."""

    sights: tuple[Sight, ...]
    unseen: tuple[Unseen, ...]
    paired_by: str
    """In words."""


@dataclass(frozen=True, slots=True)
class _Pairing:
    bodies: Mapping[str, Sequence[str]]
    """By camera: the instant of each photo."""
    says: str


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
    pairing = _still(found) if still else _pairing(found)
    sights, unseen = list[Sight](), list[Unseen]()
    for source in found:
        named = zip(pairing.bodies[source.camera], board_pictures.photos(source), strict=True)
        some = ((body, name, grey) for body, (name, grey) in named)
        seen, missed = _look(source, some, board, models, tell)
        sights += seen
        unseen += missed
    return Found(tuple(sights), tuple(unseen), pairing.says)


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


def _still(found: Sequence[Source]) -> _Pairing:
    return _Pairing({one.camera: [STILL] * len(one.files) for one in found}, "one board for all")


def _pairing(found: Sequence[Source]) -> _Pairing:
    """By the last number in the names if that fits, else by order."""
    numbers = {one.camera: [_last_number(path) for path in one.files] for one in found}
    if _numbers_fit(numbers):
        named = {camera: [str(one) for one in some] for camera, some in numbers.items()}
        return _Pairing(named, "photos with the same last number in their names")
    counts = {one.camera: len(one.files) for one in found}
    if len(set(counts.values())) > 1:
        says = ", ".join(f"{camera} {count}" for camera, count in counts.items())
        raise CalibrationError(
            f"photos cannot be paired: their numbers do not agree, and their counts differ ({says})"
            "; give photos of the same instant the same number, such as 01.jpg in each folder"
        )
    rows = {camera: [str(n + 1) for n in range(count)] for camera, count in counts.items()}
    return _Pairing(rows, "photos by their order, as their numbers do not agree")


def _last_number(path: Path) -> int | None:
    every = _NUMBER.findall(path.stem)
    return int(every[-1]) if every else None


def _numbers_fit(numbers: Mapping[str, Sequence[int | None]]) -> bool:
    """Whether each photo has a number of its own, and half of each camera's are another's too."""
    for camera, some in numbers.items():
        others = {one for name, rest in numbers.items() if name != camera for one in rest}
        if None in some or len(set(some)) < len(some):
            return False
        if 2 * sum(one in others for one in some) < len(some):
            return False
    return True


def _look(
    source: Source,
    named: Iterator[tuple[str, str, Grey | None]],
    board: Board,
    models: Mapping[str, CameraModel],
    tell: Tell,
) -> tuple[list[Sight], list[Unseen]]:
    """Boards in the pictures of a camera: instant, name and picture."""
    model = models[source.camera]
    shape = (model.height_px, model.width_px)
    views, sights, unseen = list[View](), list[Sight](), list[Unseen]()
    asked: dict[str, Grey] = {}
    for number, (body, name, grey) in enumerate(named):
        if grey is not None and grey.shape != shape:
            raise CalibrationError(_size_says(source.camera, grey.shape, model))
        found = board_pictures.view_of(name, grey, shape, board)
        if isinstance(found, Rejected):
            unseen.append(Unseen(source.camera, name, found.why))
        else:
            local_m = board.corners_m[found.places]
            sights.append(Sight(source.camera, body, name, local_m, found.corners_px))
            views.append(found)
        if grey is not None and (len(views) == 1 or len(asked) < _ASKED_WHY):
            asked.setdefault(name, grey)
        tell(f"{source.camera}: corners", number + 1, 0)
    if not asked:
        raise CalibrationError(f"{source.camera}: no picture can be read")
    board_pictures.require_right_board(source, board, views, asked)
    return sights, unseen


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
    sights, unseen = list[Sight](), list[Unseen]()
    for source in found:
        numbers = chosen[source.camera] or {0}  # the first may tell why there is none
        frames = ((STILL if still else name, name, grey) for name, grey in _frames(source, numbers))
        if chosen[source.camera] or not candidates[source.camera]:
            seen, missed = _look(source, frames, board, models, tell)
            sights += seen
            unseen += missed
    return Found(tuple(sights), tuple(unseen), "frames of the same number")


def _step(found: Sequence[Source], most: int) -> int:
    """Every so many frames are looked at, the same ones of all cameras."""
    return max(1, max(open_whole(one.files[0]).n_held for one in found) // most)


def _candidates(source: Source, board: Board, step: int, tell: Tell) -> list[choice.Candidate]:
    video, out = open_whole(source.files[0]), list[choice.Candidate]()
    for picture in pictures(video):
        if picture.number % step:
            continue
        grey = board_pictures.grey_of(picture.pixels)
        corners_px = boards.is_seen(grey, board)
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
    pairing = None if found[0].is_video else _pairing(found)
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
