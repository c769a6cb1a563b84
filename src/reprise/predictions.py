"""The prediction contract: what every model family writes, and the one scorer that reads it.

A prediction file is COCO results JSON: a list of
``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``, boxes in pixels of the
upright original, scores in [0, 1], sorted by image, then by falling score.

The scorer is faster-coco-eval, which gives pycocotools' numbers to the last digit in a
seventh of the time (the tests hold it to that).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reprise.dataset import write_json
from reprise.errors import RepriseError

MATCH_IOU = 0.5
MAX_DETECTIONS = 100  # of one class in one image; COCO looks at no more


def prediction(image_id: int, category_id: int, xywh: Iterable[float], score: float) -> dict:
    """One detection, rounded so that files are small and equal on equal machines.

    Args:
        image_id: Of the images table.
        category_id: Of the categories, from 1.
        xywh: Left, top, width, height in pixels of the upright original.
        score: Confidence in [0, 1].
    """
    return {
        "image_id": int(image_id),
        "category_id": int(category_id),
        "bbox": [round(float(value), 2) for value in xywh],
        "score": round(float(score), 5),
    }


def ordered(predictions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted by image, falling score, class and place: one order for one set of detections."""
    return sorted(
        predictions,
        key=lambda p: (p["image_id"], -p["score"], p["category_id"], p["bbox"]),
    )


def write_predictions(path: Path, predictions: Iterable[dict[str, Any]]) -> None:
    """Write a prediction file in its one order."""
    write_json(path, ordered(predictions), indent=None)


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """Read and check a prediction file.

    Raises:
        RepriseError: The file is missing, is not a list of detections, or holds a value
            that is not a number.
    """
    fix = "write it again: dvc repro predict"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", fix) from None
    except ValueError as error:
        raise RepriseError(f"{path} is not JSON: {error}", fix) from None
    if not isinstance(entries, list):
        raise RepriseError(f"{path} is not a list of detections.", fix)
    for index, entry in enumerate(entries):
        if not _is_detection(entry):
            raise RepriseError(f"{path}: entry {index} is not a detection: {entry!r}", fix)
    return entries


def _is_detection(entry: Any) -> bool:
    if not isinstance(entry, dict) or not {"image_id", "category_id", "bbox", "score"} <= set(
        entry
    ):
        return False
    box = entry["bbox"]
    numbers = [entry["score"], *box] if isinstance(box, list) and len(box) == 4 else [None]
    return all(isinstance(value, int | float) and math.isfinite(value) for value in numbers)


@dataclass(frozen=True)
class Scores:
    """COCO detection scores of one split.

    Attributes:
        metrics: ``mAP`` (IoU .50:.95), ``mAP50``, ``mAP75``, ``mAP_small``, ``mAP_medium``,
            ``mAP_large``, ``mAR100``; in [0, 1]. A size range that no object falls in is
            left out.
        per_class: Class name -> ``{"AP", "AP50", "AP75"}``; a class without ground truth
            is left out, as it is from the means.
        matches: Every detection that counts, by falling score: ``score``,
            ``category_id``, ``image_id``, ``bbox``, ``tp`` (matched an object of its class
            at IoU 0.5), ``gt_id`` (annotation matched, or None) and ``iou``. Detections
            which COCO ignores are left out: those on a crowd region, and those beyond the
            hundredth of a class in an image.
        truth_counts: Category id -> number of objects (crowd regions not counted).
    """

    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]]
    matches: list[dict[str, Any]]
    truth_counts: dict[int, int]


def score_detections(ground_truth: dict[str, Any], predictions: list[dict[str, Any]]) -> Scores:
    """Score detections against COCO ground truth.

    Args:
        ground_truth: A COCO dictionary, annotation ids from 1, as ``Dataset.ground_truth``.
        predictions: COCO results in the same pixels.

    Returns:
        The scores. With no ground truth at all ``metrics`` is empty: there is no number.
    """
    counts = {
        category["id"]: sum(
            1
            for item in ground_truth["annotations"]
            if item["category_id"] == category["id"] and not item["iscrowd"]
        )
        for category in ground_truth["categories"]
    }
    if not any(counts.values()):
        return Scores({}, {}, [], counts)
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
    evaluator = _evaluate(ground_truth, predictions)
    precision = evaluator.eval["precision"]  # IoU x recall x class x area x detections
    per_class = {
        names[category_id]: {
            "AP": _mean(precision[:, :, index, 0, -1]),
            "AP50": _mean(precision[0, :, index, 0, -1]),
            "AP75": _mean(precision[5, :, index, 0, -1]),
        }
        for index, category_id in enumerate(evaluator.params.catIds)
        if counts[category_id]
    }
    found = evaluator.stats_as_dict
    wanted = {
        "mAP": "AP_all",
        "mAP50": "AP_50",
        "mAP75": "AP_75",
        "mAP_small": "AP_small",
        "mAP_medium": "AP_medium",
        "mAP_large": "AP_large",
        "mAR100": "AR_third",
    }
    metrics = {name: float(found[key]) for name, key in wanted.items() if found[key] >= 0}
    return Scores(metrics, per_class, _matches(ground_truth, predictions), counts)


