"""Reprise: reproducible vision-model training. In use, all that is needed is :func:`load`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.inference.model import Model, load

__all__ = ["Model", "load"]


def __getattr__(name: str) -> Any:
    # Not imported before it is asked for: every stage imports this package.
    if name in __all__:
        from reprise.inference import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
