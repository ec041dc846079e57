"""Several recordings through ``kinelive process``, some at the same time."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import KineliveError
from core.offline_people import Tell
from services import trials
from tools.process_run import process_folder


@dataclass(frozen=True, slots=True)
class Job:
    """One trial and where its results go."""

    input: Path
    out: Path
    assignments: tuple[str, ...]
    resume: bool


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of it."""

    job: Job
    summary: dict[str, Any] | None
    error: str = ""


def jobs_of(
    inputs: Sequence[Path], out: Path, assignments: Sequence[str], *, resume: bool
) -> list[Job]:
    """What there is to do; a single recording goes into ``out`` itself.

    Raises:
        ConfigError: two trials of one name.
    """
    found = trials.find(inputs)
    alone = len(inputs) == 1 and found == list(inputs)
    return [
        Job(trial, out if alone else out / trials.name_of(trial), tuple(assignments), resume)
        for trial in found
    ]


def run(jobs: Sequence[Job], n_at_once: int, tell: Tell) -> Iterator[Outcome]:
    """Outcomes as they come; an error of one trial does not stop the others."""
    if n_at_once == 1:
        for job in jobs:
            yield do(job, tell)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n_at_once, len(jobs)), mp_context=context) as pool:
        waiting: list[Future[Outcome]] = [pool.submit(do, job) for job in jobs]
        try:
            for done, one in enumerate(as_completed(waiting)):
                tell("trials", done + 1, len(jobs))
                yield one.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_silence(what: str, done: int, total: int) -> None:
    """Nothing is told from another process."""


def do(job: Job, tell: Tell = _in_silence) -> Outcome:
    """Process one trial."""
    try:
        said = process_folder(job.input, job.out, job.assignments, tell, resume=job.resume)
    except KineliveError as error:
        return Outcome(job, None, str(error))
    return Outcome(job, said)
