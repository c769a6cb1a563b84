"""Where and how the stage works, none of which changes a byte of the dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workplace:
    """One machine or several, and what is kept from run to run.

    Attributes:
        workers: Processes that decode and resize; under 2, this one does it.
        engine: ``local`` or ``ray``.
        memo: Folder that keeps finished images from run to run; None keeps none.
        memo_bytes: What it may hold.
    """

    workers: int = 1
    engine: str = "local"
    memo: Path | None = None
    memo_bytes: int = 2 * 10**10
