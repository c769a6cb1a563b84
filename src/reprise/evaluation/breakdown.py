"""The same metrics for parts of a split: by object size and by data source."""

from __future__ import annotations

from typing import Any

from reprise.predictions import Scores, curve, score_detections

# COCO's size ranges, areas in square pixels of the upright original.
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


def breakdown_rows(
    truth: dict[str, Any],
    detections: list[dict[str, Any]],
    scores: Scores,
    source_of: dict[int, str],
    threshold: float,
) -> list[dict[str, Any]]:
    """Rows ``by, value, images, boxes, mAP, precision, recall, f1``.

    Args:
        truth: COCO ground truth of the split.
        detections: All detections of the split.
        scores: The split's scores.
        source_of: Image id to the name of its data source.
        threshold: Detections scoring at least this are kept.
    """
    return _by_size(truth, scores, threshold) + _by_source(
        truth, detections, scores, source_of, threshold
    )


def _by_size(truth: dict[str, Any], scores: Scores, threshold: float) -> list[dict[str, Any]]:
    """A found object counts in its own size, a false detection in that of its box."""
    objects = {item["id"]: item for item in truth["annotations"] if not item["iscrowd"]}
    rows = []
    for size, (low, high) in SIZES.items():
        inside = [item for item in objects.values() if low <= item["area"] < high]
        true, false = 0, 0
        for row in scores.matches:
            if row["score"] < threshold:
                continue
            area = objects[row["gt_id"]]["area"] if row["tp"] else row["bbox"][2] * row["bbox"][3]
            if low <= area < high:
                true, false = true + row["tp"], false + (not row["tp"])
        if not inside:
            continue
        rows.append(
            {
                "by": "size",
                "value": size,
                "images": len({item["image_id"] for item in inside}),
                "boxes": len(inside),
                "mAP": scores.metrics.get(f"mAP_{size}"),
                "precision": true / max(true + false, 1),
                "recall": true / len(inside),
                "f1": 2 * true / max(true + false + len(inside), 1),
            }
        )
    return rows


def _by_source(
    truth: dict[str, Any],
    detections: list[dict[str, Any]],
    scores: Scores,
    source_of: dict[int, str],
    threshold: float,
) -> list[dict[str, Any]]:
    rows = []
    sources = sorted({source_of[item["id"]] for item in truth["images"]})
    for source in sources:
        images = [item for item in truth["images"] if source_of[item["id"]] == source]
        found = scores if len(sources) == 1 else _score_part(truth, images, detections)
        row: dict[str, Any] = {
            "by": "source",
            "value": source,
            "images": len(images),
            "boxes": sum(found.truth_counts.values()),
        }
        if found.metrics:
            row |= {"mAP": found.metrics["mAP"], **curve(found).at(threshold)}
        rows.append(row)
    return rows


def _score_part(
    truth: dict[str, Any], images: list[dict[str, Any]], detections: list[dict[str, Any]]
) -> Scores:
    ids = {item["id"] for item in images}
    part = truth | {
        "images": images,
        "annotations": [item for item in truth["annotations"] if item["image_id"] in ids],
    }
    return score_detections(part, [row for row in detections if row["image_id"] in ids])
