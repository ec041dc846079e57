"""Fixtures all suites share."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import FusionConfig

IN_CI = os.environ.get("CI") == "true"


def need(found: object, what: str) -> None:
    """Skip where a system package is missing; in CI that is a failure."""
    if not found:
        if IN_CI:
            pytest.fail(f"CI must have {what}")
        pytest.skip(f"needs {what}")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="kl-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fusion_config() -> FusionConfig:
    return FusionConfig()
