"""``kinelive pose``: 2D poses of videos, as files that Pose2Sim and ``kinelive process`` read."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tyro

from core.config import PoseConfig, Provider
from core.errors import ConfigError
from core.pose import catalogue
from services import pose_weights
from tools import pose_videos
from tools.pose_videos import Outcome
from tools.terminal import print_json, progress, result, telling

_USUAL = PoseConfig()
_INTERRUPTED = 130
_ERROR = 2


def pose(
    videos: Annotated[tuple[Path, ...], tyro.conf.Positional],
    model: str = _USUAL.model,
    out: Path | None = None,
    overlay: str = "none",
    provider: Provider = _USUAL.provider,
    max_people: int = _USUAL.max_people,
    detect_every_s: float = _USUAL.detect_every_s,
    jobs: int = 1,
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Find the people in videos: a folder NAME_json for each, one OpenPose file a picture.

    This is Pose2Sim's layout: of PROJECT/videos/cam01.mp4 the poses go to
    PROJECT/pose/cam01_json/cam01_000000.json and so on, and Pose2Sim's calibration,
    synchronization, personAssociation … go on from there, as does `kinelive process PROJECT`.
    The keypoints are the model's, and pose_model in Config.toml must be of the same: BlazePose's
    are HALPE_26 ("Body_with_feet") without small toes, which have likelihood 0. Everybody in the
    picture is written, followed from picture to picture: the number is in person_id.

    A folder appears when its video is done, or not at all. Of a video that breaks off what could
    be read is kept in NAME_incomplete, and the command returns 2. Returns 1 when there is nobody
    in any video.

    Args:
        videos: video files, or folders of Pose2Sim projects for all of their videos/.
        model: blazepose_lite is the fastest, _full the usual, _heavy the most accurate; an
            unknown one is answered with the known ones.
        out: folder for the NAME_json folders; otherwise pose/ beside the folder videos/, or beside
            the video itself.
        overlay: also write the video with the skeletons drawn in, red where the network is unsure
            and green where it is sure: FILE.mp4, or with several videos a folder for NAME_pose.mp4.
        provider: what the network runs on; auto is CUDA where there is a GPU.
        max_people: followed at the same time in one video.
        detect_every_s: seconds of film between two looks for people who come in.
        jobs: videos at the same time, each in a process of its own; one thread each on a CPU.
        overwrite: replace results that are there; otherwise they are an error, before any work.
        json: print the summary as one JSON object, the last line.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    config = _config(model, provider, max_people, detect_every_s)
    if not videos or jobs < 1:
        raise ConfigError("give at least one VIDEO, and --jobs 1 or more")
    todo = pose_videos.jobs_of(videos, out, overlay, config, overwrite=overwrite)
    pose_weights.ensure(model, progress=progress.print)
    outcomes = []
    try:
        with telling() as tell:
            for one in pose_videos.run(todo, jobs, tell):
                outcomes.append(one)
                _tell(one, json=json)
    except KeyboardInterrupt:
        left = len(todo) - len(outcomes)
        print(f"kinelive pose: interrupted; {left} of {len(todo)} videos not done", file=sys.stderr)
        return _INTERRUPTED
    if json:
        print_json(_summary(outcomes, config))
    return _exit_code(outcomes)


def _config(model: str, provider: str, max_people: int, detect_every_s: float) -> PoseConfig:
    named = {
        "model": model,
        "provider": provider,
        "max_people": max_people,
        "detect_every_s": detect_every_s,
    }
    try:
        config = msgspec.convert(named, PoseConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from error
    if model == catalogue.CUSTOM:
        raise ConfigError("--model custom: networks of one's own are for the settings of a run")
    if said := catalogue.objection(config):
        raise ConfigError(said)
    return config


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    if any(one.error for one in outcomes):
        return _ERROR
    return 0 if any(one.posed and one.posed.people for one in outcomes) else 1


def _tell(one: Outcome, *, json: bool) -> None:
    """Errors and warnings to stderr; results to stdout unless they come as JSON."""
    posed = one.posed
    if one.error:
        kept = f"; what was read is in {posed.folder}" if posed and posed.folder else ""
        print(f"error: {one.error}{kept}", file=sys.stderr)
    if posed and posed.damaged:
        print(f"warning: {one.job.video}: {posed.damaged} damaged pictures", file=sys.stderr)
    if posed is None or posed.folder is None or json:
        return
    result.print(
        f"{one.job.video.name}: {posed.pictures} pictures, somebody in {posed.with_people}, at "
        f"most {posed.most_at_once} at once; {one.rate_hz:.1f} fps on {one.provider}"
    )
    for path in filter(None, (posed.folder, posed.overlay)):
        result.print(f"  {path}", soft_wrap=True)


def _summary(outcomes: Sequence[Outcome], config: PoseConfig) -> dict[str, Any]:
    skeleton = catalogue.skeleton_of(config).name
    return {"model": config.model, "skeleton": skeleton, "videos": [_said(one) for one in outcomes]}


def _said(one: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = {"video": str(one.job.video), "error": one.error or None}
    if one.posed is None:
        return said
    return said | {
        "folder": str(one.posed.folder) if one.posed.folder else None,
        "overlay": str(one.posed.overlay) if one.posed.overlay else None,
        "pictures": one.posed.pictures,
        "with_people": one.posed.with_people,
        "people": one.posed.people,
        "most_at_once": one.posed.most_at_once,
        "damaged": one.posed.damaged,
        "provider": one.provider,
        "fps": one.rate_hz,
    }
