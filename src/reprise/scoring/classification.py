"""Classes of whole images: several may hold at once, and each has a score of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from reprise.scoring.matching import grouped
from reprise.scoring.scores import Scores, curve_of


def score_labels(
    ground_truth: dict[str, Any],
    predictions: list[dict[str, Any]],
    threshold: float | None = None,
) -> Scores:
    """Score image-level classes.

    ``mAP`` is the mean over classes of the average precision over images.

    Args:
        ground_truth: ``images``, ``categories`` and ``labels``, a list of
            ``{"image_id", "category_id"}``, as ``Dataset.label_truth``.
        predictions: ``{"image_id", "category_id", "score"}``, one for each pair; those of
            other images and classes are left out.
        threshold: As :func:`reprise.scoring.score`.

    Returns:
        The scores. With no labels at all ``summary`` is empty: there is no number.
    """
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    known = {image["id"] for image in ground_truth["images"]}
    truth = {(row["image_id"], row["category_id"]) for row in ground_truth["labels"]}
    found = Counter(category_id for _, category_id in truth)
    counts = {key: found[key] for key in names}
    if not any(counts.values()):
        return Scores("classify", ground_truth, predictions, {}, {}, [], counts, threshold)
    rows = sorted(
        (
            {
                "image_id": row["image_id"],
                "category_id": row["category_id"],
                "score": float(row["score"]),
                "tp": (row["image_id"], row["category_id"]) in truth,
            }
            for row in predictions
            if row["category_id"] in names and row["image_id"] in known
        ),
        key=lambda row: (-row["score"], row["image_id"], row["category_id"]),
    )
    rows_of = grouped(rows, "category_id")
    per_class = {
        names[key]: {"AP": curve_of(rows_of.get(key, []), count).average_precision}
        for key, count in counts.items()
        if count
    }
    summary = {"mAP": float(np.mean([values["AP"] for values in per_class.values()]))}
    return Scores(
        "classify", ground_truth, predictions, summary, per_class, rows, counts, threshold
    )
