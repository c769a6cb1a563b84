"""The scores of a split, and the curve of precision and recall over the score threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Scores of one split.

    Attributes:
        metrics: Of boxes and masks ``mAP`` (IoU .50:.95), ``mAP50``, ``mAP75``,
            ``mAP_small``, ``mAP_medium``, ``mAP_large``, ``mAR100``; in [0, 1]. A size range
            that no object falls in is left out. Of masks also ``mean_iou``; of labels
            ``mAP``, ``exact_match`` and ``accuracy``.
        per_class: Class name -> ``{"AP", "AP50", "AP75"}`` (of masks also ``mean_iou``, of
            labels ``AP`` alone); a class without ground truth is left out, as it is from the
            means.
        matches: Every detection that counts, by falling score: ``score``,
            ``category_id``, ``image_id``, ``bbox``, of masks also ``segmentation``, ``tp``
            (matched an object of its class at IoU 0.5), ``gt_id`` (annotation matched, or
            None) and ``iou``. Detections which COCO ignores are left out: those on a crowd
            region, and those beyond the hundredth of a class in an image.
            A label's row is its class's score for an image, ``bbox`` and ``iou`` left out.
        truth_counts: Category id -> number of objects (crowd regions not counted), or of
            images that carry the label.
    """

    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]]
    matches: list[dict[str, Any]]
    truth_counts: dict[int, int]


@dataclass(frozen=True)
class Curve:
    """Precision, recall and F1 as the score threshold falls; arrays of equal length."""

    threshold: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray

    def at(self, threshold: float) -> dict[str, float]:
        """Precision, recall and F1 when detections scoring at least ``threshold`` are kept."""
        kept = int((self.threshold >= threshold).sum())
        if kept == 0:
            return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
        values = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: float(array[kept - 1]) for name, array in values.items()}


def curve(scores: Scores, category_id: int | None = None) -> Curve:
    """The precision-recall-F1 curve of one class, or of all detections together.

    Matches are those of COCO at IoU 0.5. Detections of one score enter together, so that
    the curve does not depend on the order of ties.
    """
    rows = [r for r in scores.matches if category_id in (None, r["category_id"])]
    truths = sum(count for key, count in scores.truth_counts.items() if category_id in (None, key))
    values = np.array([row["score"] for row in rows], dtype=np.float64)
    hits = np.cumsum([row["tp"] for row in rows], dtype=np.float64)
    last = np.flatnonzero(np.append(np.diff(values) != 0, True)[: len(rows)])
    shown = np.arange(1, len(rows) + 1, dtype=np.float64)[last]
    found = hits[last]
    precision = found / np.maximum(shown, 1)
    recall = found / max(truths, 1)
    f1 = 2 * found / np.maximum(shown + truths, 1)
    return Curve(values[last], precision, recall, f1)


def best_threshold(scores: Scores) -> float:
    """The score threshold with the highest F1 over all classes; 0.5 when nothing was found.

    Of equal F1 the highest threshold is taken: it shows a person fewer false boxes.
    """
    found = curve(scores)
    if not len(found.f1) or found.f1.max() == 0:
        return 0.5
    return float(found.threshold[int(np.argmax(found.f1))])
