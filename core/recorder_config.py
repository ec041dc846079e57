"""Settings of the recorder: where to, how often it is safe, and what goes first on a bad disk."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated

import msgspec

from core.settings import NotNegative, Positive, Settings

Name = Annotated[str, msgspec.Meta(max_length=64)]
Notes = Annotated[str, msgspec.Meta(max_length=2000)]
_MOST_IN_FOLDER_NAME = 40


class RecorderConfig(Settings, frozen=True):
    """The recorder."""

    enabled: bool = True
    directory: str = "sessions"
    """A new folder is made in here for each session, unless ``session`` names it."""
    session: str = ""
    subject: Name = ""
    """Who is recorded …"""
    trial: Name = ""
    """… doing what: both end the name of a new folder, and stand in the session's manifest."""
    notes: Notes = ""
    """Whatever else is to be known of it."""
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


def folder_name(config: RecorderConfig, moment: str) -> str:
    """Name of a new session folder: ``MOMENT_subject_trial``, of letters, digits, - and _ only."""
    names = (_safe(config.subject), _safe(config.trial))
    return "_".join((moment, *filter(None, names)))


def _safe(name: str) -> str:
    """Letters without their accents; what has no such letter is a dash."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain)[:_MOST_IN_FOLDER_NAME].strip("-_")
