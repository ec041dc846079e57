"""Settings of the recorder: where to, how often it is safe, and what goes first on a bad disk."""

from collections.abc import Sequence

from core.settings import NotNegative, Positive, Settings


class RecorderConfig(Settings, frozen=True):
    """The recorder."""

    enabled: bool = True
    directory: str = "sessions"
    """A new folder is made in here for each session, unless ``session`` names it."""
    session: str = ""
    flush_ms: Positive = 200.0
    segment_s: Positive = 60.0
    segment_mb: Positive = 1000.0
    min_free_gb: NotNegative = 5.0
    """Below this no video is written, below a tenth of it nothing …"""
    min_free_minutes: NotNegative = 2.0
    """… or below what comes in within so many minutes, where that is more."""
    warn_minutes: NotNegative = 10.0
    """A warning comes when the disk lasts no longer than this."""
    second_directory: str = ""
    """Recording goes on in here, on another disk, when the first takes no more; none: it waits."""
    backlog_mb: Positive = 64.0
    """Memory for what waits for a slow disk; beyond it video is given up, whole groups of pictures,
    of one camera after the other. Never keypoints before all video."""
    give_up_first: tuple[str, ...] = ()
    """The cameras whose video goes first, the least important first; then the last listed."""


def objection(config: RecorderConfig, cameras: Sequence[str]) -> str:
    """What is wrong with the settings for these cameras; empty if nothing is."""
    named = config.give_up_first
    if len(set(named)) == len(named) and set(named) <= set(cameras):
        return ""
    return f"recorder.give_up_first: each of {', '.join(cameras)} at most once, and nothing else"
