"""The images of one split, as every family's samples read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reprise.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd


class SplitImages:
    """A split's images, by index, and their objects.

    Args:
        dataset: The dataset.
        split: train, val or test.
        image_size: Longest side in pixels that :meth:`resized` gives.

    Attributes:
        image_ids: Of the images table.
        original: (height, width) of the upright originals.
    """

    def __init__(self, dataset: Dataset, split: str, image_size: int) -> None:
        self.dataset = dataset
        self.image_size = image_size
        rows = dataset.split(split)
        # Plain lists: a data frame row costs more than decoding a small image.
        self.image_ids: list[int] = rows["image_id"].tolist()
        self._places = list(zip(rows["shard"], rows["offset"], rows["length"], strict=True))
        self._stored = rows[["height", "width"]].to_numpy().tolist()
        self.original: list[tuple[int, int]] = [
            (height, width)
            for height, width in rows[["original_height", "original_width"]].to_numpy().tolist()
        ]

    def __len__(self) -> int:
        return len(self.image_ids)

    def objects(self) -> Iterator[tuple[pd.DataFrame, list[int]]]:
        """Of each image its annotation rows without crowd regions, and their class indices."""
        index_of = {c.category_id: i for i, c in enumerate(self.dataset.categories)}
        for rows in self.dataset.boxes_of(self.image_ids).values():
            single = rows[rows["iscrowd"] == 0]
            yield single, [index_of[value] for value in single["category_id"]]

    def resized_shape(self, index: int) -> tuple[int, int]:
        """(height, width) of :meth:`resized`."""
        height, width = self._stored[index]
        ratio = self.image_size / max(height, width)
        return max(round(height * ratio), 1), max(round(width * ratio), 1)

    def pixels(self, index: int) -> np.ndarray:
        """An image as it is stored: uint8 (h, w, 3) RGB, perhaps read-only."""
        return self.dataset.pixels(*self._places[index])

    def resized(self, index: int) -> np.ndarray:
        """An image with ``image_size`` as its longest side: uint8 (h, w, 3) RGB."""
        pixels, (height, width) = self.pixels(index), self.resized_shape(index)
        if pixels.shape[:2] == (height, width):
            return pixels
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
