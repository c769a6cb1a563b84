"""Small datasets written straight in the dataset contract, for tests of later stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    REJECTED_COLUMNS,
    Category,
    table,
)
from reprise.preprocessing.store.contract import write_tables
from reprise.preprocessing.store.shards import ShardWriter

CLASSES = ("square", "disc")
Rows = Sequence[dict[str, Any]]


def add_image(
    writer: ShardWriter,
    image_id: int,
    split: str,
    source: str,
    pixels: np.ndarray,
    scale: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """Store an image; its row of the images table, in which ``more`` replaces columns.

    Args:
        writer: Of the dataset's shards.
        image_id: From 1.
        split: Of the image.
        source: Of the image.
        pixels: Uint8 (height, width, 3) RGB.
        scale: How many times larger the original is.
        more: Values of columns.
    """
    name = more.get("name", f"{image_id:04d}.png")
    encoded = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    shard, offset, length = writer.add(name, encoded)
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return {
        "image_id": image_id,
        "split": split,
        "source": source,
        "name": name,
        "shard": shard,
        "offset": offset,
        "length": length,
        "width": width,
        "height": height,
        "original_width": scale * width,
        "original_height": scale * height,
        "sha256": digest,
        "file_sha256": digest,
        "perceptual_hash": digest[:16],
        "group": f"image-{image_id}",
        "synthetic": False,
        **more,
    }


def write_rows(
    root: Path,
    classes: Sequence[str],
    images: Rows,
    annotations: Rows = (),
    labels: Rows = (),
    rejected: Rows = (),
) -> Path:
    """Write everything of a dataset folder but its shards; the class ids count from 1."""
    write_tables(
        root,
        table(list(images), IMAGE_COLUMNS),
        table(list(annotations), ANNOTATION_COLUMNS),
        [Category(index, name) for index, name in enumerate(classes, start=1)],
        table(list(rejected), REJECTED_COLUMNS),
        table(list(labels), LABEL_COLUMNS),
    )
    return root


def shapes_dataset(
    root: Path,
    train: int = 12,
    val: int = 6,
    test: int = 6,
    size: int = 64,
    seed: int = 0,
    masks: bool = False,
    square: bool = False,
) -> Path:
    """Coloured squares and discs on noise: a dataset that a detector can learn in a minute.

    Originals are twice the stored ``size``, so that a forgotten scale shows. With ``masks``
    each object has its outline as a polygon. Every third image is lower than it is wide, unless
    all are to be ``square``.
    """
    rng = np.random.default_rng(seed)
    writer = ShardWriter(root, "shapes")
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    splits = ["train"] * train + ["val"] * val + ["test"] * test
    for image_id, split in enumerate(splits, start=1):
        height = size if square or image_id % 3 else size * 3 // 4
        pixels = rng.integers(90, 130, (height, size, 3), dtype=np.uint8)
        for _ in range(int(rng.integers(1, 4))):
            category_id = int(rng.integers(1, 3))
            side = int(rng.integers(size // 5, size // 3))
            x, y = int(rng.integers(0, size - side)), int(rng.integers(0, height - side))
            colour = (220, 40, 40) if category_id == 1 else (40, 60, 220)
            if category_id == 1:
                cv2.rectangle(pixels, (x, y), (x + side - 1, y + side - 1), colour, -1)
            else:
                centre = (x + side // 2, y + side // 2)
                cv2.circle(pixels, centre, side // 2, colour, -1, cv2.LINE_AA)
            annotations.append(
                {
                    "annotation_id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category_id,
                    "x": 2.0 * x,
                    "y": 2.0 * y,
                    "w": 2.0 * side,
                    "h": 2.0 * side,
                    "area": 4.0 * side * side,
                    "iscrowd": 0,
                    "segmentation": outline(category_id, x, y, side) if masks else "[]",
                }
            )
        images.append(add_image(writer, image_id, split, "shapes", pixels, scale=2))
    writer.close()
    return write_rows(root, CLASSES, images, annotations)


def outline(category_id: int, x: int, y: int, side: int) -> str:
    """JSON of the COCO polygon, in pixels of the original, of a shape in stored pixels."""
    turns = np.arange(4) / 4 + 1 / 8 if category_id == 1 else np.arange(32) / 32
    radius = side * np.sqrt(2) if category_id == 1 else side
    centre = np.array([2 * x + side, 2 * y + side])
    points = centre + radius * np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], 1)
    return json.dumps([points.round(3).ravel().tolist()])
