"""One split with its scores: what every metric and table is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reprise.scoring import Task
from reprise.scoring.scores import Scores

DIGITS = 5


@dataclass(frozen=True)
class ScoredSplit:
    """One split, scored.

    Attributes:
        split: Its name.
        task: What the model predicts.
        truth: Ground truth, as :func:`reprise.scoring.truth_of` gives it.
        predictions: The prediction contract's rows.
        scores: What the scorer found.
        files: Image id -> ``source/name``, of the whole dataset.
        sources: Image id -> its data source.
    """

    split: str
    task: Task
    truth: dict[str, Any]
    predictions: list[dict[str, Any]]
    scores: Scores
    files: dict[int, str]
    sources: dict[int, str]

    @property
    def names(self) -> dict[int, str]:
        """Category id -> class name."""
        return {item["id"]: item["name"] for item in self.truth["categories"]}


def rounded(values: dict[str, float]) -> dict[str, float]:
    """Metrics with as many digits as the tables have."""
    return {name: round(value, DIGITS) for name, value in values.items()}
