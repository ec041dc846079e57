"""A virtual machine with the kernel's virtual camera ``vivid``: QEMU, no module on the host.

It boots Debian's kernel with a small first disk of busybox and modules, and sees the host's root
read-only; so it runs our code with the host's Python. Kernel and modules are fetched once into the
user's cache folder.
"""

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

_REPOSITORY = Path(__file__).parents[2]
_HERE = Path(__file__).parent / "vivid"
# fmt: off
_MODULES = (
    "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
    "9pnet", "9pnet_virtio", "netfs", "fscache", "9p", "rc-core", "cec", "mc", "videodev",
    "videobuf2-common", "videobuf2-v4l2", "videobuf2-memops", "videobuf2-vmalloc",
    "videobuf2-dma-contig", "v4l2-dv-timings", "v4l2-tpg", "vivid",
)
# fmt: on
LIMIT_S = 400


def missing() -> str:
    """What the machine lacks to run here; empty if nothing."""
    programs = {
        "qemu-system-x86_64": "qemu-system-x86",
        "busybox": "busybox-static",
        "cpio": "cpio",
        "dpkg-deb": "dpkg",
        "apt-get": "apt",
    }
    packages = [package for name, package in programs.items() if not shutil.which(name)]
    if packages:
        return "apt-get install " + " ".join(packages)
    return "" if platform.machine() == "x86_64" else "a machine of x86_64"


def kernel() -> Path | None:
    """Folder of ``vmlinuz`` and the modules, fetched when it is not there; None: cannot be."""
    cache = user_cache_path("kinelive") / "guest"
    name = _kernel_package()
    if name and ((cache / name / "complete").exists() or _fetched(name, cache / name)):
        return cache / name
    older = sorted(cache.glob("*/complete"))
    return older[-1].parent if older else None


def _kernel_package() -> str | None:
    said = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True
    ).stdout
    found = re.search(r"linux-image-[\w.+-]+-amd64", said.partition("Depends")[2])
    return found[0] if found else None


def _fetched(package: str, folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        download = ["apt-get", "download", "-q", package]
        if subprocess.run(download, cwd=temporary, capture_output=True).returncode:
            return False
        (archive,) = Path(temporary).glob("*.deb")
        wanted = ["*/vmlinuz-*", *(f"*/{module}.ko" for module in _MODULES)]
        unpack = ["tar", "-x", "-C", temporary, "--wildcards", *wanted]
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE
        ) as reading:
            subprocess.run(unpack, stdin=reading.stdout, check=True)
        shutil.copy(next(Path(temporary).glob("boot/vmlinuz-*")), folder / "vmlinuz")
        for module in _MODULES:
            shutil.copy(next(Path(temporary).rglob(f"{module}.ko")), folder)
    (folder / "complete").touch()
    return True


def _first_disk(kernel_folder: Path, folder: Path) -> Path:
    root = folder / "root"
    for name in ("bin", "modules", "proc", "sys", "dev", "host"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", root / "bin" / "busybox")
    shutil.copy(_HERE / "init", root / "init")
    (root / "init").chmod(0o755)
    for module in _MODULES:
        shutil.copy(kernel_folder / f"{module}.ko", root / "modules")
    (root / "modules" / "order").write_text(" ".join(_MODULES))
    disk = folder / "disk"
    names = "\n".join(str(path.relative_to(root)) for path in [root, *root.rglob("*")])
    with disk.open("wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"],
            cwd=root, input=names.encode(), stdout=file, check=True,
        )  # fmt: skip
    return disk


def results(kernel_folder: Path) -> tuple[dict[str, Any], str]:
    """Run ``vivid/checks.py`` in the machine: its results by check, and all that it printed."""
    with tempfile.TemporaryDirectory(prefix="kl-", dir="/tmp") as temporary:
        disk = _first_disk(kernel_folder, Path(temporary))
        words = f"console=ttyS0 quiet panic=-1 REPOSITORY={_REPOSITORY} PYTHON={sys.executable}"
        command = [
            *("qemu-system-x86_64", "-m", "2048", "-smp", "1", "-cpu", "max"),
            *("-nographic", "-no-reboot", "-nic", "none"),
            *("-kernel", str(kernel_folder / "vmlinuz"), "-initrd", str(disk), "-append", words),
            "-virtfs",
            "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S
        )
    printed = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    found: dict[str, Any] = {}
    for line in re.findall(r"RESULT (\{.*\})", printed):
        found |= json.loads(line)
    return found, printed
