"""A small multi-label dataset written straight in the dataset contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from datasets import add_image, write_rows
from reprise.preprocessing.store.shards import ShardWriter

CLASSES = ("red square", "blue disc", "green stripe")


def labelled_dataset(
    root: Path, train: int = 12, val: int = 6, test: int = 6, size: int = 64, seed: int = 0
) -> Path:
    """Images that show any of three things, or none: each is a label of the whole image.

    Every third image is not square. The green stripe is the rarest.
    """
    rng = np.random.default_rng(seed)
    writer = ShardWriter(root, "things")
    images: list[dict[str, Any]] = []
    labels: list[dict[str, int]] = []
    splits = ["train"] * train + ["val"] * val + ["test"] * test
    for image_id, split in enumerate(splits, start=1):
        width, height = size, size if image_id % 3 else size // 2
        shown = rng.random(len(CLASSES)) < (0.5, 0.5, 0.25)
        pixels = _picture(rng, width, height, shown)
        labels += [
            {"image_id": image_id, "category_id": index + 1}
            for index in np.flatnonzero(shown).tolist()
        ]
        images.append(add_image(writer, image_id, split, "things", pixels))
    writer.close()
    return write_rows(root, CLASSES, images, labels=labels)


def _picture(rng: np.random.Generator, width: int, height: int, shown: np.ndarray) -> np.ndarray:
    """Uint8 (height, width, 3) RGB: noise with the things that ``shown`` asks for."""
    pixels = rng.integers(90, 130, (height, width, 3), dtype=np.uint8)
    side = height // 3
    square, disc, stripe = shown
    if stripe:
        top = int(rng.integers(0, height - side // 2))
        pixels[top : top + side // 2] = (40, 200, 60)
    if square:
        x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        pixels[y : y + side, x : x + side] = (220, 40, 40)
    if disc:
        x, y = (int(rng.integers(side // 2, length - side // 2)) for length in (width, height))
        cv2.circle(pixels, (x, y), side // 2, (40, 60, 220), -1)
    return pixels
