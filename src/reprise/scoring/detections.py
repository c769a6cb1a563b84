"""Boxes and masks against COCO ground truth.

faster-coco-eval gives pycocotools' numbers to the last digit, of boxes in a seventh of the time
(the tests hold it to those numbers, of boxes and of masks).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from reprise.scoring.matching import (
    COCO_MAX_DETECTIONS,
    OVERLAPS,
    Floats,
    detection_limit,
    matches,
    with_masks,
)
from reprise.scoring.scores import Scores

# Our name of a number -> that of faster-coco-eval.
STATISTICS = {
    "mAP": "AP_all",
    "mAP50": "AP_50",
    "mAP75": "AP_75",
    "mAP_small": "AP_small",
    "mAP_medium": "AP_medium",
    "mAP_large": "AP_large",
    "mAR100": "AR_100",
}


def score_detections(
    ground_truth: dict[str, Any],
    predictions: list[dict[str, Any]],
    task: Literal["detect", "segment"] = "detect",
    threshold: float | None = None,
    max_detections: int | None = None,
) -> Scores:
    """Score detections against COCO ground truth.

    Args:
        ground_truth: A COCO dictionary, annotation ids from 1, as ``Dataset.ground_truth``.
        predictions: COCO results in the same pixels; for masks each has ``segmentation`` as
            RLE beside its ``bbox``.
        task: Boxes are compared to detect, masks to segment.
        threshold: As :func:`reprise.scoring.score`.
        max_detections: Likewise.

    Returns:
        The scores. With no ground truth at all ``summary`` is empty: there is no number.
    """
    found = Counter(
        item["category_id"] for item in ground_truth["annotations"] if not item["iscrowd"]
    )
    counts = {category["id"]: found[category["id"]] for category in ground_truth["categories"]}
    if not any(counts.values()):
        return Scores(task, ground_truth, predictions, {}, {}, [], counts, threshold)
    if task == "segment":
        ground_truth = with_masks(ground_truth)
    limit = max_detections or detection_limit(ground_truth)
    summary, per_class = _average_precision(ground_truth, predictions, counts, task, limit)
    matched = matches(ground_truth, predictions, OVERLAPS[task], limit)
    return Scores(
        task, ground_truth, predictions, summary, per_class, matched, counts, threshold, limit
    )


def _average_precision(
    ground_truth: dict[str, Any],
    predictions: list[dict[str, Any]],
    counts: dict[int, int],
    task: Literal["detect", "segment"],
    limit: int,
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """``summary`` and ``per_class`` of :class:`Scores`."""
    kind = "segm" if task == "segment" else "bbox"
    evaluator = _evaluate(ground_truth, predictions, kind, limit)
    names = {category["id"]: category["name"] for category in ground_truth["categories"]}
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
    # The library names recalls by their limits, unless these are COCO's own.
    stats = {"AR_100": evaluator.stats_as_dict.get("AR_third"), **evaluator.stats_as_dict}
    summary = {name: float(stats[key]) for name, key in STATISTICS.items() if stats[key] >= 0}
    return summary, per_class


def _evaluate(
    ground_truth: dict[str, Any], predictions: list[dict[str, Any]], kind: str, limit: int
) -> Any:
    from faster_coco_eval import COCO, COCOeval_faster
    from faster_coco_eval.core import mask

    # Copied one level deep: the library writes into each annotation, and its own deep copy
    # takes longer than the scoring.
    truth = COCO(ground_truth | {"annotations": [dict(a) for a in ground_truth["annotations"]]})
    if kind == "segm":
        areas = mask.area([entry["segmentation"] for entry in predictions]) if predictions else []
    else:
        areas = [entry["bbox"][2] * entry["bbox"][3] for entry in predictions]
    # Not by the library's loadRes, which sizes a mask that has a box beside it by the box.
    rows = [
        entry | {"id": index, "area": float(area), "iscrowd": 0}
        for index, (entry, area) in enumerate(zip(predictions, areas, strict=True), start=1)
    ]
    detections = COCO({**truth.dataset, "annotations": rows})
    evaluator = COCOeval_faster(truth, detections, iouType=kind)
    evaluator.params.maxDets = sorted({1, 10, COCO_MAX_DETECTIONS, limit})
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def _mean(precision: Floats) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0
