"""Whether scores mean what they say: of predictions that score 0.8, are 80% right?"""

from __future__ import annotations

from typing import Any

import numpy as np

from reprise.scoring.scores import Scores

BINS = 10
COLUMNS = ("split", "low", "high", "predictions", "mean_score", "right")


def calibration_rows(scores: Scores) -> list[dict[str, Any]]:
    """Rows of ``COLUMNS`` without the split: ten ranges of scores, those that occur.

    ``right`` is the share of the range's predictions that found an object at IoU 0.5, or of
    labels that are so. A score of 1 is in the last range, every other bound in the one above.
    """
    judged = scores.matched.judged
    score, right = scores.matched.score[judged], scores.matched.tp[judged]
    bins = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    rows = []
    for place in np.unique(bins).tolist():
        inside = bins == place
        rows.append(
            {
                "low": place / BINS,
                "high": (place + 1) / BINS,
                "predictions": int(inside.sum()),
                "mean_score": float(score[inside].mean()),
                "right": float(right[inside].mean()),
            }
        )
    return rows


def expected_calibration_error(scores: Scores) -> float | None:
    """The mean distance of score and share of right ones over the ranges, weighted by their
    predictions (Naeini et al., 2015); None without predictions."""
    rows = calibration_rows(scores)
    total = sum(row["predictions"] for row in rows)
    if not total:
        return None
    apart = sum(row["predictions"] * abs(row["mean_score"] - row["right"]) for row in rows)
    return float(apart / total)
