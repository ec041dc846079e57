"""The command line as a user types it, for tests."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def kinelive(*arguments: str, timeout_s: float = 200.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tools.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
