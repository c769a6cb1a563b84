"""The labels that are suggested, as tables of the dataset contract: to correct instead of draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.dataset import ANNOTATION_COLUMNS, LABEL_COLUMNS, Dataset, table
from reprise.label_errors.suspects import BADLY_LOCATED, NOT_THERE, OVERLOOKED, SWAPPED, Suspect
from reprise.preprocessing.store.subset import write_subset
from reprise.scoring import Task
from reprise.scoring.overlaps import area

if TYPE_CHECKING:
    import pandas as pd

ShapeOf = Callable[[dict[str, Any]], Any]


def write_corrected(
    data: Dataset, task: Task, suspects: Sequence[Suspect], out: Path, shape_of: ShapeOf
) -> None:
    """Write the images of some suspects as a dataset, with the suggested labels.

    Args:
        data: The dataset as labelled.
        task: To classify, the classes of an image's boxes are its labels, and no box is written.
        suspects: What to put right; nothing else is changed.
        out: A folder, new or empty.
        shape_of: Makes the outline that is written, COCO's polygons or RLE, of a predicted mask.
    """
    ids = {suspect.image_id for suspect in suspects}
    images = data.images[data.images["image_id"].isin(ids)]
    if task == "classify":
        boxes = data.annotations.iloc[:0]
        write_subset(data, images, out, annotations=boxes, labels=_labels(data, suspects, ids))
    else:
        boxes = _boxes(data, suspects, shape_of)
        write_subset(data, images, out, annotations=boxes)


def _labels(data: Dataset, suspects: Sequence[Suspect], ids: set[int]) -> pd.DataFrame:
    pairs = {
        (row["image_id"], row["category_id"])
        for split in data.images["split"].unique()
        for row in data.label_truth(split)["labels"]
        if row["image_id"] in ids
    }
    for suspect in suspects:
        if suspect.kind == NOT_THERE:
            pairs.discard((suspect.image_id, suspect.labelled or 0))
        elif suspect.kind == OVERLOOKED:
            pairs.add((suspect.image_id, suspect.suggested or 0))
    rows = [dict(zip(LABEL_COLUMNS, pair, strict=True)) for pair in sorted(pairs)]
    return table(rows, LABEL_COLUMNS)


def _boxes(data: Dataset, suspects: Sequence[Suspect], shape_of: ShapeOf) -> pd.DataFrame:
    # Typed loosely: pandas' stubs give a record keys and values of any kind.
    rows: list[Any] = data.annotations.to_dict("records")
    records: dict[int, dict[str, Any]] = {row["annotation_id"]: row for row in rows}
    sizes: Any = data.images.set_index("image_id")[["original_width", "original_height"]]
    free = max(records, default=0) + 1
    for suspect in suspects:
        width, height = (int(value) for value in sizes.loc[suspect.image_id])
        found = suspect.prediction or {}
        if suspect.kind == OVERLOOKED:
            place = _place(found, (width, height), shape_of)
            records[free] = {
                "annotation_id": free,
                "image_id": suspect.image_id,
                "category_id": suspect.suggested,
                "iscrowd": 0,
                **place,
            }
            free += 1
            continue
        assert suspect.annotation_id is not None
        row = records[suspect.annotation_id]
        if suspect.kind == SWAPPED:
            row["category_id"] = suspect.suggested
        elif suspect.kind == BADLY_LOCATED:
            row |= _place(found, (width, height), shape_of)
    return table(list(records.values()), ANNOTATION_COLUMNS)


def _place(row: dict[str, Any], size: tuple[int, int], shape_of: ShapeOf) -> dict[str, Any]:
    """Box, area and outline of a prediction, inside its image."""
    left, top, width, height = row["bbox"]
    # A network may see an object go on beyond the edge; a label ends there.
    x, y = max(left, 0.0), max(top, 0.0)
    w, h = (min(left + width, size[0]) - x, min(top + height, size[1]) - y)
    mask = row.get("segmentation")
    return {
        "x": x,
        "y": y,
        "w": max(w, 0.0),
        "h": max(h, 0.0),
        "area": max(w, 0.0) * max(h, 0.0) if mask is None else area(row),
        "segmentation": "[]" if mask is None else json.dumps(shape_of(mask)),
    }
