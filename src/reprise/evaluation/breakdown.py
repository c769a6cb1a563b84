"""The same metrics for parts of a split: by object size, source, group and origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.scoring import metrics_of
from reprise.scoring.matching import AREAS
from reprise.scoring.overlaps import area
from reprise.scoring.scores import Scores
from reprise.scoring.weighted import Weighted

SIZES = {name: bounds for name, bounds in AREAS.items() if name != "all"}


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


def by_part(
    scores: Scores, by: str, values: Mapping[int, str], total: str, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows ``by, value, images``, a total and metrics, one for each part of the images.

    Args:
        scores: Of the split.
        by: What divides the images.
        values: Image id -> the part that it belongs to.
        total: Name of the column with the number of objects or labels.
        metrics: Names of metrics.
    """
    part_of = np.array([values[image_id] for image_id in scores.matched.image_ids.tolist()])
    parts = np.unique(part_of)
    weighted = Weighted(scores, (part_of == parts[:, None]).astype(np.int32))
    known = metrics_of(scores.task)
    columns = {name: known[name].compute(weighted) for name in metrics}
    return [
        {
            "by": by,
            "value": str(part),
            "images": int(weighted.images[place]),
            total: int(weighted.objects[place].sum()),
            **{name: float(v[place]) for name, v in columns.items() if not np.isnan(v[place])},
        }
        for place, part in enumerate(parts)
    ]
