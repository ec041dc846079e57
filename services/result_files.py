"""Result files of a command: all of them are written, or none; the summary is there last."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigError


def write_together(folder: Path, files: Mapping[str, str | bytes], summary: str) -> None:
    """Write files into a folder, each in one step; those of the same names are replaced.

    Whoever finds ``summary`` (one of the names) finds all that it speaks of: the old one goes
    first and the new one comes last. Interrupted before that, the folder is as it was.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as scratch:
            for name, content in files.items():
                encoded = content.encode() if isinstance(content, str) else content
                (Path(scratch) / name).write_bytes(encoded)
            (folder / summary).unlink(missing_ok=True)
            for name in sorted(files, key=lambda one: one == summary):
                (Path(scratch) / name).replace(folder / name)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error}; name another --out") from error
