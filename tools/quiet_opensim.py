"""The one import of OpenSim: without its messages, and without its opensim.log.

OpenSim makes ``opensim.log`` in the working directory at the first line that it logs. OpenSim keeps
Python's global lock while it computes and never runs in a live process; ``tools.opensim_model`` and
``tools.opensim_ik`` are processes of their own.
"""

from typing import Any

import opensim as _opensim

opensim: Any = _opensim  # its stubs do not know the half of it
opensim.Logger.setLevelString("Off")
opensim.Logger.removeFileSink()
