"""``kinelive``: the command line. Each command is a module of this folder."""

import importlib
import sys
from collections.abc import Callable

import tyro

from core.errors import KineliveError

COMMANDS = (
    "demo",
    "up",
    "replay",
    "verify",
    "inspect",
    "pose",
    "cameras",
    "process",
    "sync",
    "augment",
    "ik",
    "import",
    "fetch",
    "doctor",
    "bench",
)
_MODULES = {"import": "import_"}  # a keyword names no module


def main() -> None:
    """Entry point: one command, its exit code; errors made on purpose as one line."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except KineliveError as error:
        sys.stderr.write(f"kinelive: {error}\n")
        sys.exit(2)


def _run(arguments: list[str]) -> int:
    chosen = [name for name in arguments[:1] if name in COMMANDS]
    commands = {name: _command(name) for name in chosen or COMMANDS}  # import what is needed only
    return int(
        tyro.extras.subcommand_cli_from_dict(
            commands,
            prog="kinelive",
            description="Live markerless 3D human kinematics.",
            args=arguments,
            config=(tyro.conf.OmitArgPrefixes,),
        )
        or 0
    )


def _command(name: str) -> Callable[..., int]:
    module = _MODULES.get(name, name)
    return getattr(importlib.import_module(f"tools.{module}"), module)


if __name__ == "__main__":
    main()
