"""For tests of what is kept from run to run."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest


def settle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as settled: a test cannot wait until they are."""
    monkeypatch.setattr("reprise.preprocessing.store.file_state._SETTLED_NS", -1)


def counted(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[int]:
    """Grows by one entry with each call of a module's function."""
    calls: list[int] = []
    real = getattr(module, name)

    def call(*given: Any) -> Any:
        calls.append(1)
        return real(*given)

    monkeypatch.setattr(module, name, call)
    return calls
