"""A session as a Pose2Sim project folder: settings, calibration, videos, keypoints."""

from collections.abc import Sequence
from pathlib import Path

from core import calibration
from core.calibration import pose2sim
from services.clips import Clip
from services.export_points import Pictures, Span, write_openpose
from services.export_video import Video
from services.export_video import write as write_video
from services.session import Session

_CONFIG = """# Frame number / frame_rate = seconds of session time, in the
# keypoints as in the videos: frames that nobody looked at are empty.
[project]
multi_person = {multi}
frame_rate = {rate}
frame_range = "all"

[pose]
pose_model = "{model}"

[triangulation] # its report has no defaults for these; without undistortion it ignores the lens
reproj_error_threshold_triangulation = 15
likelihood_threshold_triangulation = 0.3
min_cameras_for_triangulation = 2
interpolation = "linear"
interp_if_gap_smaller_than = 20
min_chunk_size = 10
fill_large_gaps_with = "last_value"
show_interp_indices = true
make_c3d = false
handle_LR_swap = false
undistort_points = true

[filtering]
display_figures = false
save_filt_plots = false

[filtering.gaussian]
sigma_kernel = 1
"""


def write(
    session: Session, span: Span, found: Pictures, clips: Sequence[Clip], folder: Path
) -> list[Video]:
    """Write the project; the cameras of the session are synchronous, so it needs no such stage."""
    for name in ("calibration", "videos", "pose"):
        (folder / name).mkdir(parents=True)
    models = calibration.parse(session.manifest.calibration_name, session.calibration_text)
    mine = [models[name] for name in session.manifest.cameras]
    (folder / "calibration" / "Calib.toml").write_text(pose2sim.write(mine), encoding="utf-8")
    rate = f"{found.rate_hz:.10g}"
    settings = _CONFIG.format(
        multi=str(found.n_most > 1).lower(), rate=rate, model=found.skeleton.name
    )
    (folder / "Config.toml").write_text(settings, encoding="utf-8")
    write_openpose(found, folder / "pose")
    videos = (folder / "videos" / f"{clip.camera}.mp4" for clip in clips)
    return [write_video(clip, path, span.zero_ns) for clip, path in zip(clips, videos, strict=True)]
