"""The package that only ``reprise find-label-errors`` needs: the extra ``label-errors``."""

from __future__ import annotations

from typing import Any

from reprise.optional import optional_package


def package(name: str) -> Any:
    """Import a module of cleanlab, or of what it brings.

    Raises:
        RepriseError: It is not installed, or does not run here.
    """
    return optional_package(name, "label-errors", "finding label errors")
