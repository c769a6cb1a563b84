"""The package that only ``reprise find-label-errors`` needs: the extra ``label-errors``."""

from __future__ import annotations

import importlib
from typing import Any

from reprise.errors import RepriseError


def package(name: str) -> Any:
    """Import cleanlab, or a module of it.

    Raises:
        RepriseError: It is not installed, or does not run here.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RepriseError(
            f"this needs the package cleanlab, which cannot be imported here: {error}.",
            "install what finding label errors needs: python -m pip install -e '.[label-errors]'",
        ) from None
