"""Which pictures a person should label next: those that the model is least sure of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Of the threshold; what scores less is hardly ever an object, and there is much of it.
LEAST_SHARE = 0.5


def uncertainty(scores: Sequence[float], threshold: float) -> float:
    """How unsure a model is of one picture: the mean entropy of its decisions.

    A score is brought to a probability that is one half at the threshold, where the decision
    tips over, and 0 and 1 where scores end; the entropy of that choice is 1 there. Only scores of
    at least half the threshold are decisions worth a look.

    Args:
        scores: Of the picture's predictions, in [0, 1].
        threshold: Of the model, in [0, 1].

    Returns:
        In [0, 1]; 0 for a picture without such predictions.
    """
    tipping = min(max(threshold, 1e-6), 1 - 1e-6)
    values = np.array([score for score in scores if score >= LEAST_SHARE * threshold])
    if not len(values):
        return 0.0
    likely = np.where(values < tipping, values / tipping / 2, 1 - (1 - values) / (1 - tipping) / 2)
    likely = likely.clip(1e-12, 1 - 1e-12)
    entropies = -(likely * np.log2(likely) + (1 - likely) * np.log2(1 - likely))
    return float(entropies.mean())


def most_uncertain(
    rows: Sequence[Sequence[dict[str, Any]]], threshold: float, count: int
) -> list[tuple[int, float]]:
    """The pictures to label next.

    Args:
        rows: Of each picture its predictions, down to LEAST_SHARE of the threshold.
        threshold: Of the model.
        count: How many.

    Returns:
        Their places and how unsure the model is of them, most unsure first.
    """
    values = [uncertainty([row["score"] for row in found], threshold) for found in rows]
    order = sorted(range(len(values)), key=lambda index: (-values[index], index))
    return [(index, values[index]) for index in order[:count]]
