"""Boxes and masks against COCO ground truth.

faster-coco-eval gives pycocotools' numbers to the last digit, of boxes in a seventh of the time
(the tests hold it to those numbers, of boxes and of masks).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from reprise.scoring.matching import box_overlaps, mask_overlaps, matches, with_masks
from reprise.scoring.scores import Scores


def score_detections(
    ground_truth: dict[str, Any],
    predictions: list[dict[str, Any]],
    kind: Literal["bbox", "segm"] = "bbox",
) -> Scores:
    """Score detections against COCO ground truth.

    Args:
        ground_truth: A COCO dictionary, annotation ids from 1, as ``Dataset.ground_truth``.
        predictions: COCO results in the same pixels; for masks each has ``segmentation`` as
            RLE beside its ``bbox``.
        kind: What is compared, boxes or masks.

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
    if kind == "segm":
        ground_truth = with_masks(ground_truth)
    evaluator = _evaluate(ground_truth, predictions, kind)
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
    if kind == "bbox":
        return Scores(metrics, per_class, matches(ground_truth, predictions, box_overlaps), counts)
    overlap = best_mask_ious(ground_truth, predictions)
    metrics["mean_iou"] = float(np.mean(np.concatenate(list(overlap.values()))))
    for category_id, values in overlap.items():
        per_class[names[category_id]]["mean_iou"] = float(np.mean(values))
    return Scores(metrics, per_class, matches(ground_truth, predictions, mask_overlaps), counts)


def best_mask_ious(
    ground_truth: dict[str, Any], predictions: list[dict[str, Any]]
) -> dict[int, np.ndarray]:
    """Category id -> for each object, its IoU with the best prediction of its class, or 0.

    With ground-truth boxes as prompts, where each object has one prediction, their mean is
    the mean IoU that promptable segmentation is reported by (Kirillov et al., Segment
    Anything, 2023).

    Args:
        ground_truth: As :func:`with_masks` leaves it; crowd regions are left out.
        predictions: COCO results with masks, of any score.
    """
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in predictions:
        found.setdefault((row["image_id"], row["category_id"]), []).append(row)
    objects: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for item in ground_truth["annotations"]:
        if not item["iscrowd"]:
            objects.setdefault((item["image_id"], item["category_id"]), []).append(item)
    best: dict[int, list[np.ndarray]] = {}
    for key, items in objects.items():
        known = mask_overlaps(found[key], items).max(axis=0) if key in found else None
        best.setdefault(key[1], []).append(np.zeros(len(items)) if known is None else known)
    return {category_id: np.concatenate(parts) for category_id, parts in best.items()}


def _evaluate(ground_truth: dict[str, Any], predictions: list[dict[str, Any]], kind: str) -> Any:
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
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


def _mean(precision: np.ndarray) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0
