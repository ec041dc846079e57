"""Build hook of hatch: the installed package brings the built page along."""

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import (  # pyright: ignore[reportMissingImports]
    BuildHookInterface,
)


class CustomBuildHook(BuildHookInterface):
    """Builds the page before the wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build; an editable install goes on without: the monitor builds at its start."""
        sys.path.insert(0, self.root)
        from services.monitor import bundle

        try:
            bundle.build()
        except bundle.BundleError as error:
            if version != "editable":
                raise
            self.app.display_warning(str(error))
        build_data["artifacts"].append("services/monitor/web/dist/**")
