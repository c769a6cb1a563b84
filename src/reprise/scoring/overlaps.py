"""IoU of detections with objects, as COCO defines it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from reprise.predictions import Floats

MATCH_IOU = 0.5
COCO_MAX_DETECTIONS = 100  # of one class in one image

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
