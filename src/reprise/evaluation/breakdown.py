"""The same metrics for parts of a split: by object size and by data source."""

from __future__ import annotations

from typing import Any

from reprise.evaluation.scored_split import ScoredSplit
from reprise.scoring import score
from reprise.scoring.matching import area
from reprise.scoring.scores import Scores, curve

# COCO's size ranges, areas in square pixels of the upright original.
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}


def breakdown_rows(scored: ScoredSplit, threshold: float) -> list[dict[str, Any]]:
    """Rows ``by, value, images, boxes, mAP, precision, recall, f1``.

    Args:
        scored: The split.
        threshold: Detections scoring at least this are kept.
    """
    return _by_size(scored.truth, scored.scores, threshold) + _by_source(scored, threshold)


def _by_size(truth: dict[str, Any], scores: Scores, threshold: float) -> list[dict[str, Any]]:
    """A found object counts in its own size, a false detection in that of its box or mask."""
    objects = {item["id"]: item for item in truth["annotations"] if not item["iscrowd"]}
    rows = []
    for size, (low, high) in SIZES.items():
        inside = [item for item in objects.values() if low <= item["area"] < high]
        true, false = 0, 0
        for row in scores.matches:
            if row["score"] < threshold:
                continue
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
                "mAP": scores.metrics.get(f"mAP_{size}"),
                "precision": true / max(true + false, 1),
                "recall": true / len(inside),
                "f1": 2 * true / max(true + false + len(inside), 1),
            }
        )
    return rows


def _by_source(scored: ScoredSplit, threshold: float) -> list[dict[str, Any]]:
    rows = []
    images = scored.truth["images"]
    sources = sorted({scored.sources[item["id"]] for item in images})
    for source in sources:
        ids = {item["id"] for item in images if scored.sources[item["id"]] == source}
        found = scored.scores if len(sources) == 1 else _score_part(scored, ids)
        row: dict[str, Any] = {
            "by": "source",
            "value": source,
            "images": len(ids),
            "boxes": sum(found.truth_counts.values()),
        }
        if found.metrics:
            row |= {"mAP": found.metrics["mAP"], **curve(found).at(threshold)}
        rows.append(row)
    return rows


def _score_part(scored: ScoredSplit, image_ids: set[int]) -> Scores:
    truth = scored.truth
    part = truth | {
        "images": [item for item in truth["images"] if item["id"] in image_ids],
        "annotations": [item for item in truth["annotations"] if item["image_id"] in image_ids],
    }
    rows = [row for row in scored.predictions if row["image_id"] in image_ids]
    return score(scored.task, part, rows)
