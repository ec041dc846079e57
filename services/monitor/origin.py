"""Who may speak to the monitor.

Any page of any site may try to reach this machine. So a connection is refused when its Origin is
another host than the one it asks for, and when that host is a name that is not this machine's (a
foreign name made to resolve to our address is how such pages get past the first).
"""

import ipaddress
import socket
from urllib.parse import urlsplit


def is_own_page(origin: str | None, host: str) -> bool:
    """Whether one may speak to us; what is no browser sends no Origin and may."""
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == host.lower() and _is_this_machine(host)


def _is_this_machine(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    own = socket.gethostname().lower()
    if name in {"localhost", own, f"{own}.local"}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
