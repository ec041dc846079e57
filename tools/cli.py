"""``kinelive``: the command line. Each command is a module of this folder."""

import importlib
import sys
from collections.abc import Callable

import tyro

from core.errors import KineliveError

COMMANDS = (
    "demo",
    "up",
    "join",
    "mark",
    "replay",
    "verify",
    "sessions",
    "inspect",
    "recover",
    "trim",
    "merge",
    "export",
    "pose",
    "cameras",
    "calibrate",
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
_GROUPS = ("calibrate",)
"""Commands that are several: ``COMMANDS`` of their module, each in a module GROUP_COMMAND."""


def main() -> None:
    """Entry point: one command, its exit code; errors made on purpose as one line."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except KineliveError as error:
        sys.stderr.write(f"kinelive: {error}\n")
        sys.exit(2)


def _run(arguments: list[str]) -> int:
    chosen = [name for name in arguments[:1] if name in COMMANDS]
    if chosen and chosen[0] in _GROUPS:
        return _run_group(chosen[0], arguments[1:])
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


def _run_group(group: str, arguments: list[str]) -> int:
    names = importlib.import_module(f"tools.{group}").COMMANDS
    chosen = [name for name in arguments[:1] if name in names]
    commands = {name: _member(group, name) for name in chosen or names}
    return int(
        tyro.extras.subcommand_cli_from_dict(
            commands,
            prog=f"kinelive {group}",
            description=(_command(group).__doc__ or "").split("\n")[0],
            args=arguments,
            config=(tyro.conf.OmitArgPrefixes,),
        )
        or 0
    )


def _member(group: str, name: str) -> Callable[..., int]:
    return getattr(importlib.import_module(f"tools.{group}_{name}"), name)


def _command(name: str) -> Callable[..., int]:
    module = _MODULES.get(name, name)
    return getattr(importlib.import_module(f"tools.{module}"), module)


if __name__ == "__main__":
    main()
