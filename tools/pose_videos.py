"""Several videos through ``kinelive pose``, some at the same time.

Only the first process listens to Ctrl-C and tells the others, which then stop at the next picture:
so no half folder is left, and no process goes on with what was still waiting.
"""

import multiprocessing
import queue
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from core.config import PoseConfig
from core.errors import ConfigError, KineliveError, ProcessError
from core.offline_people import Tell
from services import project_videos
from services.pose_backends import open_backend
from services.video_pose import Posed, Target, pose_video

NO_OVERLAY = "none"
_MP4 = ".mp4"
_POLL_S = 0.2
Told = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Job:
    """One video and where its results go."""

    video: Path
    target: Target
    config: PoseConfig
    worker: int
    """Its place among the videos; with several GPUs they are taken in turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    job: Job
    posed: Posed | None
    provider: str = ""
    rate_hz: float = 0.0
    """Pictures a second of the wall clock, without the loading of the network."""
    error: str = ""


def jobs_of(
    inputs: Sequence[Path], out: Path | None, overlay: str, config: PoseConfig, *, overwrite: bool
) -> list[Job]:
    """What there is to do.

    Raises:
        ConfigError: no such video, two of one name, or results that are there already.
    """
    videos = [video for one in inputs for video in _videos(one)]
    single = len(videos) == 1
    targets = [Target(_folder(one, out), _overlay(one, overlay, alone=single)) for one in videos]
    for place, target in enumerate(targets):
        if target.folder in [other.folder for other in targets[:place]]:
            raise ConfigError(f"{target.folder}: two videos would go there; rename one of them")
        there = [path for path in target if path is not None and path.exists()]
        if there and not overwrite:
            raise ConfigError(f"{there[0]}: is there already; --overwrite, or name another --out")
    return [
        Job(video, target, config, place)
        for place, (video, target) in enumerate(zip(videos, targets, strict=True))
    ]


def _videos(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"{path}: no such video")
    found = [one.path for one in project_videos.find(path)]
    if not found:
        raise ConfigError(f"{path}: no videos in {path / project_videos.FOLDER}")
    return found


def _folder(video: Path, out: Path | None) -> Path:
    within = video.resolve().parent
    beside = within.parent if within.name == project_videos.FOLDER else within
    return (out or beside / "pose") / f"{video.stem}_json"


def _overlay(video: Path, wanted: str, *, alone: bool) -> Path | None:
    if wanted == NO_OVERLAY:
        return None
    path = Path(wanted)
    if path.suffix.lower() != _MP4:
        return path / f"{video.stem}_pose{_MP4}"
    if not alone:
        raise ConfigError(f"--overlay {wanted}: with several videos name a folder, not a file")
    return path


def run(jobs: Sequence[Job], n_at_once: int, tell: Tell) -> Iterator[Outcome]:
    """Outcomes as they come; an error of one video does not stop the others."""
    if n_at_once == 1 or len(jobs) == 1:
        for job in jobs:
            yield do(job, tell)
        return
    context = multiprocessing.get_context("spawn")
    stop, told = context.Event(), context.Queue()
    with ProcessPoolExecutor(
        min(n_at_once, len(jobs)), context, initializer=_begin, initargs=(stop, told)
    ) as pool:
        try:
            with _deaf():
                waiting = {pool.submit(_do_elsewhere, job) for job in jobs}
            yield from _finished(waiting, told, tell)
        except BrokenProcessPool as error:
            raise ProcessError(
                "a process for videos died, of too little memory perhaps; try fewer --jobs"
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C is not heard; processes started meanwhile do not hear it from their first moment."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _finished(waiting: set[Future[Outcome]], told: "Queue[Told]", tell: Tell) -> Iterator[Outcome]:
    while waiting:
        done, waiting = wait(waiting, _POLL_S, FIRST_COMPLETED)
        _pass_on(told, tell)
        for one in done:
            yield one.result()


def _pass_on(told: "Queue[Told]", tell: Tell) -> None:
    while True:
        try:
            tell(*told.get_nowait())
        except queue.Empty:
            return


class _Stopped(KineliveError):
    """The first process was told to stop."""


_tell_first: Callable[[str, int, int], None]


def _begin(stop: Event, told: "Queue[Told]") -> None:
    """Become a process for videos."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told.cancel_join_thread()  # what is not read any more keeps nobody from leaving

    def tell(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _Stopped("interrupted")
        told.put((what, done, total))

    global _tell_first  # a pool hands its work to a bare function
    _tell_first = tell


def _do_elsewhere(job: Job) -> Outcome:
    return do(job, _tell_first)


def do(job: Job, tell: Tell) -> Outcome:
    """Estimate the poses of one video."""
    name = job.video.name
    try:
        backend = open_backend(job.config, job.worker)
        begin_ns = time.perf_counter_ns()
        posed = pose_video(
            job.video,
            job.target,
            backend,
            job.config,
            lambda done, total: tell(name, done, total),
        )
    except KineliveError as error:
        return Outcome(job, None, error=str(error))
    elapsed_s = (time.perf_counter_ns() - begin_ns) / 1e9
    return Outcome(job, posed, backend.provider, posed.pictures / elapsed_s, posed.error)
