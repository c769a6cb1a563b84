"""The scores of a split, and the curve of precision and recall over the score threshold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.scoring.matching import COCO_MAX_DETECTIONS, Floats, best_mask_ious, grouped

if TYPE_CHECKING:
    from reprise.scoring.tasks import Task


Labels = set[tuple[int, int]]  # image id, category id


@dataclass(frozen=True)
class Curve:
    """Precision, recall and F1 as the score threshold falls; arrays of equal length."""

    threshold: Floats
    precision: Floats
    recall: Floats
    f1: Floats

    def at(self, threshold: float) -> dict[str, float]:
        """Precision, recall and F1 when predictions scoring at least ``threshold`` are kept."""
        kept = int((self.threshold >= threshold).sum())
        if kept == 0:
            return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
        values = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: float(array[kept - 1]) for name, array in values.items()}

    @property
    def average_precision(self) -> float:
        """Area under precision over recall as a step function, as scikit-learn defines it."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    def best_threshold(self) -> float:
        """The score threshold with the highest F1; 0.5 when nothing was found.

        Of equal F1 the highest threshold is taken: it shows a person fewer false boxes.
        """
        if not len(self.f1) or self.f1.max() == 0:
            return 0.5
        return float(self.threshold[int(np.argmax(self.f1))])


def curve_of(matches: list[dict[str, Any]], positives: int) -> Curve:
    """The precision-recall-F1 curve of some matches.

    Predictions of one score enter together, so that the curve does not depend on the order of
    ties.

    Args:
        matches: Rows with ``score`` and ``tp``, by falling score.
        positives: Number of objects, or of images with the label, that there are to find.
    """
    values = np.array([row["score"] for row in matches], dtype=np.float64)
    hits = np.cumsum([row["tp"] for row in matches], dtype=np.float64)
    last = np.flatnonzero(np.append(np.diff(values) != 0, True)[: len(matches)])
    shown = np.arange(1, len(matches) + 1, dtype=np.float64)[last]
    found = hits[last]
    precision = found / np.maximum(shown, 1)
    recall = found / max(positives, 1)
    f1 = 2 * found / np.maximum(shown + positives, 1)
    return Curve(values[last], precision, recall, f1)


@dataclass(frozen=True)
class Scores:
    """Predictions of one split matched with its ground truth: every metric is computed from it.

    Attributes:
        task: What was predicted.
        truth: Ground truth, as :func:`reprise.scoring.truth_of` gives it.
        predictions: Rows of the prediction contract.
        summary: Average precision as the task's benchmark defines it; empty without ground
            truth. Of boxes and masks ``mAP`` (IoU .50:.95), ``mAP50``, ``mAP75``,
            ``mAP_small``, ``mAP_medium``, ``mAP_large``, ``mAR100``; in [0, 1]. A size range
            that no object falls in is left out. Of labels ``mAP`` alone.
        per_class: Class name -> ``{"AP", "AP50", "AP75"}`` (of labels ``AP`` alone); a class
            without ground truth is left out, as it is from the means.
        matches: Every prediction that counts, by falling score: ``score``,
            ``category_id``, ``image_id``, ``bbox``, of masks also ``segmentation``, ``tp``
            (matched an object of its class at IoU 0.5), ``gt_id`` (annotation matched, or
            None) and ``iou``. Detections which COCO ignores are left out: those on a crowd
            region, and those beyond the most that are looked at of a class in an image.
            A label's row is its class's score for an image, ``bbox`` and ``iou`` left out.
        truth_counts: Category id -> number of objects (crowd regions not counted), or of
            images that carry the label.
        chosen_threshold: See :attr:`threshold`; None for the one with the best F1.
        max_detections: Most detections of one class in one image that were looked at.
    """

    task: Task
    truth: dict[str, Any]
    predictions: list[dict[str, Any]]
    summary: dict[str, float]
    per_class: dict[str, dict[str, float]]
    matches: list[dict[str, Any]]
    truth_counts: dict[int, int]
    chosen_threshold: float | None = None
    max_detections: int = COCO_MAX_DETECTIONS

    @property
    def class_names(self) -> dict[int, str]:
        """Category id -> class name."""
        return {item["id"]: item["name"] for item in self.truth["categories"]}

    @cached_property
    def curve(self) -> Curve:
        """The curve of all classes together."""
        return curve_of(self.matches, sum(self.truth_counts.values()))

    @cached_property
    def class_curves(self) -> dict[str, Curve]:
        """Class name -> its curve, for each class that has ground truth."""
        by_class = grouped(self.matches, "category_id")
        return {
            name: curve_of(by_class.get(key, []), self.truth_counts[key])
            for key, name in self.class_names.items()
            if self.truth_counts[key]
        }

    @cached_property
    def threshold(self) -> float:
        """Predictions scoring at least this are kept, for the metrics that need a choice."""
        if self.chosen_threshold is not None:
            return self.chosen_threshold
        return self.curve.best_threshold()

    @cached_property
    def mask_ious(self) -> dict[str, Floats]:
        """Class name -> for each object, its IoU with the best mask of its class, or 0."""
        ious = best_mask_ious(self.truth, self.predictions)
        return {self.class_names[category_id]: values for category_id, values in ious.items()}

    @property
    def above_threshold(self) -> list[dict[str, Any]]:
        """The matches scoring at least the threshold."""
        return [row for row in self.matches if row["score"] >= self.threshold]

    @cached_property
    def true_labels(self) -> Labels:
        """Of whole images: what is so."""
        return {(row["image_id"], row["category_id"]) for row in self.truth["labels"]}

    @cached_property
    def predicted_labels(self) -> Labels:
        """Of whole images: what scores at least the threshold."""
        return {(row["image_id"], row["category_id"]) for row in self.above_threshold}

    @property
    def at_threshold(self) -> dict[str, float]:
        """Precision, recall and F1 of all predictions together (micro)."""
        return self.curve.at(self.threshold)

    @property
    def macro(self) -> dict[str, float]:
        """Mean precision, recall and F1 over the classes with ground truth."""
        values = [curve.at(self.threshold) for curve in self.class_curves.values()]
        return {name: sum(v[name] for v in values) / len(values) for name in values[0]}

    @property
    def agreement(self) -> dict[str, float]:
        """Of labels: the share of images, and of pairs of image and class, that are right."""
        wrong = self.true_labels ^ self.predicted_labels
        images = len(self.truth["images"])
        return {
            "exact_match": 1 - len({image_id for image_id, _ in wrong}) / images,
            "accuracy": 1 - len(wrong) / (images * len(self.truth_counts)),
        }
