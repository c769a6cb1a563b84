"""The dataset contract: what preprocess writes and every later stage reads.

A dataset is a folder::

    shards/<source>-00000.tar   the images, encoded, in uncompressed tar files
    images.parquet              one row an image (IMAGE_COLUMNS)
    annotations.parquet         one row a box (ANNOTATION_COLUMNS)
    labels.parquet              one row a class of an image as a whole (LABEL_COLUMNS)
    categories.json             [{"id": 1, "name": "..."}, ...]
    annotations/<split>.json    the same boxes as COCO ground truth
    statistics.json             counts by split and class
    rejected.parquet            the ledger: each image or box dropped, repaired or kept by a rule

Boxes are ``xywh`` in pixels of the upright original. Stored pixels are smaller: the images
table holds both sizes, and ``width / original_width`` is the horizontal scale. DVC tracks a
few tar files rather than one file an image, and a reader seeks straight to an image.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.errors import RepriseError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "val", "test")
REWRITE = "the dataset is damaged; write it again: dvc repro --force preprocess"

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
    "file_sha256": "str",  # of the file as it came
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
LABEL_COLUMNS = {
    "image_id": "int64",
    "category_id": "int64",  # of the image as a whole
}
REJECTED_COLUMNS = {
    "source": "str",
    "name": "str",
    "item": "str",  # "image" or "box"
    "action": "str",  # "dropped", "repaired" or "kept"
    "rule": "str",
    "detail": "str",
}


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
        labels: One row an image-level class, sorted by image and class.
        rejected: The ledger.
        categories: Sorted by ``category_id``.

    Args:
        root: The folder.
        pixels: False opens the tables alone, where the shards are not there.

    Raises:
        RepriseError: The folder is not a dataset.
    """

    def __init__(self, root: Path | str, pixels: bool = True) -> None:
        import pandas as pd

        self.root = Path(root)
        for name in (
            "images.parquet",
            "annotations.parquet",
            "labels.parquet",
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
        self.labels: pd.DataFrame = pd.read_parquet(self.root / "labels.parquet")
        self.rejected: pd.DataFrame = pd.read_parquet(self.root / "rejected.parquet")
        entries = read_json(self.root / "categories.json", REWRITE)
        self.categories = [Category(entry["id"], entry["name"]) for entry in entries]
        missing = [
            shard
            for shard in sorted(self.images["shard"].unique())
            if pixels and not (self.root / "shards" / shard).is_file()
        ]
        if missing:
            raise RepriseError(
                f"{root}/shards lacks {missing[0]}.",
                "bring it back (dvc checkout --force) or write it again (dvc repro preprocess).",
            )
        self._files: dict[tuple[int, str], int] = {}
        self._kept: dict[tuple[str, int], np.ndarray] = {}
        self._kept_splits: set[str] = set()

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
        truth: dict[str, Any] = read_json(path, REWRITE)
        return truth

    def label_truth(self, split: str) -> dict[str, Any]:
        """Classes of whole images: ``images``, ``categories`` and ``labels``.

        A class counts for an image when it is a label of it or the class of a box in it, so
        that a detection dataset can be classified too.
        """
        import pandas as pd

        rows, columns = self.split(split), ["image_id", "category_id"]
        pairs = pd.concat([self.labels[columns], self.annotations[columns]]).drop_duplicates()
        pairs = pairs[pairs["image_id"].isin(rows["image_id"])].sort_values(columns)
        files = (rows["source"] + "/" + rows["name"]).tolist()
        return {
            "images": [
                {"id": image_id, "file_name": file}
                for image_id, file in zip(rows["image_id"].tolist(), files, strict=True)
            ],
            "categories": [{"id": c.category_id, "name": c.name} for c in self.categories],
            "labels": pairs.to_dict("records"),
        }

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
                REWRITE,
            )
        return data

    def keep_pixels(self, split: str) -> None:
        """Decode a split's images into memory, once, for all processes that fork from here.

        Raises:
            RepriseError: They would take most of the memory that is free.
        """
        rows = self.split(split)
        needed = int((rows["width"] * rows["height"]).sum()) * 3
        require_memory(needed, f"the images of the {split} split")
        for shard, offset, length in zip(
            rows["shard"], rows["offset"], rows["length"], strict=True
        ):
            image = self.pixels(shard, offset, length)
            image.setflags(write=False)
            self._kept[shard, offset] = image
        self._kept_splits.add(split)

    def keeps_pixels(self, split: str) -> bool:
        """Whether a split's images are in memory."""
        return split in self._kept_splits

    def pixels(self, shard: str, offset: int, length: int) -> np.ndarray:
        """One stored image, decoded: uint8, shape (height, width, 3), RGB; perhaps read-only."""
        import cv2

        if (shard, offset) in self._kept:
            return self._kept[shard, offset]
        data = np.frombuffer(self.encoded(shard, offset, length), dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise RepriseError(
                f"the image at byte {offset} of {shard} does not decode.",
                REWRITE,
            )
        return image


def require_memory(needed: int, what: str) -> None:
    """Refuse to keep what would take most of the memory that is free.

    Args:
        needed: Bytes.
        what: That are kept.

    Raises:
        RepriseError: There are not as many.
    """
    import psutil

    free = psutil.virtual_memory().available
    if needed > free * 0.8:
        raise RepriseError(
            f"training.cache: ram needs {needed / 2**30:.1f} GiB for {what}, and "
            f"{free / 2**30:.1f} GiB are available.",
            "set training.cache: none, or lower data.image_size.",
        )


def table(rows: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    """Rows as a data frame with exactly these columns and dtypes, also when there are none."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def read_json(path: Path, fix: str) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        fix: What a person does when it is missing or damaged.

    Raises:
        RepriseError: It is.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", fix) from None
    except ValueError as error:
        raise RepriseError(f"{path} is not JSON: {error}", fix) from None


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write JSON the same way everywhere: UTF-8, order kept, one newline at the end."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
