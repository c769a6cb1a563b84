"""Every false detection and every missed object, with what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reprise.scoring.matching import MATCH_IOU, Floats, Overlaps, grouped
from reprise.scoring.scores import Scores

# Below this overlap with an object of its class, a false detection is on nothing.
NEAR_IOU = 0.1

KINDS = ("missed", "wrong class", "poor localisation", "duplicate", "background")


@dataclass(frozen=True)
class ErrorCase:
    """One false detection or missed object.

    Attributes:
        kind: One of ``KINDS``: *missed*, an object that no detection of its class found;
            *wrong class*, a detection that fits an object of another class best;
            *poor localisation*, one whose overlap with an object of its class is 0.1 to
            0.5; *duplicate*, a further detection of an object already found;
            *background*, one on no such object.
        image_id: Of the images table.
        category_id: Class of the detection, or of the missed object.
        actual_id: Class of the object concerned; None for background.
        score: Of the detection. For a missed object, of the detection that would have found
            it under a lower threshold, or None.
        iou: Overlap with the object concerned; 0 when there is none.
        bbox: Of the detection or missed object, xywh in pixels of the upright original.
    """

    kind: str
    image_id: int
    category_id: int
    actual_id: int | None
    score: float | None
    iou: float
    bbox: tuple[float, float, float, float]


def find_errors(scores: Scores, overlaps: Overlaps) -> list[ErrorCase]:
    """All errors of one split when detections scoring at least its threshold are kept.

    Returns:
        By image; within it false detections by falling score, then missed objects by id.
    """
    single = [item for item in scores.truth["annotations"] if not item["iscrowd"]]
    objects, found = grouped(single, "image_id"), grouped(scores.matches, "image_id")
    errors: list[ErrorCase] = []
    for image_id in sorted(objects.keys() | found.keys()):
        inside, rows = objects.get(image_id, []), found.get(image_id, [])
        false = [row for row in rows if row["score"] >= scores.threshold and not row["tp"]]
        ious = overlaps(false, inside)
        errors += [
            _false_detection(row, inside, overlap) for row, overlap in zip(false, ious, strict=True)
        ]
        errors += _missed(inside, rows, scores.threshold)
    return errors


def _false_detection(
    row: dict[str, Any], objects: list[dict[str, Any]], overlap: Floats
) -> ErrorCase:
    same = np.array([item["category_id"] == row["category_id"] for item in objects], dtype=bool)
    near = _best(overlap, np.ones_like(same))
    kin = _best(overlap, same)
    kind, concerned = "background", None
    if near is not None and overlap[near] >= MATCH_IOU:
        kind, concerned = ("duplicate" if same[near] else "wrong class"), near
    elif kin is not None and overlap[kin] >= NEAR_IOU:
        kind, concerned = "poor localisation", kin
    return ErrorCase(
        kind=kind,
        image_id=row["image_id"],
        category_id=row["category_id"],
        actual_id=None if concerned is None else objects[concerned]["category_id"],
        score=row["score"],
        iou=0.0 if concerned is None else float(overlap[concerned]),
        bbox=tuple(row["bbox"]),
    )


def _best(overlap: Floats, eligible: npt.NDArray[np.bool_]) -> int | None:
    if not eligible.any():
        return None
    return int(np.argmax(np.where(eligible, overlap, -1.0)))


def _missed(
    objects: list[dict[str, Any]], rows: list[dict[str, Any]], threshold: float
) -> list[ErrorCase]:
    finder = {row["gt_id"]: row for row in rows if row["tp"]}
    missed = []
    for item in objects:
        row = finder.get(item["id"])
        if row is not None and row["score"] >= threshold:
            continue
        missed.append(
            ErrorCase(
                kind="missed",
                image_id=item["image_id"],
                category_id=item["category_id"],
                actual_id=item["category_id"],
                score=row["score"] if row else None,
                iou=row["iou"] if row else 0.0,
                bbox=tuple(item["bbox"]),
            )
        )
    return missed


def count_rows(errors: Iterable[ErrorCase], names: dict[int, str]) -> list[dict[str, Any]]:
    """Rows ``kind, class, count`` of the combinations that occur, in the order of KINDS."""
    counts = Counter((case.kind, case.category_id) for case in errors)
    return [
        {"kind": kind, "class": name, "count": counts[kind, category_id]}
        for kind in KINDS
        for category_id, name in names.items()
        if counts[kind, category_id]
    ]


def worst_rows(
    errors: Iterable[ErrorCase], truth: dict[str, Any], limit: int
) -> list[dict[str, Any]]:
    """Rows of the error table: at most ``limit`` of each kind, the worst of a kind first.

    The worst false detections are the most confident; the worst missed objects are the
    largest of those that no detection of any score found.
    """
    names = {item["id"]: item["name"] for item in truth["categories"]}
    files = {item["id"]: item["file_name"] for item in truth["images"]}
    by_kind: dict[str, list[ErrorCase]] = {kind: [] for kind in KINDS}
    for case in errors:
        by_kind[case.kind].append(case)
    return [
        {
            "kind": case.kind,
            "image_id": case.image_id,
            "image": files[case.image_id],
            "class": names[case.category_id],
            "actual": names.get(case.actual_id or 0, ""),
            "score": case.score,
            "iou": case.iou,
            **dict(zip("xywh", case.bbox, strict=True)),
        }
        for kind in KINDS
        for case in sorted(by_kind[kind], key=_badness)[:limit]
    ]


def _badness(case: ErrorCase) -> tuple[Any, ...]:
    place = (case.image_id, case.category_id, case.bbox)
    if case.kind == "missed":
        return (case.score is not None, -case.bbox[2] * case.bbox[3], place)
    return (-(case.score or 0.0), place)
