"""Classes of whole images: several may hold at once, and each has a score of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reprise.predictions import Predictions
from reprise.scoring.matching import match_labels
from reprise.scoring.scores import Scores


def score_labels(
    ground_truth: dict[str, Any],
    predictions: Predictions | Sequence[dict[str, Any]],
    threshold: float | None = None,
) -> Scores:
    """Score image-level classes.

    ``mAP`` is the mean over classes of the average precision over images.

    Args:
        ground_truth: ``images``, ``categories`` and ``labels``, a list of
            ``{"image_id", "category_id"}``, as ``Dataset.label_truth``.
        predictions: ``{"image_id", "category_id", "score"}``, one for each pair, or the same in
            columns; those of other images and classes are left out.
        threshold: As :func:`reprise.scoring.score`.

    Returns:
        The scores. With no labels at all ``summary`` is empty: there is no number.
    """
    found = Predictions.of(predictions)
    return Scores("classify", ground_truth, found, match_labels(ground_truth, found), threshold)
