"""The dataset contract: what preprocess writes and every later stage reads.

A dataset is a folder::

    shards/<source>-00000.tar   the images, encoded, in uncompressed tar files
    images.parquet              one row an image (IMAGE_COLUMNS)
    annotations.parquet         one row a box (ANNOTATION_COLUMNS)
    categories.json             [{"id": 1, "name": "..."}, ...]
    annotations/<split>.json    the same boxes as COCO ground truth
    statistics.json             counts by split and class
    rejected.parquet            one row for each image or box dropped or repaired

Boxes are ``xywh`` in pixels of the upright original. Stored pixels are smaller: the images
table holds both sizes, and ``width / original_width`` is the horizontal scale. DVC tracks a
few tar files rather than one file an image, and a reader seeks straight to an image.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.errors import RepriseError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "val", "test")

# Column name -> pandas dtype. image_id counts from 1 over (source, name) in sorted order.
IMAGE_COLUMNS = {
    "image_id": "int64",
    "split": "str",
    "source": "str",
    "name": "str",  # path of the file inside its source
    "shard": "str",
    "offset": "int64",  # of the encoded image's first byte in the shard
    "length": "int64",  # of the encoded image, in bytes
    "width": "int64",  # stored pixels
    "height": "int64",
    "original_width": "int64",  # pixels of the upright original
    "original_height": "int64",
    "sha256": "str",  # of the upright original's size and RGB pixels
    "perceptual_hash": "str",  # 64-bit DCT hash, 16 hexadecimal digits
    "group": "str",  # images of one group never meet across splits
    "synthetic": "bool",
}
ANNOTATION_COLUMNS = {
    "annotation_id": "int64",  # from 1: pycocotools reads id 0 as 'no match'
    "image_id": "int64",
    "category_id": "int64",
    "x": "float64",  # top-left corner, pixels of the upright original
    "y": "float64",
    "w": "float64",
    "h": "float64",
    "area": "float64",
    "iscrowd": "int64",
    "segmentation": "str",  # JSON: COCO polygons or RLE; "[]" when there is none
}
REJECTED_COLUMNS = {
    "source": "str",
    "name": "str",
    "item": "str",  # "image" or "box"
    "action": "str",  # "dropped" or "repaired"
    "rule": "str",
    "detail": "str",
}
SHARD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class Category:
    """A class: ``category_id`` counts from 1, the network's index is its place in the list."""

    category_id: int
    name: str


