"""``kinelive join``: the cameras of this machine for a rig whose hub is another one."""

from typing import Annotated

import msgspec
import tyro

from core.camera_config import HostName
from core.config import BusConfig
from core.errors import ConfigError
from services import join as joining
from services.supervisor import launched_by_uv, launcher_is_gone
from tools.live import stop_on_signals
from tools.terminal import progress


def join(hub: Annotated[str, tyro.conf.Positional], host: str, stay: bool = False) -> int:
    """Run this machine's cameras for the rig of a hub, until its run is over or Ctrl-C.

    Args:
        hub: address of the machine where ``kinelive up`` runs, with ``:PORT`` where its rig file
            has another bus.base_port than 5600.
        host: the name this machine has in the rig file: ``host = "…"`` of its cameras.
        stay: wait for the next run when one is over.
    """
    address, base_port = hub_address(hub)
    try:
        host = msgspec.convert(host, HostName)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--host {host!r}: letters, digits, - and _ only") from error
    stop, launcher = stop_on_signals(), launched_by_uv()

    def ended() -> bool:
        return stop.is_set() or (launcher is not None and launcher_is_gone(launcher))

    joining.join(address, base_port, host, stay=stay, cancelled=ended, tell=progress.print)
    return 0


def hub_address(hub: str) -> tuple[str, int]:
    """Address and base port of ``ADDRESS[:PORT]``; ConfigError where it is none."""
    address, _, port = hub.partition(":")
    if not address or (port and not port.isdecimal()):
        raise ConfigError(f"{hub}: not an ADDRESS or ADDRESS:PORT")
    return address, int(port) if port else BusConfig().base_port
