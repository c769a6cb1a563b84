"""Boxes and masks against COCO ground truth, with pycocotools' numbers (the tests hold it to
them)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from reprise.predictions import Predictions
from reprise.scoring.matching import match
from reprise.scoring.overlaps import detection_limit, with_masks
from reprise.scoring.scores import Scores


def score_detections(
    ground_truth: dict[str, Any],
    predictions: Predictions | Sequence[dict[str, Any]],
    task: Literal["detect", "segment"] = "detect",
    threshold: float | None = None,
    max_detections: int | None = None,
) -> Scores:
    """Score detections against COCO ground truth.

    Args:
        ground_truth: A COCO dictionary, annotation ids from 1, as ``Dataset.ground_truth``.
        predictions: COCO results in the same pixels, as rows or in columns; for masks each has
            ``segmentation`` as RLE beside its ``bbox``.
        task: Boxes are compared to detect, masks to segment.
        threshold: As :func:`reprise.scoring.score`.
        max_detections: Likewise.

    Returns:
        The scores. With no ground truth at all ``summary`` is empty: there is no number.
    """
    found = Predictions.of(predictions)
    if task == "segment":
        ground_truth = with_masks(ground_truth)
    limit = max_detections or detection_limit(ground_truth)
    matched = match(ground_truth, found, limit, masks=task == "segment")
    return Scores(task, ground_truth, found, matched, threshold, limit)
