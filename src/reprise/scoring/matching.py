"""IoU of detections with objects, as COCO defines it, and the matches that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MATCH_IOU = 0.5
MAX_DETECTIONS = 100  # of one class in one image; COCO looks at no more

KEPT = ("image_id", "category_id", "bbox", "segmentation")  # of a prediction, in its match

Overlaps = Callable[[list[dict[str, Any]], list[dict[str, Any]]], Floats]


def box_overlaps(found: list[dict[str, Any]], objects: list[dict[str, Any]]) -> Floats:
    """Float (found, objects): IoU of the boxes of predictions and COCO annotations."""
    return box_ious(
        [row["bbox"] for row in found],
        [item["bbox"] for item in objects],
        [bool(item["iscrowd"]) for item in objects],
    )


def mask_overlaps(found: list[dict[str, Any]], objects: list[dict[str, Any]]) -> Floats:
    """Float (found, objects): IoU of the masks of one image's predictions and annotations.

    Both carry ``segmentation`` as RLE of the same size, as :func:`with_masks` leaves it.
    """
    from faster_coco_eval.core import mask

    if not found or not objects:
        return np.zeros((len(found), len(objects)))
    return np.asarray(
        mask.iou(
            [row["segmentation"] for row in found],
            [item["segmentation"] for item in objects],
            [int(item["iscrowd"]) for item in objects],
        )
    )


# How a prediction is compared with an object, by task.
OVERLAPS: dict[str, Overlaps] = {"detect": box_overlaps, "segment": mask_overlaps}


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


def box_ious(detections: npt.ArrayLike, truths: npt.ArrayLike, crowd: npt.ArrayLike) -> Floats:
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
    ious: Floats = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return ious


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
    found = _by_image_and_class(predictions)
    objects = _by_image_and_class(
        item for item in ground_truth["annotations"] if not item["iscrowd"]
    )
    best: dict[int, list[Floats]] = {}
    for key, items in objects.items():
        ious = mask_overlaps(found[key], items).max(axis=0) if key in found else None
        best.setdefault(key[1], []).append(np.zeros(len(items)) if ious is None else ious)
    return {category_id: np.concatenate(parts) for category_id, parts in best.items()}


def _by_image_and_class(
    rows: Iterable[dict[str, Any]],
) -> dict[tuple[int, int], list[dict[str, Any]]]:
    grouped: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["image_id"], row["category_id"]), []).append(row)
    return grouped


def matches(
    ground_truth: dict[str, Any], predictions: list[dict[str, Any]], overlaps: Overlaps
) -> list[dict[str, Any]]:
    """Match at IoU 0.5, class by class, as COCO does.

    Args:
        ground_truth: COCO ground truth.
        predictions: COCO results.
        overlaps: Compares them by box or by mask.

    faster-coco-eval's own ``tp`` flags are not used: they are the union over all IoU
    thresholds and size ranges, so two detections of one object can both carry the flag.
    """
    truths = _by_image_and_class(ground_truth["annotations"])
    found = _by_image_and_class(sorted(predictions, key=lambda p: -p["score"]))
    known = {category["id"] for category in ground_truth["categories"]}
    rows = [
        row
        for key, entries in found.items()
        if key[1] in known
        for row in _match_one(entries[:MAX_DETECTIONS], truths.get(key, []), overlaps)
    ]
    return sorted(rows, key=lambda r: (-r["score"], r["image_id"], r["category_id"], r["bbox"]))


def _match_one(
    entries: list[dict[str, Any]], truths: list[dict[str, Any]], overlaps: Overlaps
) -> list[dict[str, Any]]:
    """Match one class in one image; entries by falling score. Ignored ones are left out."""
    crowd = [bool(item["iscrowd"]) for item in truths]
    ious = overlaps(entries, truths).tolist() if truths else []
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
