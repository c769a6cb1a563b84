"""Packages of the optional extras in pyproject.toml, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from reprise.errors import RepriseError


def optional_package(name: str, extra: str, purpose: str) -> Any:
    """Import a package of an extra.

    Args:
        name: Of the package, or of a module in it.
        extra: That brings it.
        purpose: What it is needed for, after "install what ... needs".

    Raises:
        RepriseError: It is not installed, or does not run here.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = name.partition(".")[0]
        raise RepriseError(
            f"this needs the package {missing}, which cannot be imported here: {error}.",
            f"install what {purpose} needs: python -m pip install -e '.[{extra}]'",
        ) from None
