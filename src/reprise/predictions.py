"""The prediction contract: what every model family writes and :mod:`reprise.scoring` reads.

A prediction file is COCO results JSON: a list of
``{"image_id", "category_id", "bbox": [x, y, w, h], "score"}``, boxes in pixels of the
upright original, scores in [0, 1], sorted by image, then by falling score. A mask is COCO's
compressed RLE beside its box, ``"segmentation": {"size": [height, width], "counts": str}``,
in the same pixels. A class of an image as a whole has neither box nor mask.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reprise.dataset import read_json, write_json
from reprise.errors import RepriseError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions in columns: a row of the contract is one place in each of them.

    Attributes:
        image_id: int64, shape (n,).
        category_id: int64, shape (n,).
        score: float64 in [0, 1], shape (n,).
        bbox: float64 xywh in pixels of the upright original, shape (n, 4); NaN for a class of
            an image as a whole.
        masks: Compressed RLE or None of each, or None where no prediction has a mask.
    """

    image_id: Ints
    category_id: Ints
    score: Floats
    bbox: Floats
    masks: Sequence[dict[str, Any] | None] | None = None

    @classmethod
    def of(cls, rows: Predictions | Sequence[dict[str, Any]]) -> Predictions:
        """The columns of rows of the contract, or what are columns already.

        Raises:
            TypeError, ValueError, KeyError, AttributeError: They are no such rows.
        """
        if isinstance(rows, Predictions):
            return rows
        nowhere = (math.nan,) * 4
        masks = [row.get("segmentation") for row in rows]
        return cls(
            _column([row["image_id"] for row in rows], np.int64),
            _column([row["category_id"] for row in rows], np.int64),
            _column([row["score"] for row in rows], np.float64),
            _column([row.get("bbox", nowhere) for row in rows], np.float64).reshape(-1, 4),
            masks if any(mask is not None for mask in masks) else None,
        )

    def __len__(self) -> int:
        """How many there are."""
        return len(self.score)

    def rows(self, places: Ints) -> list[dict[str, Any]]:
        """Rows of the contract."""
        columns = (self.image_id, self.category_id, self.score, self.bbox)
        masks = self.masks or [None] * len(self)
        found = []
        for image_id, category_id, score, bbox, place in zip(
            *(column[places].tolist() for column in columns), places.tolist(), strict=True
        ):
            row = {"image_id": image_id, "category_id": category_id}
            # A class of an image as a whole has no place.
            row |= {} if math.isnan(bbox[0]) else {"bbox": bbox}
            row["score"] = score
            found.append(row if masks[place] is None else row | {"segmentation": masks[place]})
        return found

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows of the contract."""
        return iter(self.rows(np.arange(len(self))))


def _column(values: list[Any], dtype: type[Any]) -> npt.NDArray[Any]:
    found = np.array(values)
    if len(values) and found.dtype.kind not in ("i" if dtype is np.int64 else "if"):
        raise TypeError(f"not numbers: {found.dtype}")
    return found.astype(dtype)


def read_predictions(path: Path) -> Predictions:
    """Read and check a prediction file.

    Raises:
        RepriseError: The file is missing, is not a list of predictions, or holds a value
            that is not a number.
    """
    fix = "write it again: dvc repro predict"
    entries = read_json(path, fix)
    if not isinstance(entries, list):
        raise RepriseError(f"{path} is not a list of predictions.", fix)
    try:
        found = Predictions.of(entries)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        found = None
    if found is not None and _is_sound(found):
        return found
    for index, entry in enumerate(entries):
        if not _is_prediction(entry):
            raise RepriseError(f"{path}: entry {index} is not a prediction: {entry!r}", fix)
    raise RepriseError(f"{path} holds a number that is out of range.", fix)


def _is_sound(found: Predictions) -> bool:
    # A row without a box is NaN in all of it.
    absent = np.isnan(found.bbox).all(axis=1)
    boxes = np.isfinite(found.bbox).all(axis=1) | absent
    masks = (mask for mask in found.masks or () if mask is not None)
    return bool(np.isfinite(found.score).all() and boxes.all()) and all(map(_is_mask, masks))


def _is_mask(mask: Any) -> bool:
    return isinstance(mask, dict) and {"size", "counts"} <= set(mask)


def _is_prediction(entry: Any) -> bool:
    if not isinstance(entry, dict) or not {"image_id", "category_id", "score"} <= set(entry):
        return False
    box, mask = entry.get("bbox", [0, 0, 0, 0]), entry.get("segmentation")
    if mask is not None and not _is_mask(mask):
        return False
    if any(type(entry[key]) is not int for key in ("image_id", "category_id")):
        return False
    if not isinstance(box, list) or len(box) != 4:
        return False
    numbers = [entry["score"], *box]
    return all(type(value) in (int, float) and math.isfinite(value) for value in numbers)
