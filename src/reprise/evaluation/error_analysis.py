"""Every false detection and every missed object, with what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from reprise.scoring.matching import MATCH_IOU, Floats, Overlaps, grouped
from reprise.scoring.scores import Scores

# Below this overlap with an object of its class, a false detection is on nothing.
NEAR_IOU = 0.1

KINDS = ("missed", "wrong class", "poor localisation", "duplicate", "background")


Row = dict[str, Any]


def find_errors(scores: Scores, overlaps: Overlaps) -> list[Row]:
    """All errors of one split when detections scoring at least its threshold are kept.

    Returns:
        By image; within it false detections by falling score, then missed objects by id. Each
        is the detection or the annotation, with its ``image_id``, ``category_id`` and
        ``bbox`` (xywh in pixels of the upright original), and:

        - ``kind``: One of ``KINDS``: *missed*, an object that no detection of its class found;
          *wrong class*, a detection that fits an object of another class best;
          *poor localisation*, one whose overlap with an object of its class is 0.1 to
          0.5; *duplicate*, a further detection of an object already found;
          *background*, one on no such object.
        - ``actual_id``: Class of the object concerned; None for background.
        - ``score``: Of the detection. For a missed object, of the detection that would have
          found it under a lower threshold, or None.
        - ``iou``: Overlap with the object concerned; 0 when there is none.
    """
    single = [item for item in scores.truth["annotations"] if not item["iscrowd"]]
    objects, found = grouped(single, "image_id"), grouped(scores.matches, "image_id")
    errors: list[Row] = []
    for image_id in sorted(objects.keys() | found.keys()):
        inside, rows = objects.get(image_id, []), found.get(image_id, [])
        false = [row for row in rows if row["score"] >= scores.threshold and not row["tp"]]
        ious = overlaps(false, inside)
        errors += [
            _false_detection(row, inside, overlap) for row, overlap in zip(false, ious, strict=True)
        ]
        errors += _missed(inside, rows, scores.threshold)
    return errors


def _false_detection(row: Row, objects: list[Row], overlap: Floats) -> Row:
    same = np.array([item["category_id"] == row["category_id"] for item in objects], dtype=bool)
    near = _best(overlap, np.ones_like(same))
    kin = _best(overlap, same)
    kind, concerned = "background", None
    if near is not None and overlap[near] >= MATCH_IOU:
        kind, concerned = ("duplicate" if same[near] else "wrong class"), near
    elif kin is not None and overlap[kin] >= NEAR_IOU:
        kind, concerned = "poor localisation", kin
    return row | {
        "kind": kind,
        "actual_id": None if concerned is None else objects[concerned]["category_id"],
        "iou": 0.0 if concerned is None else float(overlap[concerned]),
    }


def _best(overlap: Floats, eligible: npt.NDArray[np.bool_]) -> int | None:
    if not eligible.any():
        return None
    return int(np.argmax(np.where(eligible, overlap, -1.0)))


def _missed(objects: list[Row], rows: list[Row], threshold: float) -> list[Row]:
    finder = {row["gt_id"]: row for row in rows if row["tp"]}
    missed = []
    for item in objects:
        found = finder.get(item["id"], {"score": None, "iou": 0.0})
        if found["score"] is None or found["score"] < threshold:
            told = {"kind": "missed", "actual_id": item["category_id"]}
            missed.append(item | told | {key: found[key] for key in ("score", "iou")})
    return missed


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
