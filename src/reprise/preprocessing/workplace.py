"""Where and how the stage works, none of which changes a byte of the dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reprise.preprocessing.labels.label_cache import LabelCache

# Of what the memo may hold; the labels of a source that take more are read each time.
_LABELS_SHARE = 20


@dataclass(frozen=True)
class Workplace:
    """One machine or several, and what is kept from run to run.

    Attributes:
        workers: Processes that decode and resize; under 2, this one does it.
        engine: ``local`` or ``ray``.
        memo: Folder that keeps finished images and labels from run to run; None keeps none.
        memo_bytes: What it may hold.
    """

    workers: int = 1
    engine: str = "local"
    memo: Path | None = None
    memo_bytes: int = 2 * 10**10

    @property
    def labels(self) -> LabelCache | None:
        """Where the labels of earlier runs are."""
        if self.memo is None or self.memo_bytes == 0:
            return None
        return LabelCache(self.memo / "labels", self.memo_bytes // _LABELS_SHARE)
