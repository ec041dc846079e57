"""For the path of one process and its children: their wall clock steps by an hour after a while."""

import sys
import threading
import time

_STEP_NS, _AFTER_S = 3_600_000_000_000, 6.0
_real_ns, _begin_s = time.time_ns, time.monotonic()


def _stepping_ns() -> int:
    return _real_ns() + _STEP_NS * (time.monotonic() - _begin_s > _AFTER_S)


def _say() -> None:
    sys.stderr.write("the wall clock steps\n")
    sys.stderr.flush()


time.time_ns = _stepping_ns
time.time = lambda: _stepping_ns() * 1e-9
_timer = threading.Timer(_AFTER_S, _say)
_timer.daemon = True
_timer.start()
