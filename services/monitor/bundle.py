"""Builds the page (npm, vite): the install hook and the monitor's start call the same function.

The installer keeps what it built once and does not see that the page's sources changed, so the
monitor looks for itself: a built page carries the digest of its sources. Apart, and of the
standard library only, because the hook runs before any dependency is there.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from services import node_tools
from services.file_lock import file_lock
from services.node_tools import NodeTools

WEB = Path(__file__).parent / "web"
DIST = WEB / "dist"
REMEDY = node_tools.REMEDY

_SOURCES = ("*.html", "package.json", "package-lock.json", "*.ts", "tsconfig.json", "src/**/*")
_DIGEST = "sources.sha256"
_COMMAND_S = 300.0
_SHOWN_CHARACTERS = 2000

_log = logging.getLogger(__name__)


class BundleError(RuntimeError):
    """The page cannot be built. (No ``KineliveError``: nothing of ours is there in the hook.)"""


def build(force: bool = False) -> Path:
    """Build the page unless it is current; return the folder with its ``index.html``.

    Raises:
        BundleError: no usable Node.js, or npm or vite failed; says what to do.
    """
    if not force and not is_stale():
        return DIST
    with file_lock(_lock(), lambda: _log.info("waiting for another page build")):
        if force or is_stale():
            _build()
    return DIST


def is_stale(web: Path = WEB) -> bool:
    """Whether there is no built page, or one made from other sources."""
    built_from = web / "dist" / _DIGEST
    return not built_from.is_file() or built_from.read_text() != sources_digest(web)


def sources_digest(web: Path) -> str:
    """Digest of the names and contents of all that goes into the page."""
    digest = hashlib.sha256()
    for path in sorted(_sources(web)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(web).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    for pattern in _SOURCES:
        yield from (path for path in web.glob(pattern) if path.is_file())


def _lock() -> Path:
    """One for each checkout, outside of it: what lies in the folder would be packed."""
    checkout = hashlib.sha256(str(WEB.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kinelive-page-{checkout}.lock"


def _build() -> None:
    tools = _tools()
    digest = sources_digest(WEB)
    _install_packages(tools)
    fresh = WEB / "node_modules" / ".dist"
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    _run((*tools.node, str(vite), "build", "--outDir", str(fresh), "--emptyOutDir"), tools)
    (fresh / _DIGEST).write_text(digest)
    shutil.rmtree(DIST, ignore_errors=True)
    fresh.rename(DIST)


def _install_packages(tools: NodeTools) -> None:
    lock_digest = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    installed = WEB / "node_modules" / ".installed.sha256"
    if installed.is_file() and installed.read_text() == lock_digest:
        return
    _run((*tools.npm, "ci", "--include=dev", "--no-audit", "--no-fund"), tools)
    installed.write_text(lock_digest)


def _tools() -> NodeTools:
    tools = node_tools.find(_new_enough)
    if tools is None:
        raise BundleError(f"the monitor page is not built and there is no Node.js: {REMEDY}")
    return tools


def _new_enough(version: tuple[int, int]) -> bool:
    """Whether vite runs on it: ^20.19 or >= 22.12."""
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def _run(command: Sequence[str], tools: NodeTools) -> None:
    """Run in the page's folder; BundleError with the end of its output when it fails."""
    shown = f"the monitor page could not be built: `{' '.join(command)}` in {WEB}"
    environment = {**os.environ, "PATH": tools.search_path}
    try:
        ended = subprocess.run(
            command,
            cwd=WEB,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_COMMAND_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleError(f"{shown}: {error}. Remedy: {REMEDY}") from error
    if ended.returncode:
        output = ended.stdout[-_SHOWN_CHARACTERS:]
        raise BundleError(f"{shown} ended with {ended.returncode}. Remedy: {REMEDY}.\n{output}")
