"""Metrics and tables of predicted objects: boxes, or masks where the model segments."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reprise.evaluation.breakdown import breakdown_rows
from reprise.evaluation.confusion import confusion_rows
from reprise.evaluation.curves import class_curves, f1_rows, precision_recall_rows
from reprise.evaluation.error_analysis import count_rows, find_errors, worst_rows
from reprise.evaluation.scored_split import ScoredSplit, rounded
from reprise.scoring.detections import score_detections
from reprise.scoring.matching import box_overlaps, mask_overlaps
from reprise.scoring.scores import Curve, Scores, curve

METRICS = ("mAP", "mAP50", "mAP75", "mean_iou")

COLUMNS: dict[str, tuple[str, ...]] = {
    "per_class": (
        *("split", "class", "boxes", "detections", "AP", "AP50", "AP75"),
        *("precision", "recall", "f1"),
    ),
    "pr_curve": ("split", "class", "recall", "precision", "threshold"),
    "f1_curve": ("split", "class", "threshold", "precision", "recall", "f1"),
    "confusion": ("split", "actual", "predicted", "count"),
    "error_counts": ("split", "kind", "class", "count"),
    "errors": (
        *("split", "kind", "image_id", "image", "class", "actual", "score", "iou"),
        *("x", "y", "w", "h"),
    ),
    "breakdown": (
        *("split", "by", "value", "images", "boxes", "mAP", "precision", "recall", "f1"),
    ),
}
MASK_COLUMNS = COLUMNS | {"per_class": (*COLUMNS["per_class"], "mean_iou")}


def metrics(scored: ScoredSplit, threshold: float) -> dict[str, float | int]:
    """The headline numbers of one split; those that need ground truth only where there is.

    Of masks every number but ``box_mAP`` and ``box_mAP50`` is by mask.
    """
    counts: dict[str, float | int] = {
        "images": len(scored.truth["images"]),
        "boxes": sum(scored.scores.truth_counts.values()),
    }
    if not scored.scores.metrics:
        return counts
    found = scored.scores.metrics
    values = {name: found[name] for name in METRICS if name in found}
    if scored.task == "segment":
        boxes = score_detections(scored.truth, scored.predictions, "bbox").metrics
        values |= {"box_mAP": boxes["mAP"], "box_mAP50": boxes["mAP50"]}
    values |= curve(scored.scores).at(threshold)
    values["score_threshold"] = threshold
    return rounded(values) | counts


def tables(scored: ScoredSplit, threshold: float, examples: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table, without the split's name.

    Args:
        scored: The split.
        threshold: Detections scoring at least this are kept.
        examples: Rows of each kind of mistake.
    """
    names = scored.names
    overlaps = mask_overlaps if scored.task == "segment" else box_overlaps
    curves = class_curves(scored.scores, names)
    mistakes = find_errors(scored.truth, scored.scores, threshold, overlaps)
    return {
        "per_class": _class_rows(scored.scores, names, curves, threshold),
        "pr_curve": precision_recall_rows(curves),
        "f1_curve": f1_rows(curves),
        "confusion": confusion_rows(scored.truth, scored.scores, threshold, overlaps),
        "error_counts": count_rows(mistakes, names),
        "errors": worst_rows(mistakes, scored.truth, examples),
        "breakdown": breakdown_rows(scored, threshold),
    }


def _class_rows(
    scores: Scores, names: dict[int, str], curves: dict[str, Curve], threshold: float
) -> list[dict[str, Any]]:
    shown = Counter(row["category_id"] for row in scores.matches if row["score"] >= threshold)
    rows = []
    for category_id, name in names.items():
        boxes = scores.truth_counts[category_id]
        row: dict[str, Any] = {"class": name, "boxes": boxes, "detections": shown[category_id]}
        if boxes:
            row |= scores.per_class[name] | curves[name].at(threshold)
        rows.append(row)
    return rows
