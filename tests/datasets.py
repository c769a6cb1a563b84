"""Small datasets written straight in the dataset contract, for tests of later stages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    REJECTED_COLUMNS,
    Category,
    table,
)
from reprise.preprocessing.store.contract import write_tables
from reprise.preprocessing.store.shards import ShardWriter

CLASSES = ("square", "disc")


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
        encoded = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
        name = f"{image_id:04d}.png"
        shard, offset, length = writer.add(name, encoded)
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        images.append(
            {
                "image_id": image_id,
                "split": split,
                "source": "shapes",
                "name": name,
                "shard": shard,
                "offset": offset,
                "length": length,
                "width": size,
                "height": height,
                "original_width": 2 * size,
                "original_height": 2 * height,
                "sha256": digest,
                "file_sha256": digest,
                "perceptual_hash": digest[:16],
                "group": f"image-{image_id}",
                "synthetic": False,
            }
        )
    writer.close()
    write_tables(
        root,
        table(images, IMAGE_COLUMNS),
        table(annotations, ANNOTATION_COLUMNS),
        [Category(index, name) for index, name in enumerate(CLASSES, start=1)],
        table([], REJECTED_COLUMNS),
    )
    return root


def outline(category_id: int, x: int, y: int, side: int) -> str:
    """JSON of the COCO polygon, in pixels of the original, of a shape in stored pixels."""
    turns = np.arange(4) / 4 + 1 / 8 if category_id == 1 else np.arange(32) / 32
    radius = side * np.sqrt(2) if category_id == 1 else side
    centre = np.array([2 * x + side, 2 * y + side])
    points = centre + radius * np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], 1)
    return json.dumps([points.round(3).ravel().tolist()])
