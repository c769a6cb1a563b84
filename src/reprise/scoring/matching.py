"""IoU of detections with objects, as COCO defines it, and the matches that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MATCH_IOU = 0.5
COCO_MAX_DETECTIONS = 100  # of one class in one image

IMAGE_AND_CLASS = ("image_id", "category_id")
KEPT = (*IMAGE_AND_CLASS, "bbox", "segmentation")  # of a prediction, in its match

Overlaps = Callable[[list[dict[str, Any]], list[dict[str, Any]]], Floats]


def overlaps(
    shape: str, found: Sequence[dict[str, Any]], objects: Sequence[dict[str, Any]]
) -> Floats:
    """IoU of one image's predictions with its annotations, as COCO defines it.

    Args:
        shape: What is compared: ``bbox``, xywh in the same pixels, or ``segmentation``, RLE of
            the same size, as :func:`with_masks` leaves it.
        found: Predictions.
        objects: Annotations. A prediction's overlap with a crowd region is the share of the
            prediction that lies in the region.

    Returns:
        Float64 in [0, 1], shape (found, objects).
    """
    from faster_coco_eval.core import mask

    if not found or not objects:
        return np.zeros((len(found), len(objects)))
    crowd = [int(item["iscrowd"]) for item in objects]
    ious = mask.iou([row[shape] for row in found], [item[shape] for item in objects], crowd)
    return np.asarray(ious)


# How a prediction is compared with an object, by task.
OVERLAPS: dict[str, Overlaps] = {
    "detect": partial(overlaps, "bbox"),
    "segment": partial(overlaps, "segmentation"),
}


def with_masks(ground_truth: dict[str, Any]) -> dict[str, Any]:
    """The ground truth with every segmentation as compressed RLE on its image's canvas.

    Polygons are filled here once, rather than each time that a mask is compared. A region
    without a mask, as crowds may be, takes the place of its box.
    """
    sizes = {image["id"]: (image["height"], image["width"]) for image in ground_truth["images"]}
    return ground_truth | {
        "annotations": [
            item | {"segmentation": _rle(item, *sizes[item["image_id"]])}
            for item in ground_truth["annotations"]
        ]
    }


def _rle(item: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    from faster_coco_eval.core import mask

    shape = item["segmentation"]
    if isinstance(shape, dict) and not isinstance(shape["counts"], list):
        return shape
    if not shape:
        x, y, w, h = item["bbox"]
        shape = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    parts = mask.frPyObjects(shape, height, width)
    found = mask.merge(parts) if isinstance(parts, list) else parts
    # As text, which is what JSON and the prediction contract hold.
    return {"size": [height, width], "counts": found["counts"].decode("ascii")}


def area(row: dict[str, Any]) -> float:
    """Area in square pixels of a prediction's mask, or of its box when it has none."""
    if "segmentation" not in row:
        return float(row["bbox"][2] * row["bbox"][3])
    from faster_coco_eval.core import mask

    return float(mask.area(row["segmentation"]))


def best_mask_ious(
    ground_truth: dict[str, Any], predictions: list[dict[str, Any]]
) -> dict[int, Floats]:
    """Category id -> for each object, its IoU with the best prediction of its class, or 0.

    With ground-truth boxes as prompts, where each object has one prediction, their mean is
    the mean IoU that promptable segmentation is reported by (Kirillov et al., Segment
    Anything, 2023).

    Args:
        ground_truth: As :func:`with_masks` leaves it; crowd regions are left out.
        predictions: COCO results with masks, of any score.
    """
    found = grouped(predictions, *IMAGE_AND_CLASS)
    objects = grouped(
        (item for item in ground_truth["annotations"] if not item["iscrowd"]), *IMAGE_AND_CLASS
    )
    best: dict[int, list[Floats]] = {}
    for key, items in objects.items():
        ious = overlaps("segmentation", found[key], items).max(axis=0) if key in found else None
        best.setdefault(key[1], []).append(np.zeros(len(items)) if ious is None else ious)
    return {category_id: np.concatenate(parts) for category_id, parts in best.items()}


def grouped(rows: Iterable[Any], *keys: Any) -> dict[Any, list[Any]]:
    """Rows by their value at a key, or by those at several, in the order given."""
    value = itemgetter(*keys)
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(value(row), []).append(row)
    return found


def detection_limit(ground_truth: dict[str, Any]) -> int:
    """Most detections of one class in one image that are looked at.

    COCO's 100, or as many objects as the fullest image has of a class: with fewer, a crowded
    image could not be answered in full.
    """
    counts = Counter(
        (item["image_id"], item["category_id"])
        for item in ground_truth["annotations"]
        if not item["iscrowd"]
    )
    return max([COCO_MAX_DETECTIONS, *counts.values()])


def matches(
    ground_truth: dict[str, Any],
    predictions: list[dict[str, Any]],
    compare: Overlaps,
    max_detections: int,
) -> list[dict[str, Any]]:
    """Match at IoU 0.5, class by class, as COCO does.

    Args:
        ground_truth: COCO ground truth.
        predictions: COCO results.
        compare: Of OVERLAPS, by box or by mask.
        max_detections: Of one class in one image; those that score less are left out.

    faster-coco-eval's own ``tp`` flags are not used: they are the union over all IoU
    thresholds and size ranges, so two detections of one object can both carry the flag.
    """
    truths = grouped(ground_truth["annotations"], *IMAGE_AND_CLASS)
    found = grouped(sorted(predictions, key=lambda p: -p["score"]), *IMAGE_AND_CLASS)
    known = {category["id"] for category in ground_truth["categories"]}
    rows = [
        row
        for key, entries in found.items()
        if key[1] in known
        for row in _match_one(entries[:max_detections], truths.get(key, []), compare)
    ]
    return sorted(rows, key=lambda r: (-r["score"], r["image_id"], r["category_id"], r["bbox"]))


def _match_one(
    entries: list[dict[str, Any]], truths: list[dict[str, Any]], compare: Overlaps
) -> list[dict[str, Any]]:
    """Match one class in one image; entries by falling score. Ignored ones are left out."""
    crowd = [bool(item["iscrowd"]) for item in truths]
    ious = compare(entries, truths).tolist() if truths else []
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
                **{key: entry[key] for key in KEPT if key in entry},
                "score": float(entry["score"]),
                "tp": hit,
                "gt_id": truths[best]["id"] if hit else None,
                "iou": overlap[best] if hit else 0.0,
            }
        )
    return rows
