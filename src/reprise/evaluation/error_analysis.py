"""Every error by its kind, and the average precision that each kind costs.

The kinds and the costs are those of TIDE (Bolya et al., A General Toolbox for Identifying Object
Detection Errors, 2020, arXiv 2008.08115): the cost of some errors is how much mAP50 rises when
they, and nothing else, are put right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.predictions import Floats, Ints
from reprise.scoring.matching import Bools
from reprise.scoring.overlaps import MATCH_IOU, Overlaps, grouped
from reprise.scoring.scores import Scores
from reprise.scoring.weighted import RECALLS

# At this overlap or below, a detection is on nothing.
NEAR_IOU = 0.1

KINDS = ("missed", "classification", "localisation", "both", "duplicate", "background")
MISSED, CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND = range(len(KINDS))
RIGHT = -1
NOTHING = -1

Row = dict[str, Any]


@dataclass(frozen=True)
class Errors:
    """What became of each detection and each object of a split.

    Attributes:
        rows: The detections, by falling score.
        objects: The objects, crowd regions left out.
        kind: Of each detection, a place in KINDS or RIGHT.
        concerned: Of each false detection the place of the object that it is about, or NOTHING.
        iou: Of each false detection, its overlap with that object, or 0.
        used: Of each object, whether a detection found it.
        missed: Of each object, whether none did, and none would with another class or place.
    """

    rows: list[Row]
    objects: list[Row]
    kind: Ints
    concerned: Ints
    iou: Floats
    used: Bools
    missed: Bools


def classify_errors(scores: Scores, overlaps: Overlaps, threshold: float = 0.0) -> Errors:
    """Find what is wrong with each detection that scores at least a threshold.

    A false detection is, the first that fits:

    - *localisation*: its best overlap with an object of its class is 0.1 to 0.5;
    - *classification*: it overlaps an object of another class by 0.5 or more;
    - *duplicate*: it overlaps an object of its class that a better one found by 0.5 or more;
    - *background*: it overlaps no object by more than 0.1;
    - *both* class and place are wrong otherwise.

    An object is *missed* when nothing found it and no detection is wrong only in its class or
    place for it.
    """
    rows = [row for row in scores.matches if row["score"] >= threshold]
    objects = [item for item in scores.truth["annotations"] if not item["iscrowd"]]
    place_of = {item["id"]: place for place, item in enumerate(objects)}
    used = np.zeros(len(objects), dtype=bool)
    used[[place_of[row["gt_id"]] for row in rows if row["tp"]]] = True
    kind = np.array([RIGHT if row["tp"] else BACKGROUND for row in rows], dtype=np.int64)
    concerned = np.full(len(rows), NOTHING)
    iou = np.zeros(len(rows))
    inside = grouped(((item["image_id"], place) for place, item in enumerate(objects)), 0)
    false = grouped(
        ((row["image_id"], place) for place, row in enumerate(rows) if not row["tp"]), 0
    )
    for image_id, pairs in false.items():
        if image_id not in inside:
            continue
        places = np.array([place for _, place in pairs])
        near = np.array([place for _, place in inside[image_id]])
        found = overlaps([rows[place] for place in places], [objects[place] for place in near])
        classes = np.array([rows[place]["category_id"] for place in places])
        same = classes[:, None] == np.array([objects[place]["category_id"] for place in near])
        kinds, best = _kinds(found, same, used[near])
        on_something = kinds != BACKGROUND
        kind[places] = kinds
        concerned[places] = np.where(on_something, near[best], NOTHING)
        iou[places] = np.where(on_something, found[np.arange(len(places)), best], 0.0)
    mendable = np.isin(kind, (CLASSIFICATION, LOCALISATION))
    missed = ~used
    missed[concerned[mendable]] = False
    return Errors(rows, objects, kind, concerned, iou, used, missed)


def _kinds(iou: Floats, same: Bools, used: Bools) -> tuple[Ints, Ints]:
    """The kind of each false detection of one image, and the object that it is about.

    Args:
        iou: Float64, shape (detections, objects).
        same: Whether the two are of one class.
        used: Whether each object was found.
    """
    numbers = np.arange(len(iou))

    def best(eligible: Any) -> tuple[Floats, Ints]:
        allowed = np.where(eligible, iou, 0.0)
        place = allowed.argmax(axis=1)
        return allowed[numbers, place], place

    (kin, at_kin), (other, at_other) = best(same), best(~same)
    (found, at_found), (any_, at_any) = best(same & used), best(True)
    conditions = [
        (kin >= NEAR_IOU) & (kin <= MATCH_IOU),
        other >= MATCH_IOU,
        found >= MATCH_IOU,
        any_ <= NEAR_IOU,
    ]
    kinds = np.select(
        conditions, (LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND), default=BOTH
    )
    return kinds, np.select(conditions, (at_kin, at_other, at_found, at_any), default=at_any)


class Costs:
    """What mAP50 would be without some errors.

    Args:
        errors: Of all detections, whatever their score.
        positives: Category id -> number of objects.
    """

    def __init__(self, errors: Errors, positives: dict[int, int]) -> None:
        self._errors = errors
        self._positives = {key: count for key, count in positives.items() if count}
        self._class = np.array([row["category_id"] for row in errors.rows], dtype=np.int64)
        self._right = errors.kind == RIGHT
        self._object_class = np.array([item["category_id"] for item in errors.objects])
        self._members = {key: np.flatnonzero(self._class == key) for key in self._positives}
        self._mended = self._mend()
        self._base = {
            key: average_precision(self._right[self._members[key]], count)
            for key, count in self._positives.items()
        }
        self.map50 = _mean(self._base)

    def _mend(self) -> Bools:
        """The detections that would be right with their object's class or place: of an object
        that nothing found, the one with the highest score."""
        errors = self._errors
        mendable = np.flatnonzero(np.isin(errors.kind, (CLASSIFICATION, LOCALISATION)))
        mendable = mendable[~errors.used[errors.concerned[mendable]]]
        _, first = np.unique(errors.concerned[mendable], return_index=True)
        mended = np.zeros(len(errors.kind), dtype=bool)
        mended[mendable[first]] = True
        return mended

    def cost(self, detections: Bools, objects: Bools) -> float:
        """How much mAP50 rises, at least 0, when errors are put right.

        A detection with the wrong class or place takes that of its object, unless a better one
        would; all other false ones go. A missed object is no longer asked for; a class of which
        nothing is left to find leaves the mean.

        Args:
            detections: Which false detections, of all.
            objects: Which missed objects.
        """
        fewer = Counter(self._object_class[objects].tolist())
        moved = np.flatnonzero(detections & self._mended)
        to_class = self._object_class[self._errors.concerned[moved]]
        changed = {*self._class[detections].tolist(), *to_class.tolist(), *fewer}
        fixed = dict(self._base)
        for key in changed & self._positives.keys():
            stay = self._members[key]
            stay = stay[~detections[stay]]
            come = moved[to_class == key]
            places = np.concatenate([stay, come])
            right = np.concatenate([self._right[stay], np.ones(len(come), dtype=bool)])
            left = self._positives[key] - fewer[key]
            if left:
                fixed[key] = average_precision(right[np.argsort(places)], left)
            else:
                del fixed[key]
        return max(0.0, _mean(fixed) - self.map50)


def average_precision(right: Bools, positives: int) -> float:
    """COCO's average precision at one overlap: precision at 101 steps of recall.

    Args:
        right: Of each detection of a class, by falling score, whether it is right.
        positives: Number of objects.
    """
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.searchsorted(hits / positives, RECALLS)
    return float(np.append(best_from_here, 0.0)[np.minimum(steps, len(right))].mean())


def _mean(values: dict[int, float]) -> float:
    return sum(values.values()) / len(values) if values else 0.0


def error_rows(errors: Errors, matches: Iterable[Row]) -> list[Row]:
    """All errors, by image; within it false detections by falling score, then missed objects.

    Args:
        errors: Of the detections that count.
        matches: All detections, whatever their score.

    Returns:
        Each is the detection or the annotation, with its ``image_id``, ``category_id`` and
        ``bbox`` (xywh in pixels of the upright original), and

        - ``kind``: Of KINDS.
        - ``actual_id``: Class of the object concerned; None for background.
        - ``score``: Of the detection. For a missed object, of the detection that would find it
          under a lower threshold, or None.
        - ``iou``: Overlap with the object concerned; 0 when there is none.
    """
    found = []
    for place in np.flatnonzero(errors.kind != RIGHT).tolist():
        at = int(errors.concerned[place])
        told = {
            "kind": KINDS[errors.kind[place]],
            "actual_id": None if at == NOTHING else errors.objects[at]["category_id"],
            "iou": float(errors.iou[place]),
        }
        found.append(errors.rows[place] | told)
    finder = {row["gt_id"]: row for row in matches if row["tp"]}
    for place in np.flatnonzero(errors.missed).tolist():
        item = errors.objects[place]
        later = finder.get(item["id"], {"score": None, "iou": 0.0})
        told = {"kind": KINDS[MISSED], "actual_id": item["category_id"]}
        found.append(item | told | {key: later[key] for key in ("score", "iou")})
    return sorted(found, key=lambda row: row["image_id"])


def count_rows(errors: Iterable[Row], names: dict[int, str]) -> list[Row]:
    """Rows ``kind, class, count`` of the combinations that occur, in the order of KINDS."""
    counts = Counter((case["kind"], case["category_id"]) for case in errors)
    return [
        {"kind": kind, "class": name, "count": counts[kind, category_id]}
        for kind in KINDS
        for category_id, name in names.items()
        if counts[kind, category_id]
    ]


def worst_rows(errors: Iterable[Row], truth: dict[str, Any], limit: int) -> list[Row]:
    """Rows of the error table: at most ``limit`` of each kind, the worst of a kind first.

    The worst false detections are the most confident; the worst missed objects are the
    largest of those that no detection of any score found.
    """
    names = {item["id"]: item["name"] for item in truth["categories"]}
    files = {item["id"]: item["file_name"] for item in truth["images"]}
    by_kind = grouped(errors, "kind")
    return [
        {
            **{key: case[key] for key in ("kind", "image_id", "score", "iou")},
            "image": files[case["image_id"]],
            "class": names[case["category_id"]],
            "actual": names.get(case["actual_id"], ""),
            **dict(zip("xywh", case["bbox"], strict=True)),
        }
        for kind in KINDS
        for case in sorted(by_kind.get(kind, []), key=_badness)[:limit]
    ]


def _badness(case: Row) -> tuple[Any, ...]:
    place = (case["image_id"], case["category_id"], case["bbox"])
    if case["kind"] == "missed":
        return (case["score"] is not None, -case["bbox"][2] * case["bbox"][3], place)
    return (-case["score"], place)