def _evaluate(ground_truth: dict[str, Any], predictions: list[dict[str, Any]]) -> Any:
    from faster_coco_eval import COCO, COCOeval_faster

    # Copied one level deep: the library writes into each annotation, and its own deep copy
    # takes longer than the scoring.
    truth = COCO(ground_truth | {"annotations": [dict(a) for a in ground_truth["annotations"]]})
    detections = truth.loadRes([dict(entry) for entry in predictions])
    evaluator = COCOeval_faster(truth, detections, iouType="bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def _mean(precision: np.ndarray) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def box_ious(detections: ArrayLike, truths: ArrayLike, crowd: ArrayLike) -> np.ndarray:
    """Overlap of every detection with every object, as COCO defines it.

    Args:
        detections: Float, shape (N, 4), xywh in pixels.
        truths: Float, shape (M, 4), xywh in the same pixels.
        crowd: Bool, shape (M,). A detection's overlap with a crowd region is the share of
            the detection that lies in the region.

    Returns:
        Float64 in [0, 1], shape (N, M).
    """
    d = np.asarray(detections, dtype=np.float64).reshape(-1, 1, 4)
    t = np.asarray(truths, dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(d[..., :2] + d[..., 2:], t[..., :2] + t[..., 2:]) - np.maximum(
        d[..., :2], t[..., :2]
    )
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    detection_area, truth_area = np.prod(d[..., 2:], axis=-1), np.prod(t[..., 2:], axis=-1)
    crowd_row = np.asarray(crowd, dtype=bool)[None, :]
    whole = np.where(crowd_row, detection_area, detection_area + truth_area - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _matches(
    ground_truth: dict[str, Any], predictions: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Match at IoU 0.5, class by class, as COCO does.

    faster-coco-eval's own ``tp`` flags are not used: they are the union over all IoU
    thresholds and size ranges, so two detections of one object can both carry the flag.
    """
    truths: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for item in ground_truth["annotations"]:
        truths.setdefault((item["image_id"], item["category_id"]), []).append(item)
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for entry in sorted(predictions, key=lambda p: -p["score"]):
        found.setdefault((entry["image_id"], entry["category_id"]), []).append(entry)
    known = {category["id"] for category in ground_truth["categories"]}
    rows = [
        row
        for key, entries in found.items()
        if key[1] in known
        for row in _match_one(entries[:MAX_DETECTIONS], truths.get(key, []))
    ]
    return sorted(rows, key=lambda r: (-r["score"], r["image_id"], r["category_id"], r["bbox"]))


def _match_one(entries: list[dict[str, Any]], truths: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Match one class in one image; entries by falling score. Ignored ones are left out."""
    crowd = [bool(item["iscrowd"]) for item in truths]
    boxes = [item["bbox"] for item in truths]
    ious = box_ious([e["bbox"] for e in entries], boxes, crowd).tolist() if truths else []
    regions = {index for index, region in enumerate(crowd) if region}
    free = set(range(len(truths))) - regions
    rows = []
    for entry, overlap in zip(entries, ious or [[]] * len(entries), strict=True):
        # Of equal overlaps the last object is taken, as in COCO's own loop.
        best = max(free, key=lambda index: (overlap[index], index), default=-1)
        hit = best >= 0 and overlap[best] >= MATCH_IOU
        if not hit and any(overlap[index] >= MATCH_IOU for index in regions):
            continue
        free.discard(best if hit else -1)
        rows.append(
            {
                "image_id": entry["image_id"],
                "category_id": entry["category_id"],
                "bbox": entry["bbox"],
                "score": float(entry["score"]),
                "tp": hit,
                "gt_id": truths[best]["id"] if hit else None,
                "iou": overlap[best] if hit else 0.0,
            }
        )
    return rows


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
