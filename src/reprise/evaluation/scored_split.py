"""One split with its scores: what every table is made of."""

from __future__ import annotations

from dataclasses import dataclass

from reprise.scoring.scores import Scores

DIGITS = 5


@dataclass(frozen=True)
class ScoredSplit:
    """One split, scored.

    Attributes:
        split: Its name.
        scores: What the scorer found.
        files: Image id -> ``source/name``, of the whole dataset.
        sources: Image id -> its data source.
    """

    split: str
    scores: Scores
    files: dict[int, str]
    sources: dict[int, str]
