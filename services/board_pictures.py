"""Pictures of a calibration board: one folder of photos, or one video, of each camera."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.whole_video import open_whole, pictures
from core.calibration import board as boards
from core.calibration import choice
from core.calibration.board import Board, View
from core.calibration.intrinsics import Rejected
from core.errors import CalibrationError
from core.offline_people import Tell
from services.project_videos import natural

Grey = NDArray[np.uint8]
_PHOTOS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm")
_POSE2SIM = re.compile(r"(?:int|ext)_(.+?)(?:_img)?")
_MOST_PHOTOS = 300
_MOST_LOOKED_AT = 200
_ASKED_WHY = 5
_SMALL_PX, _SMALL_QUALITY = 960, 80


@dataclass(frozen=True, slots=True)
class Source:
    """The pictures of one camera."""

    camera: str
    files: tuple[Path, ...]
    is_video: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """What was found in them."""

    size_px: tuple[int, int]
    views: tuple[View, ...]
    rejected: tuple[Rejected, ...]
    photos: Mapping[str, bytes] = field(default_factory=dict)
    """JPEG of each picture that could be read, grey and small, by name."""


def sources(folder: Path, expected: Sequence[str] = ()) -> list[Source]:
    """The cameras of a folder, in natural order.

    ``int_cam01_img``, as Pose2Sim calls such a folder, is cam01's.

    Args:
        folder: with one folder or video of each camera.
        expected: cameras that must be there.

    Raises:
        CalibrationError: none, a folder without pictures, or an expected camera is missing.
    """
    if not folder.is_dir():
        raise CalibrationError(f"{folder}: no such folder")
    children = sorted(folder.iterdir(), key=lambda one: natural(one.name))
    found = [_source(one) for one in children if one.is_dir() or one.suffix.lower() in _VIDEOS]
    names = [one.camera for one in found]
    if missing := [name for name in expected if name not in names]:
        raise CalibrationError(
            f"{folder}: no pictures of {', '.join(missing)}; found {', '.join(names) or 'nothing'}"
        )
    if not found:
        raise CalibrationError(
            f"{folder}: no camera; put a folder of photos, or a video, of each camera into it"
        )
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise CalibrationError(f"{folder}: {', '.join(doubled)} is there twice")
    return [one for one in found if not expected or one.camera in expected]


def _source(path: Path) -> Source:
    if path.is_file():
        return Source(path.stem, (path,), is_video=True)
    whole = _POSE2SIM.fullmatch(path.name)
    name = whole.group(1) if whole else path.name
    inside = sorted(path.iterdir(), key=lambda one: natural(one.name))
    photos = [one for one in inside if one.suffix.lower() in _PHOTOS]
    if photos:
        return Source(name, tuple(photos[:_MOST_PHOTOS]))
    videos = [one for one in inside if one.suffix.lower() in _VIDEOS]
    if len(videos) != 1:
        raise CalibrationError(f"{path}: photos or one video are expected in it, found neither")
    return Source(name, (videos[0],), is_video=True)


def look(source: Source, board: Board, tell: Tell) -> Sights:
    """Find the board in the pictures of a camera.

    Of a video the sharpest and most different pictures are taken.

    Raises:
        CalibrationError: it is in none of them, mirrored, or of another size.
    """
    greys = list(_chosen_frames(source, board, tell) if source.is_video else photos(source))
    readable = [grey for _, grey in greys if grey is not None]
    if not readable:
        says = "the board is in no picture" if source.is_video else "no photo can be read"
        raise CalibrationError(f"{source.camera}: {says}")
    shape = Counter(grey.shape for grey in readable).most_common(1)[0][0]
    views, rejected = list[View](), list[Rejected]()
    for number, (name, grey) in enumerate(greys):
        found = _view(name, grey, shape, board)
        views += [found] if isinstance(found, View) else []
        rejected += [found] if isinstance(found, Rejected) else []
        tell(f"{source.camera}: corners", number + 1, len(greys))
    same = {name: grey for name, grey in greys if grey is not None and grey.shape == shape}
    require_right_board(source, board, views, same)
    small = {name: _small(grey) for name, grey in same.items()}
    return Sights((shape[1], shape[0]), tuple(views), tuple(rejected), small)


def _small(grey: Grey) -> bytes:
    scale = min(1.0, _SMALL_PX / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _SMALL_QUALITY])[1].tobytes()


def require_right_board(
    source: Source, board: Board, views: Sequence[View], greys: dict[str, Grey]
) -> None:
    """Where the board is seen one picture tells; where it is not, some are asked why.

    Args:
        source: the camera.
        board: that is asked for.
        views: in which it was found.
        greys: pictures by name: that of the first view, or some in which it was not found.

    Raises:
        CalibrationError: it is in none of them, mirrored, or of another size.
    """
    try:
        if views:
            boards.require_whole(greys[views[0].name], board)
        else:
            boards.require_no_other(list(greys.values())[:_ASKED_WHY], board)
            for grey in list(greys.values())[:_ASKED_WHY]:
                boards.require_not_mirrored(grey, board)
    except CalibrationError as error:
        raise CalibrationError(f"{source.camera}: {error}") from error
    if not views:
        kind = f"with {board.dictionary} markers " if board.dictionary else ""
        raise CalibrationError(
            f"{source.camera}: no board {kind}of {board} inner corners in {len(greys)} pictures; "
            "it must be seen whole, sharp and with a white rim"
        )


def _view(name: str, grey: Grey | None, shape: tuple[int, ...], board: Board) -> View | Rejected:
    if grey is None:
        return Rejected(name, "cannot be read")
    if grey.shape != shape:
        return Rejected(name, f"{grey.shape[1]}x{grey.shape[0]}, the others {shape[1]}x{shape[0]}")
    return boards.find(grey, board, name) or Rejected(name, "the board was not found in it")


def photos(source: Source) -> Iterator[tuple[str, Grey | None]]:
    """The photos of a camera by name; None for those that cannot be read."""
    for path in source.files:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        yield path.name, None if grey is None else np.asarray(grey, dtype=np.uint8)


def _chosen_frames(source: Source, board: Board, tell: Tell) -> Iterator[tuple[str, Grey]]:
    video = open_whole(source.files[0])
    step = max(1, video.n_held // _MOST_LOOKED_AT)
    candidates, shape = list[choice.Candidate](), (0, 0)
    first: Grey | None = None
    for picture in pictures(video):
        if picture.number % step:
            continue
        grey = grey_of(picture.pixels)
        first = grey if first is None else first
        corners_px, shape = boards.is_seen(grey, board), grey.shape
        if corners_px is not None:
            sharp = choice.sharpness(grey, corners_px)
            candidates.append(choice.Candidate(picture.number, corners_px, sharp))
        tell(f"{source.camera}: pictures", picture.number + 1, video.n_held)
    chosen = choice.choose(candidates, (shape[1], shape[0]))
    if not chosen and first is not None:
        yield "frame 0", first  # may tell why there is none
    for picture in pictures(video):
        if picture.number in chosen:
            yield f"frame {picture.number}", grey_of(picture.pixels)


def grey_of(pixels: NDArray[np.uint8]) -> Grey:
    """The brightness (H, W) of a picture (H, W, 3) BGR."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
