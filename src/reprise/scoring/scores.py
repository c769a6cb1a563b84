"""The scores of a split, and the curve of precision and recall over the score threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reprise.predictions import Floats, Ints, Predictions
from reprise.scoring.matching import AREAS, Bools, Matched, match
from reprise.scoring.overlaps import COCO_MAX_DETECTIONS
from reprise.scoring.weighted import Weighted

if TYPE_CHECKING:
    from reprise.scoring.tasks import Task


Labels = set[tuple[int, int]]  # image id, category id

# COCO's twelve numbers of boxes and masks; of labels the first.
SUMMARY: dict[str, Callable[[Weighted], Floats]] = {
    "mAP": lambda w: w.mean_average_precision(),
    "mAP50": lambda w: w.mean_average_precision(overlap=0),
    "mAP75": lambda w: w.mean_average_precision(overlap=5),
    "mAP_small": lambda w: w.mean_average_precision("small"),
    "mAP_medium": lambda w: w.mean_average_precision("medium"),
    "mAP_large": lambda w: w.mean_average_precision("large"),
    "mAR1": lambda w: w.mean_recall(1),
    "mAR10": lambda w: w.mean_recall(10),
    "mAR100": lambda w: w.mean_recall(100),
    "mAR_small": lambda w: w.mean_recall(100, "small"),
    "mAR_medium": lambda w: w.mean_recall(100, "medium"),
    "mAR_large": lambda w: w.mean_recall(100, "large"),
}


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

    def threshold_reaching(self, share: Literal["precision", "recall"], least: float) -> float:
        """The lowest threshold with at least this precision, or the highest with this recall.

        Raises:
            ValueError: None has; it holds the most that one has.
        """
        values: Floats = getattr(self, share)
        enough = np.flatnonzero(values >= least)
        if not len(enough):
            raise ValueError(float(values.max(initial=0.0)))
        return float(self.threshold[enough[-1 if share == "precision" else 0]])

    def best_threshold(self) -> float:
        """The score threshold with the highest F1; 0.5 when nothing was found.

        Of equal F1 the highest threshold is taken: it shows a person fewer false boxes.
        """
        if not len(self.f1) or self.f1.max() == 0:
            return 0.5
        return float(self.threshold[int(np.argmax(self.f1))])


def curve_of(score: Floats, right: Bools, positives: int) -> Curve:
    """The precision-recall-F1 curve of some predictions.

    Predictions of one score enter together, so that the curve does not depend on the order of
    ties.

    Args:
        score: Of each prediction.
        right: Whether it is.
        positives: Number of objects, or of images with the label, that there are to find.
    """
    order = np.argsort(-score, kind="stable")
    values, hits = score[order], np.cumsum(right[order], dtype=np.float64)
    last = np.flatnonzero(np.append(np.diff(values) != 0, True)[: len(values)])
    shown = np.arange(1, len(values) + 1, dtype=np.float64)[last]
    found = hits[last]
    precision = found / np.maximum(shown, 1)
    recall = found / max(positives, 1)
    f1 = 2 * found / np.maximum(shown + positives, 1)
    return Curve(values[last], precision, recall, f1)


@dataclass(frozen=True, eq=False)
class Scores:
    """Predictions of one split matched with its ground truth: every metric is computed from it.

    Attributes:
        task: What was predicted.
        truth: Ground truth, as :func:`reprise.scoring.truth_of` gives it.
        predictions: Of the split, in columns.
        matched: The match of both; every number is counted from it.
        chosen_threshold: See :attr:`threshold`; None for the one with the best F1.
        max_detections: Most detections of one class in one image that were looked at.
    """

    task: Task
    truth: dict[str, Any]
    predictions: Predictions
    matched: Matched
    chosen_threshold: float | None = None
    max_detections: int = COCO_MAX_DETECTIONS

    @property
    def class_names(self) -> dict[int, str]:
        """Category id -> class name."""
        return {item["id"]: item["name"] for item in self.truth["categories"]}

    @cached_property
    def truth_counts(self) -> dict[int, int]:
        """Category id -> number of objects (crowd regions not counted), or of images that
        carry the label."""
        counts = self.matched.objects_by_image(0).sum(axis=0).tolist()
        return dict(zip(self.matched.category_ids.tolist(), counts, strict=True))

    @cached_property
    def weighted(self) -> Weighted:
        """The numbers of the split as it is."""
        return Weighted.once(self)

    @cached_property
    def summary(self) -> dict[str, float]:
        """Average precision as the task's benchmark defines it; empty without ground truth.

        Of boxes and masks COCO's twelve numbers: ``mAP`` (IoU .50:.95), ``mAP50``, ``mAP75``,
        ``mAP_small``, ``mAP_medium``, ``mAP_large``, ``mAR1``, ``mAR10``, ``mAR100``,
        ``mAR_small``, ``mAR_medium``, ``mAR_large``; in [0, 1]. A size range that no object
        falls in is left out. Of labels ``mAP`` alone.
        """
        names = ("mAP",) if self.task == "classify" else SUMMARY
        values = {name: float(SUMMARY[name](self.weighted)[0]) for name in names}
        return {name: value for name, value in values.items() if not math.isnan(value)}

    @cached_property
    def per_class(self) -> dict[str, dict[str, float]]:
        """Class name -> ``{"AP", "AP50", "AP75"}`` (of labels ``AP`` alone), of boxes and masks
        also ``AP_small``, ``AP_medium`` and ``AP_large`` where it has objects of that size.

        A class without ground truth is left out, as it is from the means.
        """
        columns = {"AP": self.weighted.average_precision()[0].mean(axis=1)}
        if self.task != "classify":
            columns |= {
                "AP50": self.weighted.average_precision()[0, :, 0],
                "AP75": self.weighted.average_precision()[0, :, 5],
            }
            for size in list(AREAS)[1:]:
                columns[f"AP_{size}"] = self.weighted.average_precision(size)[0].mean(axis=1)
        return {
            name: {
                key: float(values[place])
                for key, values in columns.items()
                if not math.isnan(values[place])
            }
            for place, (key_, name) in enumerate(self.class_names.items())
            if self.truth_counts[key_]
        }

    @cached_property
    def matches(self) -> list[dict[str, Any]]:
        """Every prediction that counts, by falling score, as a row.

        ``score``, ``category_id``, ``image_id``, ``bbox``, of masks also ``segmentation``,
        ``tp`` (it found an object of its class at IoU 0.5), ``gt_id`` (annotation found, or
        None) and ``iou``. Detections which COCO ignores are left out: those on a crowd region,
        and those beyond the most that are looked at of a class in an image. A label's row is
        its class's score for an image, ``bbox`` and ``iou`` left out.
        """
        return self._rows(self.matched.judged)

    @property
    def above_threshold(self) -> list[dict[str, Any]]:
        """The matches scoring at least the threshold."""
        return self._rows(self._shown)

    def _rows(self, chosen: Bools) -> list[dict[str, Any]]:
        found, places = self.matched, np.flatnonzero(chosen)
        rows = self.predictions.rows(found.row[places])
        for row, right in zip(rows, found.tp[places].tolist(), strict=True):
            row["tp"] = right
        if self.task != "classify":
            things = self.truth["annotations"]
            columns = (found.found[places].tolist(), found.iou[places].tolist())
            for row, thing, iou in zip(rows, *columns, strict=True):
                row |= {"gt_id": None if thing < 0 else things[thing]["id"], "iou": iou}
        rows.sort(key=lambda r: (-r["score"], r["image_id"], r["category_id"], r.get("bbox", [])))
        return rows

    @property
    def _shown(self) -> Bools:
        return self.matched.judged & (self.matched.score >= self.threshold)

    @cached_property
    def counts_by_image(self) -> dict[str, Ints]:
        """``right`` and ``shown`` predictions at the threshold, shape (images, classes)."""
        return {
            "right": self.matched.by_image(self._shown & self.matched.tp),
            "shown": self.matched.by_image(self._shown),
        }

    @cached_property
    def wrong_by_image(self) -> Bools:
        """Of labels: where image and prediction differ, shape (images, classes)."""
        said = self.counts_by_image["shown"] > 0
        wrong: Bools = said != (self.matched.objects_by_image(0) > 0)
        return wrong

    @cached_property
    def curve(self) -> Curve:
        """The curve of all classes together."""
        judged = self.matched.judged
        positives = sum(self.truth_counts.values())
        return curve_of(self.matched.score[judged], self.matched.tp[judged], positives)

    @cached_property
    def class_curves(self) -> dict[str, Curve]:
        """Class name -> its curve, for each class that has ground truth."""
        names = list(self.class_names.items())
        curves = {}
        for place, rows in self.matched.by_class():
            category_id, name = names[place]
            judged = self.matched.judged[rows]
            score, right = self.matched.score[rows][judged], self.matched.tp[rows][judged]
            if self.truth_counts[category_id]:
                curves[name] = curve_of(score, right, self.truth_counts[category_id])
        return curves

    @cached_property
    def threshold(self) -> float:
        """Predictions scoring at least this are kept, for the metrics that need a choice."""
        if self.chosen_threshold is not None:
            return self.chosen_threshold
        return self.curve.best_threshold()

    @cached_property
    def boxes(self) -> Scores:
        """The same predictions, of masks, scored by their boxes."""
        matched = match(self.truth, self.predictions, self.max_detections)
        boxes = replace(self.predictions, masks=None)
        return replace(self, task="detect", predictions=boxes, matched=matched)

    @property
    def mask_ious(self) -> dict[str, Floats]:
        """Class name -> for each object, its IoU with the best mask of its class, or 0.

        With ground-truth boxes as prompts, where each object has one prediction, their mean is
        the mean IoU that promptable segmentation is reported by (Kirillov et al., Segment
        Anything, 2023).
        """
        found, counted = self.matched, self.matched.counted[:, 0]
        return {
            name: found.best_iou[counted & (found.object_category == place)]
            for place, (key, name) in enumerate(self.class_names.items())
            if self.truth_counts[key]
        }

    @cached_property
    def true_labels(self) -> Labels:
        """Of whole images: what is so."""
        return {(row["image_id"], row["category_id"]) for row in self.truth["labels"]}

    @cached_property
    def predicted_labels(self) -> Labels:
        """Of whole images: what scores at least the threshold."""
        return {(row["image_id"], row["category_id"]) for row in self.above_threshold}
