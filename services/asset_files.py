"""Published files and folders on the disk: their checksums, and how they are kept.

A folder of many small files counts as one asset.
"""

import hashlib
import io
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

Content = bytes | Mapping[str, bytes]
"""Of a file, or of a folder's files by their paths."""


def sha256_of(path: Path) -> str | None:
    """None where there is no such file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def digest(contents: Mapping[str, bytes]) -> str:
    """One sha256 over all files: sorted by path, each as path, zero, length, zero, content."""
    whole = hashlib.sha256()
    for path in sorted(contents):
        whole.update(f"{path}\0{len(contents[path])}\0".encode())
        whole.update(contents[path])
    return whole.hexdigest()


def digest_of(folder: Path) -> str | None:
    """``digest`` of a folder on the disk; None where there is none."""
    if not folder.is_dir():
        return None
    files = (path for path in folder.rglob("*") if path.is_file())
    return digest({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


DAMAGED = (zipfile.BadZipFile, zlib.error, tarfile.TarError, EOFError)
"""What reading a damaged archive raises."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a package's archive: a wheel as it is, a .tgz carried over into memory."""
    if path.suffix != ".tgz":
        return zipfile.ZipFile(path)
    memory = io.BytesIO()
    with tarfile.open(path) as packed, zipfile.ZipFile(memory, "w") as carried:
        for entry in packed:
            stream = packed.extractfile(entry)
            if stream is not None:
                carried.writestr(entry.name, stream.read())
    return zipfile.ZipFile(memory)


def members(archive: zipfile.ZipFile, prefix: str, max_bytes: int) -> dict[str, bytes]:
    """Files below a folder of an archive, by their path in it; none if they are more than that."""
    entries = [
        entry
        for entry in archive.infolist()
        if entry.filename.startswith(f"{prefix}/") and not entry.is_dir()
    ]
    if sum(entry.file_size for entry in entries) > max_bytes:
        return {}
    return {entry.filename.removeprefix(f"{prefix}/"): archive.read(entry) for entry in entries}


def store(path: Path, content: Content, part: Path) -> None:
    """Write a file or folder by way of ``part``: it is there completely or not at all."""
    if isinstance(content, bytes):
        _write(part, content)
    else:
        for name, one in content.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            _write(part / name, one)
        if path.is_dir():
            shutil.rmtree(path)
    part.replace(path)


def _write(path: Path, content: bytes) -> None:
    """Write so that the content is on the disk before its name is, also after a power cut."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
