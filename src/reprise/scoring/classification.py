"""Classes of whole images: several may hold at once, and each has a score of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from reprise.scoring.scores import Scores


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
    rows_of: dict[int, list[dict[str, Any]]] = {key: [] for key in names}
    for row in rows:
        rows_of[row["category_id"]].append(row)
    per_class = {
        names[key]: {"AP": average_precision(rows_of[key], count)}
        for key, count in counts.items()
        if count
    }
    summary = {"mAP": float(np.mean([values["AP"] for values in per_class.values()]))}
    return Scores(
        "classify", ground_truth, predictions, summary, per_class, rows, counts, threshold
    )


def average_precision(rows: list[dict[str, Any]], positives: int) -> float:
    """Area under precision over recall as a step function, as scikit-learn defines it.

    Args:
        rows: Of one class, by falling ``score``; ``tp`` says whether the image has it.
        positives: Images that have the class.
    """
    if not rows or not positives:
        return 0.0
    values = np.array([row["score"] for row in rows])
    hits = np.cumsum([row["tp"] for row in rows], dtype=np.float64)
    # Equal scores cross the threshold together.
    last = np.flatnonzero(np.append(np.diff(values) != 0, True))
    precision = hits[last] / (last + 1.0)
    recall = hits[last] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def agreement(
    rows: list[dict[str, Any]],
    truth: set[tuple[int, int]],
    image_ids: list[int],
    category_ids: list[int],
    threshold: float,
) -> dict[str, float]:
    """``exact_match`` and ``accuracy`` when scores of at least ``threshold`` count as yes.

    Args:
        rows: Predictions of ``image_ids`` and ``category_ids``.
        truth: (image id, category id) of what is so.
        image_ids: All images, at least one.
        category_ids: All classes; one of them gives the accuracy of that class.
        threshold: In the scores' range.
    """
    said = {(row["image_id"], row["category_id"]) for row in rows if row["score"] >= threshold}
    wrong = said ^ truth
    pairs = len(image_ids) * len(category_ids)
    return {
        "exact_match": 1 - len({image_id for image_id, _ in wrong}) / len(image_ids),
        "accuracy": 1 - len(wrong) / pairs,
    }
