"""Tables of predicted objects: boxes, or masks where the model segments."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from reprise.evaluation.breakdown import by_size
from reprise.evaluation.confusion import object_confusion
from reprise.evaluation.error_analysis import (
    classify_errors,
    count_rows,
    error_rows,
    worst_rows,
)
from reprise.evaluation.error_costs import cost_rows
from reprise.scoring.overlaps import OVERLAPS
from reprise.scoring.scores import Scores

SHARES = ("precision", "recall", "f1")
COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": (
        *(
            "split",
            "class",
            "boxes",
            "detections",
            "AP",
            "AP_low",
            "AP_high",
            "AP50",
            "AP75",
            *SHARES,
        ),
        *("AP_small", "AP_medium", "AP_large"),
    ),
    "errors": (
        *("split", "kind", "image_id", "image", "class", "actual", "score", "iou"),
        *("x", "y", "w", "h"),
    ),
    "error_costs": ("split", "by", "value", "kind", "count", "cost"),
    "breakdown": ("split", "by", "value", "images", "boxes", "mAP", *SHARES),
}
MASK_COLUMNS = COLUMNS | {"per_class": (*COLUMNS["per_class"], "mean_iou")}


def tables(scores: Scores, examples: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of the tables, without the split's name and without the breakdown by source.

    Args:
        scores: Of the split.
        examples: Rows of each kind of error.
    """
    overlaps = OVERLAPS[scores.task]
    shown = classify_errors(scores, overlaps, scores.threshold)
    errors = error_rows(shown, scores.matches)
    return {
        "per_class": _class_rows(scores),
        "confusion": object_confusion(scores, overlaps),
        "error_counts": count_rows(errors, scores.class_names),
        "errors": worst_rows(errors, scores.truth, examples),
        "error_costs": cost_rows(scores, classify_errors(scores, overlaps), shown),
        "breakdown": by_size(scores),
    }


def _class_rows(scores: Scores) -> list[dict[str, Any]]:
    shown = Counter(row["category_id"] for row in scores.above_threshold)
    rows = []
    for category_id, name in scores.class_names.items():
        boxes = scores.truth_counts[category_id]
        row: dict[str, Any] = {"class": name, "boxes": boxes, "detections": shown[category_id]}
        if boxes:
            row |= scores.per_class[name] | scores.class_curves[name].at(scores.threshold)
            if scores.task == "segment":
                row["mean_iou"] = float(np.mean(scores.mask_ious[name]))
        rows.append(row)
    return rows
