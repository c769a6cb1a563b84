"""The rows of the dataset contract, gathered in columns so that memory stays small."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    REJECTED_COLUMNS,
    Category,
    table,
)
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.store.contract import write_tables

if TYPE_CHECKING:
    import pandas as pd

_SIDES = ("x", "y", "w", "h", "area")
_ENCODED = (
    "width",
    "height",
    "original_width",
    "original_height",
    "sha256",
    "file_sha256",
    "perceptual_hash",
)


class BoxColumns:
    """All boxes in columns; an image refers to its own by a range of rows."""

    def __init__(self, categories: list[Category]) -> None:
        self._number = {category.name: category.category_id for category in categories}
        self._name = {category.category_id: category.name for category in categories}
        self._category = array("q")
        # Those of _SIDES, box after box.
        self._sides = array("d")
        self._iscrowd = array("b")
        self._segmentation: list[str] = []

    def add_image(self, image: ProcessedImage) -> None:
        """Move an image's boxes to the columns."""
        start = len(self._category)
        for box in image.boxes:
            self._category.append(self._number[box.class_name])
            self._sides.extend((*box.xywh, box.area))
            self._iscrowd.append(box.iscrowd)
            self._segmentation.append(box.segmentation)
        image.classes = (*(box.class_name for box in image.boxes), *image.labels)
        image.box_rows = range(start, len(self._category))
        image.boxes = ()

    def read(self, rows: range) -> list[CleanBox]:
        """The boxes of some rows again."""
        width = len(_SIDES)
        sides = [self._sides[row * width : (row + 1) * width] for row in rows]
        return [
            CleanBox(
                self._name[self._category[row]],
                (x, y, w, h),
                area,
                self._iscrowd[row],
                self._segmentation[row],
            )
            for row, (x, y, w, h, area) in zip(rows, sides, strict=True)
        ]

    def frame(self, chosen: list[range]) -> pd.DataFrame:
        """ANNOTATION_COLUMNS of the images whose rows are given, numbered in that order."""
        import pandas as pd

        order = np.concatenate([np.arange(r.start, r.stop) for r in chosen] or [np.arange(0)])
        counts = [len(r) for r in chosen]
        sides = np.asarray(self._sides).reshape(-1, len(_SIDES))
        columns = {
            "annotation_id": np.arange(1, len(order) + 1),
            "image_id": np.repeat(np.arange(1, len(chosen) + 1), counts),
            "category_id": np.asarray(self._category, dtype=np.int64)[order],
            **{name: sides[order, place] for place, name in enumerate(_SIDES)},
            "iscrowd": np.asarray(self._iscrowd, dtype=np.int64)[order],
            "segmentation": [self._segmentation[row] for row in order],
        }
        frame = pd.DataFrame(columns, copy=False)
        return frame[list(ANNOTATION_COLUMNS)].astype(ANNOTATION_COLUMNS)


@dataclass(frozen=True)
class Contents:
    """All of a dataset but its shards.

    Attributes:
        images: In the order of their ids, from 1.
        boxes: The boxes that the images refer to.
        split: Image key to split.
        group: Image key to group.
        categories: The classes.
        ledger: Rows of REJECTED_COLUMNS in any order.
        notes: For each source what was decided in reading it.
        specks: For each source with any, the regions of masks that were too small for objects.
    """

    images: list[ProcessedImage]
    boxes: BoxColumns
    split: Mapping[str, str]
    group: Mapping[str, str]
    categories: list[Category]
    ledger: list[dict[str, str]]
    notes: dict[str, list[str]]
    specks: dict[str, int]


def write_dataset(out: Path, dataset: Contents) -> None:
    """Write the tables of the dataset contract into a folder that holds the shards already."""
    import pyarrow

    number = {category.name: category.category_id for category in dataset.categories}
    labels = [
        {"image_id": image_id, "category_id": category_id}
        for image_id, image in enumerate(dataset.images, start=1)
        for category_id in sorted(number[name] for name in image.labels)
    ]
    # Arrow's own allocator keeps what is freed: 40 MB more at 20,000 images.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    write_tables(
        out,
        _image_frame(dataset),
        dataset.boxes.frame([image.box_rows for image in dataset.images]),
        dataset.categories,
        table(sorted(dataset.ledger, key=lambda row: tuple(row.values())), REJECTED_COLUMNS),
        table(labels, LABEL_COLUMNS),
        {"notes": dataset.notes, **({"specks": dataset.specks} if dataset.specks else {})},
    )


def _image_frame(dataset: Contents) -> pd.DataFrame:
    import pandas as pd

    images = dataset.images
    columns: dict[str, Sequence[object]] = {"image_id": range(1, len(images) + 1)}
    for name in ("source", "name", "shard", "offset", "length", "synthetic"):
        columns[name] = [getattr(image, name) for image in images]
    for name in _ENCODED:
        columns[name] = [getattr(image.encoded, name) for image in images]
    columns["split"] = [dataset.split[image.key] for image in images]
    columns["group"] = [dataset.group[image.key] for image in images]
    return pd.DataFrame(columns)[list(IMAGE_COLUMNS)].astype(IMAGE_COLUMNS)
