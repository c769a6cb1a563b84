"""The same metrics for parts of a split: by object size and by data source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reprise.scoring import compute_metrics, score
from reprise.scoring.matching import area, grouped
from reprise.scoring.scores import Scores

# COCO's size ranges, areas in square pixels of the upright original.
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


def by_size(scores: Scores) -> list[dict[str, Any]]:
    """Rows ``by, value, images, boxes, mAP, precision, recall, f1``, one for each size range.

    A found object counts in its own size, a false detection in that of its box or mask.
    """
    objects = {item["id"]: item for item in scores.truth["annotations"] if not item["iscrowd"]}
    rows = []
    for size, (low, high) in SIZES.items():
        inside = [item for item in objects.values() if low <= item["area"] < high]
        true, false = 0, 0
        for row in scores.above_threshold:
            size_of_it = objects[row["gt_id"]]["area"] if row["tp"] else area(row)
            if low <= size_of_it < high:
                true, false = true + row["tp"], false + (not row["tp"])
        if not inside:
            continue
        rows.append(
            {
                "by": "size",
                "value": size,
                "images": len({item["image_id"] for item in inside}),
                "boxes": len(inside),
                "mAP": scores.summary.get(f"mAP_{size}"),
                "precision": true / max(true + false, 1),
                "recall": true / len(inside),
                "f1": 2 * true / max(true + false + len(inside), 1),
            }
        )
    return rows


def by_source(
    scores: Scores, sources: Mapping[int, str], total: str, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows ``by, value, images``, a total and metrics, one for each data source.

    Args:
        scores: Of the split.
        sources: Image id -> its data source.
        total: Name of the column with the number of objects or labels.
        metrics: Names of metrics.
    """
    rows = []
    images = grouped(((sources[item["id"]], item["id"]) for item in scores.truth["images"]), 0)
    for source in sorted(images):
        ids = {image_id for _, image_id in images[source]}
        part = scores if len(images) == 1 else _score_part(scores, ids)
        rows.append(
            {
                "by": "source",
                "value": source,
                "images": len(ids),
                total: sum(part.truth_counts.values()),
                **compute_metrics(part, metrics),
            }
        )
    return rows


def _score_part(scores: Scores, image_ids: set[int]) -> Scores:
    truth = scores.truth
    labelled = "labels" if scores.task == "classify" else "annotations"
    part = truth | {
        "images": [item for item in truth["images"] if item["id"] in image_ids],
        labelled: [item for item in truth[labelled] if item["image_id"] in image_ids],
    }
    rows = [row for row in scores.predictions if row["image_id"] in image_ids]
    return score(scores.task, part, rows, scores.threshold)
