"""Packages that only export needs, the extra ``export`` of pyproject.toml, without their telemetry.

Left alone, ONNX Runtime and OpenVINO tell their makers when they are imported, and keep an
identifier of this machine in the home folder. All imports of them go through :func:`package`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from reprise.optional import optional_package


def package(name: str) -> Any:
    """Import a package of the extra.

    Args:
        name: Of the package, or of a module in it.

    Raises:
        RepriseError: It is not installed, or does not run here.
    """
    # Read once, while it is imported: its Privacy.md.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # OpenVINO then takes a stand-in of its own, which does nothing.
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
    return optional_package(name, "export", "exporting")
