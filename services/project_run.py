"""A Pose2Sim project's videos through the live chain: its videos as cameras, its calibration."""

from pathlib import Path

from core import config
from core.config import RunConfig
from core.errors import SessionError
from services import calibration_files, project_videos
from services.project import calibration_file, levels_of, match_cameras
from services.replay import waiting_for_all


def project_run(path: Path, *, paced: bool) -> RunConfig:
    """Settings that play a project's videos once, all from their first frames on.

    At full speed nothing is dropped, as with a session (``services.replay``).

    Raises:
        SessionError: no such folder, or no videos in it.
        ConfigError: no ``Config.toml``, or a name that a camera cannot have.
        CalibrationError: none, or one of other cameras.
    """
    levels = levels_of(path)
    videos = project_videos.find(path)
    if not videos:
        raise SessionError(
            f"{path}: no videos to play; put one for each camera into "
            f"{path / project_videos.FOLDER}, or work on its keypoints: `kinelive process {path}`"
        )
    file = calibration_file(path, levels)
    models = calibration_files.load(file)
    names = match_cameras([one.path.stem for one in videos], models, str(path), "videos")
    cameras = [
        {"name": name, "path": str(one.path.resolve()), "loop": False, "lossless": not paced}
        for name, one in zip(names, videos, strict=True)
    ]
    run = config.build({"cameras": cameras, "calibration": str(file.resolve())}, str(path))
    return run if paced else waiting_for_all(run)
