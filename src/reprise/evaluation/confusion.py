"""Which class was taken for which: counts of actual against predicted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from reprise.scoring.overlaps import MATCH_IOU, Overlaps, grouped
from reprise.scoring.scores import Scores

BACKGROUND = "background"


def object_confusion(scores: Scores, overlaps: Overlaps) -> list[dict[str, Any]]:
    """Rows of :func:`confusion_rows` for objects.

    Detections scoring at least the threshold and objects are paired one to one whatever
    their classes, the greatest overlap first (of equal overlaps, the right class first),
    at IoU 0.5 or more. An object left over was predicted as background; a detection left
    over is one of background, unless it lies on a crowd region.
    """
    counts: Counter[tuple[int, int]] = Counter()
    objects = grouped(scores.truth["annotations"], "image_id")
    found = grouped(scores.above_threshold, "image_id")
    for image_id in sorted(objects.keys() | found.keys()):
        counts.update(_pairs(objects.get(image_id, []), found.get(image_id, []), overlaps))
    return confusion_rows(counts, scores.class_names, BACKGROUND)


def confusion_rows(
    counts: Counter[tuple[int, int]], names: dict[int, str], nothing: str
) -> list[dict[str, Any]]:
    """Rows ``actual, predicted, count``: every class with itself, then the pairs that occur.

    Args:
        counts: (actual, predicted) category id -> number; 0 stands for no class.
        names: Category id -> class name.
        nothing: Name of no class.
    """
    # The diagonal comes first and whole, so that a plot that orders its axes by first
    # appearance has the classes in order on both.
    diagonal = [(category_id, category_id) for category_id in names]
    place = {category_id: index for index, category_id in enumerate([*names, 0])}
    others = sorted(
        counts.keys() - set(diagonal), key=lambda pair: (place[pair[0]], place[pair[1]])
    )
    return [
        {
            "actual": names.get(actual, nothing),
            "predicted": names.get(predicted, nothing),
            "count": counts[actual, predicted],
        }
        for actual, predicted in [*diagonal, *others]
    ]


def _pairs(
    objects: list[dict[str, Any]], found: list[dict[str, Any]], overlaps: Overlaps
) -> list[tuple[int, int]]:
    """(actual, predicted) category ids of one image; 0 is background."""
    ious = overlaps(found, objects)
    crowd = np.array([bool(item["iscrowd"]) for item in objects], dtype=bool)
    candidates = [
        (
            -float(ious[row, column]),
            found[row]["category_id"] != objects[column]["category_id"],
            int(row),
            int(column),
        )
        for row, column in np.argwhere(ious >= MATCH_IOU)
        if not crowd[column]
    ]
    paired_found: set[int] = set()
    paired_objects: set[int] = set()
    pairs = []
    for _, _, row, column in sorted(candidates):
        if row not in paired_found and column not in paired_objects:
            paired_found.add(row)
            paired_objects.add(column)
            pairs.append((objects[column]["category_id"], found[row]["category_id"]))
    pairs += [
        (item["category_id"], 0)
        for column, item in enumerate(objects)
        if column not in paired_objects and not crowd[column]
    ]
    pairs += [
        (0, entry["category_id"])
        for row, entry in enumerate(found)
        if row not in paired_found and not (ious[row][crowd] >= MATCH_IOU).any()
    ]
    return pairs
