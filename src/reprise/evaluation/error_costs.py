"""What the kinds of error cost: in all, and by class, size and crowding of what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reprise.evaluation.breakdown import SIZES
from reprise.evaluation.error_analysis import (
    KINDS,
    MISSED,
    NOTHING,
    RIGHT,
    Costs,
    Errors,
)
from reprise.predictions import Floats
from reprise.scoring.matching import Bools
from reprise.scoring.overlaps import area, grouped
from reprise.scoring.scores import Scores

# The largest share of an object's box that lies in one other object's box.
CROWDING = {"apart": (0.0, 1e-9), "touching": (1e-9, 0.5), "crowded": (0.5, np.inf)}

Groups = dict[str, tuple[Bools, Bools]]  # value -> which detections, which objects


def cost_rows(scores: Scores, everything: Errors, shown: Errors) -> list[dict[str, Any]]:
    """Rows ``by, value, kind, count, cost`` of the combinations that occur.

    Args:
        scores: Of the split.
        everything: Errors of all detections: the costs are theirs, as average precision is of all.
        shown: Errors of those scoring at least the threshold, which are counted.
    """
    costs = Costs(everything, scores.truth_counts)
    names = scores.class_names
    counted = dict(_groups(shown, names))
    rows = []
    for by, groups in _groups(everything, names):
        for value, (detections, objects) in groups.items():
            for kind in range(len(KINDS)):
                false = (everything.kind == kind) & detections
                missed = everything.missed & objects & (kind == MISSED)
                if not (false.any() or missed.any()):
                    continue
                there, here = counted[by][value]
                count = (shown.kind == kind) & there
                fewer = shown.missed & here & (kind == MISSED)
                rows.append(
                    {
                        "by": by,
                        "value": value,
                        "kind": KINDS[kind],
                        "count": int(count.sum() + fewer.sum()),
                        "cost": costs.cost(false, missed),
                    }
                )
    return rows


def _groups(errors: Errors, names: dict[int, str]) -> Iterator[tuple[str, Groups]]:
    """Divisions of detections and objects. A false detection counts where its object does, or
    by itself when it is about none; by class it counts in its own."""
    classes = np.array([row["category_id"] for row in errors.rows], dtype=np.int64)
    actual = np.array([item["category_id"] for item in errors.objects], dtype=np.int64)
    yield "all", {"all": (np.ones(len(classes), dtype=bool), np.ones(len(actual), dtype=bool))}
    yield "class", {name: (classes == key, actual == key) for key, name in names.items()}
    for by, ranges, (of_rows, of_objects) in (
        ("size", SIZES, _areas(errors)),
        ("crowding", CROWDING, _crowding(errors)),
    ):
        yield (
            by,
            {
                value: (_between(of_rows, low, high), _between(of_objects, low, high))
                for value, (low, high) in ranges.items()
            },
        )


def _between(values: Floats, low: float, high: float) -> Bools:
    inside: Bools = (values >= low) & (values < high)
    return inside


def _areas(errors: Errors) -> tuple[Floats, Floats]:
    """Of each detection and each object, in square pixels."""
    of_objects = np.array([item["area"] for item in errors.objects], dtype=np.float64)
    # Only of a detection that is about no object its own is asked for.
    own = errors.concerned == NOTHING
    alone = np.flatnonzero(own & (errors.kind != RIGHT))
    of_rows = np.zeros(len(errors.rows))
    of_rows[alone] = [area(errors.rows[place]) for place in alone]
    of_rows[~own] = of_objects[errors.concerned[~own]]
    return of_rows, of_objects


def _crowding(errors: Errors) -> tuple[Floats, Floats]:
    """Of each detection and each object, the largest share of its box in another object's."""
    of_objects = np.zeros(len(errors.objects))
    of_rows = np.zeros(len(errors.rows))
    own = errors.concerned == NOTHING
    alone = np.flatnonzero(own & (errors.kind != RIGHT))
    inside = grouped(((item["image_id"], at) for at, item in enumerate(errors.objects)), 0)
    outside = grouped(((errors.rows[at]["image_id"], int(at)) for at in alone), 0)
    for image_id, pairs in inside.items():
        places = np.array([at for _, at in pairs])
        boxes = np.array([errors.objects[at]["bbox"] for at in places], dtype=np.float64)
        shares = _shares(boxes, boxes)
        np.fill_diagonal(shares, 0.0)
        of_objects[places] = shares.max(axis=1)
        if image_id in outside:
            at = np.array([place for _, place in outside[image_id]])
            found = np.array([errors.rows[place]["bbox"] for place in at], dtype=np.float64)
            of_rows[at] = _shares(found, boxes).max(axis=1)
    of_rows[~own] = of_objects[errors.concerned[~own]]
    return of_rows, of_objects


def _shares(boxes: Floats, others: Floats) -> Floats:
    """The share of each xywh box that lies in each other; shape (boxes, others)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends, other_ends = boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:]
    high = np.minimum(ends[:, None], other_ends[None])
    shared = (high - low).clip(min=0).prod(axis=2)
    areas = boxes[:, 2:].prod(axis=1)
    found: Floats = shared / np.maximum(areas, 1e-12)[:, None]
    return found
