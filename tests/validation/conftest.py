"""A small sound dataset, and a way to spoil one thing of it at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from datasets import write_rows
from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.preprocessing.store.shards import ShardWriter
from reprise.validation.config import ExpectationsConfig
from reprise.validation.validate import validate

# Originals are twice as large as the stored images.
WIDTH, HEIGHT = 64, 48
SPLITS = ["train"] * 8 + ["val"] * 3 + ["test"] * 3


class Draft:
    """The tables of a dataset as plain rows, to change before they are written.

    Fourteen images named 00.png to 13.png in the source ``cells``: eight in train, three in
    val, three in test. Each has a box of class ``red`` and one of class ``white``, so that
    image 01.png owns the annotations 3 and 4.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.categories = [Category(1, "red"), Category(2, "white")]
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.labels: list[dict[str, Any]] = []
        self.rejected: list[dict[str, Any]] = []
        self.encoded: list[bytes] = []
        for place, split in enumerate(SPLITS):
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            self.encoded.append(cv2.imencode(".png", pixels)[1].tobytes())
            self.images.append(self._image(place, split, pixels, rng))
            for category_id in (1, 2):
                self.annotations.append(self._box(place, category_id))

    def _image(
        self, place: int, split: str, pixels: np.ndarray, rng: np.random.Generator
    ) -> dict[str, Any]:
        return {
            "image_id": place + 1,
            "split": split,
            "source": "cells",
            "name": f"{place:02d}.png",
            "width": WIDTH,
            "height": HEIGHT,
            "original_width": 2 * WIDTH,
            "original_height": 2 * HEIGHT,
            "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
            "perceptual_hash": rng.bytes(8).hex(),
            "group": f"slide-{place}",
            "synthetic": False,
        }

    def _box(self, place: int, category_id: int) -> dict[str, Any]:
        return {
            "annotation_id": len(self.annotations) + 1,
            "image_id": place + 1,
            "category_id": category_id,
            "x": 10.0 * category_id,
            "y": 20.0,
            "w": 30.0,
            "h": 25.0,
            "area": 750.0,
            "iscrowd": 0,
            "segmentation": "[]",
        }

    def label_whole_images(self) -> None:
        """Labels in place of boxes: every image is ``red``, every other one ``white`` too."""
        self.annotations = []
        self.labels = [{"image_id": row["image_id"], "category_id": 1} for row in self.images]
        self.labels += [{**row, "category_id": 2} for row in self.labels[::2]]
        self.labels.sort(key=lambda row: (row["image_id"], row["category_id"]))

    def box(self, number: int, **values: Any) -> None:
        """Change some values of the box with this annotation id."""
        self.annotations[number - 1].update(values)

    def image(self, place: int, **values: Any) -> None:
        """Change some values of the image at a place (from 0)."""
        self.images[place].update(values)

    def write(self, root: Path) -> Path:
        """Write the dataset folder."""
        writer = ShardWriter(root, "cells")
        for row, data in zip(self.images, self.encoded, strict=True):
            shard, offset, length = writer.add(row["name"], data)
            row.setdefault("shard", shard)
            row.setdefault("offset", offset)
            row.setdefault("length", length)
        writer.close()
        tables = (self.images, self.annotations, self.labels, self.rejected)
        return write_rows(root, [entry.name for entry in self.categories], *tables)


@pytest.fixture
def draft() -> Draft:
    return Draft()


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[..., str]:
    """Writes a draft, validates it with the given expectations, returns the refusal's text."""

    def run(draft: Draft, **expectations: Any) -> str:
        dataset = draft.write(tmp_path / "dataset")
        with pytest.raises(RepriseError) as caught:
            validate(dataset, ExpectationsConfig(**expectations), tmp_path / "out", workers=1)
        return str(caught.value)

    return run
