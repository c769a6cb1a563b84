"""Shared by all tests: where the repository is, and what stands beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from browsing import browser_or_skip

# How long an example takes says nothing of what it shows, and a busy machine stalls.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout under test."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_datasets() -> Path:
    """Real photographs that stand beside the project's own workplace, not at a user's."""
    folder = REPOSITORY.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip("../shared/datasets is not here: it stands beside the project's workplace only")
    return folder


# Training in this process flushes subnormal floats to zero, which hypothesis needs.
@pytest.fixture(autouse=True)
def _subnormal_floats() -> Iterator[None]:
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests that ask for it are skipped where there is none."""
    with browser_or_skip() as found:
        yield found
