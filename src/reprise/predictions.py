"""The prediction contract: what every model family writes and :mod:`reprise.scoring` reads.

A prediction file is COCO results JSON: a list of
``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``, boxes in pixels of the
upright original, scores in [0, 1], sorted by image, then by falling score. A mask is COCO's
compressed RLE beside its box, ``"segmentation": {"size": [height, width], "counts": str}``,
in the same pixels. A class of an image as a whole has neither box nor mask.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reprise.dataset import read_json, write_json
from reprise.errors import RepriseError


def prediction(
    image_id: int,
    category_id: int,
    xywh: Iterable[float],
    score: float,
    mask: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One detection, rounded so that files are small and equal on equal machines.

    Args:
        image_id: Of the images table.
        category_id: Of the categories, from 1.
        xywh: Left, top, width, height in pixels of the upright original.
        score: Confidence in [0, 1].
        mask: Compressed RLE in pixels of the upright original, counts as text.
    """
    row = {
        "image_id": int(image_id),
        "category_id": int(category_id),
        "bbox": [round(float(value), 2) for value in xywh],
        "score": round(float(score), 5),
    }
    return row if mask is None else row | {"segmentation": mask}


def label_prediction(image_id: int, category_id: int, score: float) -> dict[str, Any]:
    """The score of one class for an image as a whole.

    Args:
        image_id: Of the images table.
        category_id: Of the categories, from 1.
        score: Confidence in [0, 1]; classes do not exclude one another.
    """
    return {
        "image_id": int(image_id),
        "category_id": int(category_id),
        "score": round(float(score), 5),
    }


def ordered(predictions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted by image, falling score, class and place: one order for one set of detections."""
    return sorted(
        predictions,
        key=lambda p: (p["image_id"], -p["score"], p["category_id"], p.get("bbox", [])),
    )


def write_predictions(path: Path, predictions: Iterable[dict[str, Any]]) -> None:
    """Write a prediction file in its one order."""
    write_json(path, ordered(predictions), indent=None)


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """Read and check a prediction file.

    Raises:
        RepriseError: The file is missing, is not a list of predictions, or holds a value
            that is not a number.
    """
    fix = "write it again: dvc repro predict"
    entries = read_json(path, fix)
    if not isinstance(entries, list):
        raise RepriseError(f"{path} is not a list of predictions.", fix)
    for index, entry in enumerate(entries):
        if not _is_prediction(entry):
            raise RepriseError(f"{path}: entry {index} is not a prediction: {entry!r}", fix)
    return entries


def _is_prediction(entry: Any) -> bool:
    if not isinstance(entry, dict) or not {"image_id", "category_id", "score"} <= set(entry):
        return False
    box, mask = entry.get("bbox", [0, 0, 0, 0]), entry.get("segmentation")
    if mask is not None and not (isinstance(mask, dict) and {"size", "counts"} <= set(mask)):
        return False
    numbers = [entry["score"], *box] if isinstance(box, list) and len(box) == 4 else [None]
    return all(isinstance(value, int | float) and math.isfinite(value) for value in numbers)