class Dataset:
    """A dataset folder, opened for reading.

    Attributes:
        root: The folder.
        images: One row an image, sorted by ``image_id``.
        annotations: One row a box, sorted by ``annotation_id``.
        categories: Sorted by ``category_id``.

    Raises:
        RepriseError: The folder is not a dataset.
    """

    def __init__(self, root: Path | str) -> None:
        import pandas as pd

        self.root = Path(root)
        for name in (
            "images.parquet",
            "annotations.parquet",
            "rejected.parquet",
            "categories.json",
        ):
            if not (self.root / name).is_file():
                raise RepriseError(
                    f"{root} is not a dataset: {name} is missing.",
                    "run the preprocess stage first: dvc repro preprocess",
                )
        self.images: pd.DataFrame = pd.read_parquet(self.root / "images.parquet")
        self.annotations: pd.DataFrame = pd.read_parquet(self.root / "annotations.parquet")
        self.rejected: pd.DataFrame = pd.read_parquet(self.root / "rejected.parquet")
        entries = json.loads((self.root / "categories.json").read_text(encoding="utf-8"))
        self.categories = [Category(entry["id"], entry["name"]) for entry in entries]
        missing = [
            shard
            for shard in sorted(self.images["shard"].unique())
            if not (self.root / "shards" / shard).is_file()
        ]
        if missing:
            raise RepriseError(
                f"{root}/shards lacks {missing[0]}.",
                "bring it back (dvc checkout --force) or write it again (dvc repro preprocess).",
            )
        self._files: dict[tuple[int, str], int] = {}

    @property
    def class_names(self) -> list[str]:
        """Class names in the order that the model numbers them."""
        return [category.name for category in self.categories]

    def split(self, name: str) -> pd.DataFrame:
        """Rows of the images table in one split, sorted by ``image_id``, index from 0."""
        return self.images[self.images["split"] == name].reset_index(drop=True)

    def boxes_of(self, image_ids: Iterable[int]) -> dict[int, pd.DataFrame]:
        """Annotation rows of each image asked for; an image without boxes gets no rows."""
        wanted = list(image_ids)
        rows = self.annotations[self.annotations["image_id"].isin(wanted)]
        grouped = {int(str(key)): frame for key, frame in rows.groupby("image_id")}
        empty = rows.iloc[:0]
        return {image_id: grouped.get(image_id, empty) for image_id in wanted}

    def ground_truth(self, split: str) -> dict[str, Any]:
        """COCO ground truth of one split, boxes xywh in pixels of the upright original."""
        path = self.root / "annotations" / f"{split}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def encoded(self, shard: str, offset: int, length: int) -> bytes:
        """The encoded bytes of one image, read at its offset without touching the rest."""
        # File descriptors are not shared with forked loader workers.
        key = (os.getpid(), shard)
        if key not in self._files:
            self._files[key] = os.open(self.root / "shards" / shard, os.O_RDONLY)
        data = os.pread(self._files[key], length, offset)
        if len(data) != length:
            raise RepriseError(
                f"{shard} ends before the image at byte {offset}.",
                "the dataset is damaged; write it again: dvc repro --force preprocess",
            )
        return data

    def pixels(self, shard: str, offset: int, length: int) -> np.ndarray:
        """One stored image, decoded: uint8, shape (height, width, 3), RGB."""
        import cv2

        data = np.frombuffer(self.encoded(shard, offset, length), dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise RepriseError(
                f"the image at byte {offset} of {shard} does not decode.",
                "the dataset is damaged; write it again: dvc repro --force preprocess",
            )
        return image


class ShardWriter:
    """Packs encoded images of one source into numbered tar files, the same bytes each time."""

    def __init__(self, root: Path, source: str, limit: int = SHARD_BYTES) -> None:
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = source
        self._limit = limit
        self._count = 0
        self._tar: tarfile.TarFile | None = None

    def add(self, name: str, data: bytes) -> tuple[str, int, int]:
        """Append one image; returns ``(shard, offset, length)``."""
        if self._tar is not None and self._tar.offset + len(data) > self._limit:
            self.close()
        shard = f"{self._source}-{self._count:05d}.tar"
        if self._tar is None:
            # Open until it is full or closed, over many calls.
            self._tar = tarfile.TarFile(self._folder / shard, "w", format=tarfile.PAX_FORMAT)
        info = tarfile.TarInfo(name)
        info.size = len(data)
        header = len(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        offset = self._tar.offset + header
        self._tar.addfile(info, io.BytesIO(data))
        return shard, offset, len(data)

    def close(self) -> None:
        """Finish the shard being written; the next image starts a new one."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
            self._count += 1


def table(rows: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    """Rows as a data frame with exactly these columns and dtypes, also when there are none."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def write_tables(
    root: Path,
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: list[Category],
    rejected: pd.DataFrame,
) -> None:
    """Write everything of a dataset but its shards.

    Args:
        root: The dataset folder.
        images: Columns IMAGE_COLUMNS, sorted by ``image_id``.
        annotations: Columns ANNOTATION_COLUMNS, sorted by ``annotation_id``.
        categories: Sorted by ``category_id``.
        rejected: Columns REJECTED_COLUMNS: the ledger.
    """
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("images", images),
        ("annotations", annotations),
        ("rejected", rejected),
    ):
        frame.to_parquet(root / f"{name}.parquet", index=False, compression="zstd")
    entries = [{"id": item.category_id, "name": item.name} for item in categories]
    write_json(root / "categories.json", entries)
    for split in SPLITS:
        rows = images[images["split"] == split]
        write_json(
            root / "annotations" / f"{split}.json", _coco(rows, annotations, entries), indent=None
        )
    write_json(root / "statistics.json", statistics(images, annotations, categories, rejected))


def _coco(
    images: pd.DataFrame, annotations: pd.DataFrame, categories: list[dict[str, Any]]
) -> dict[str, Any]:
    kept = annotations[annotations["image_id"].isin(images["image_id"])]
    # Typed loosely: pandas' stubs give a named row no types of its columns.
    image_rows: Any = images.itertuples(index=False)
    box_rows: Any = kept.itertuples(index=False)
    return {
        "info": {"description": "Reprise dataset"},
        "images": [
            {
                "id": int(row.image_id),
                "file_name": f"{row.source}/{row.name}",
                "width": int(row.original_width),
                "height": int(row.original_height),
            }
            for row in image_rows
        ],
        "annotations": [
            {
                "id": int(row.annotation_id),
                "image_id": int(row.image_id),
                "category_id": int(row.category_id),
                "bbox": [row.x, row.y, row.w, row.h],
                "area": row.area,
                "iscrowd": int(row.iscrowd),
                "segmentation": json.loads(row.segmentation),
            }
            for row in box_rows
        ],
        "categories": categories,
    }


def statistics(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: list[Category],
    rejected: pd.DataFrame,
) -> dict[str, Any]:
    """Counts that describe a dataset, by split, class and source."""
    split_of = images.set_index("image_id")["split"]
    boxes = annotations.assign(split=annotations["image_id"].map(split_of))
    by_split: dict[str, Any] = {}
    for split in SPLITS:
        rows = images[images["split"] == split]
        inside = boxes[boxes["split"] == split]
        counts = inside["category_id"].value_counts()
        by_split[split] = {
            "images": len(rows),
            "synthetic_images": int(rows["synthetic"].sum()),
            "images_without_boxes": int((~rows["image_id"].isin(inside["image_id"])).sum()),
            "groups": int(rows["group"].nunique()),
            "boxes": len(inside),
            "boxes_by_class": {c.name: int(counts.get(c.category_id, 0)) for c in categories},
        }
    sources = images.groupby("source").size()
    return {
        "splits": by_split,
        "images_by_source": {str(name): int(count) for name, count in sources.items()},
        "dropped": int((rejected["action"] == "dropped").sum()),
        "repaired": int((rejected["action"] == "repaired").sum()),
    }


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write JSON the same way everywhere: UTF-8, order kept, one newline at the end."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
