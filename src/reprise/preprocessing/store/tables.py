"""The rows of the dataset contract, gathered in columns so that memory stays small."""

from __future__ import annotations

from array import array
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
from reprise.preprocessing.decode.process_image import ProcessedImage
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.placed import PlacedImage
from reprise.preprocessing.store.contract import write_tables
from reprise.preprocessing.store.shards import ShardWriter

__all__ = ["BoxColumns", "PlacedImage", "store_image", "write_dataset"]

if TYPE_CHECKING:
    import pandas as pd

_SIDES = ("x", "y", "w", "h", "area")
_STORED = (
    "width",
    "height",
    "original_width",
    "original_height",
    "sha256",
    "file_sha256",
    "perceptual_hash",
)
# Images whose rows are unpacked at once.
_ROWS = 4096


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

    def add(self, boxes: list[CleanBox]) -> range:
        """Append an image's boxes; returns their rows."""
        start = len(self._category)
        self._category.extend([self._number[box.class_name] for box in boxes])
        self._sides.extend([side for box in boxes for side in (*box.xywh, box.area)])
        self._iscrowd.extend([box.iscrowd for box in boxes])
        self._segmentation.extend([box.segmentation for box in boxes])
        return range(start, len(self._category))

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

    def classes(self, rows: range) -> array[int]:
        """Category ids of some rows."""
        return self._category[rows.start : rows.stop]

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


def store_image(image: ProcessedImage, shards: ShardWriter, boxes: BoxColumns) -> PlacedImage:
    """Move an image's bytes to a shard and its boxes to the columns."""
    place = shards.add(f"{image.name}.jpg", image.stored.encoded)
    return PlacedImage(image, place, boxes.add(image.boxes))


def write_dataset(
    out: Path,
    images: list[PlacedImage],
    boxes: BoxColumns,
    split: dict[str, str],
    group: dict[str, str],
    categories: list[Category],
    ledger: list[dict[str, str]],
    notes: dict[str, list[str]],
) -> None:
    """Write the tables of the dataset contract.

    Args:
        out: The dataset folder, which holds the shards already.
        images: In the order of their ids, from 1.
        boxes: The boxes that the images refer to.
        split: Image key to split.
        group: Image key to group.
        categories: The classes.
        ledger: Rows of REJECTED_COLUMNS in any order.
        notes: For each source what was decided in reading it.
    """
    import pyarrow

    # Arrow's own allocator keeps what is freed, tens of megabytes; the system's gives it back.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    number = {category.name: category.category_id for category in categories}
    labels = [
        {"image_id": image_id, "category_id": category_id}
        for image_id, placed in enumerate(images, start=1)
        for category_id in sorted(number[name] for name in placed.labels)
    ]
    write_tables(
        out,
        _image_frame(images, split, group),
        boxes.frame([placed.boxes for placed in images]),
        categories,
        table(sorted(ledger, key=lambda row: tuple(row.values())), REJECTED_COLUMNS),
        table(labels, LABEL_COLUMNS),
        notes,
    )


def _image_frame(
    images: list[PlacedImage], split: dict[str, str], group: dict[str, str]
) -> pd.DataFrame:
    import pandas as pd

    # A frame holds text far more closely than Python does, so that little is to be unpacked
    # at a time.
    parts = [
        _some_rows(images[start : start + _ROWS], start + 1, split, group)
        for start in range(0, max(1, len(images)), _ROWS)
    ]
    return pd.concat(parts, ignore_index=True)


def _some_rows(
    images: list[PlacedImage], first_id: int, split: dict[str, str], group: dict[str, str]
) -> pd.DataFrame:
    import pandas as pd

    unpacked = [placed.unpacked() for placed in images]
    finished = [item.image for item in unpacked]
    keys = [image.key for image in finished]
    stored = [image.stored for image in finished]
    shard, offset, length = zip(*(item.place for item in unpacked), strict=True)
    columns = {
        "image_id": np.arange(first_id, first_id + len(images)),
        "split": [split[key] for key in keys],
        "source": [image.source for image in finished],
        "name": [image.name for image in finished],
        "shard": shard,
        "offset": offset,
        "length": length,
        **{name: [getattr(item, name) for item in stored] for name in _STORED},
        "group": [group[key] for key in keys],
        "synthetic": [image.synthetic for image in finished],
    }
    return pd.DataFrame(columns)[list(IMAGE_COLUMNS)].astype(IMAGE_COLUMNS)
