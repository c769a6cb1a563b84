"""Samples of the multi-label family: square images and the classes that they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset as Samples
from torchvision.transforms.v2 import functional

from reprise.dataset import Dataset
from reprise.models.augment import build, sample_seed, seeded
from reprise.models.config import AugmentationConfig
from reprise.models.split_images import SplitImages

Sample = dict[str, Any]


class LabelSamples(Samples[Sample]):
    """A split as square images with their classes.

    A sample holds ``image`` uint8 (3, size, size) RGB; ``targets`` float32 (classes,), 0 or 1;
    and ``image_id``.

    An image that is not square is stretched, not padded: all of it is seen at the full
    resolution, no grey bars enter the mean over the image that the classes are read from, and
    networks pretrained on crops of random proportions accept it. It is augmented before, at its
    own proportions, so that a turn is a turn.

    Args:
        dataset: The dataset.
        split: train, val or test.
        image_size: Side of the square, in pixels.
        augmentation: Applied to samples indexed by ``(epoch, index)``; None for none.
        seed: Of augmentation.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        image_size: int,
        augmentation: AugmentationConfig | None = None,
        seed: int = 0,
    ) -> None:
        self._images = SplitImages(dataset, split, image_size)
        self._size = image_size
        self._seed = seed
        self._transform = build(augmentation) if augmentation else None
        self._targets = targets_of(dataset, split)

    def __len__(self) -> int:
        return len(self._images)

    def shape(self, index: int) -> tuple[int, int]:  # noqa: ARG002 - one shape for all
        """(height, width) of the sample's image."""
        return self._size, self._size

    def __getitem__(self, place: int | tuple[int, int]) -> Sample:
        index = place if isinstance(place, int) else place[1]
        pixels = self._images.pixels(index).transpose(2, 0, 1)
        image = torch.from_numpy(np.ascontiguousarray(pixels))
        if self._transform is not None and not isinstance(place, int):
            image = seeded(self._transform, image, sample_seed(self._seed, *place))
        return {
            "image": functional.resize(image, [self._size, self._size], antialias=True),
            "targets": self._targets[index],
            "image_id": self._images.image_ids[index],
        }


def targets_of(dataset: Dataset, split: str) -> torch.Tensor:
    """Float32 (images, classes) of a split, in the order of its rows: 1 where an image has a
    class, by a label or by a box."""
    truth = dataset.label_truth(split)
    row_of = {image["id"]: row for row, image in enumerate(truth["images"])}
    column_of = {category["id"]: column for column, category in enumerate(truth["categories"])}
    targets = torch.zeros(len(row_of), len(column_of))
    for label in truth["labels"]:
        targets[row_of[label["image_id"]], column_of[label["category_id"]]] = 1
    return targets


def collate(samples: list[Sample]) -> dict[str, Any]:
    """Batch for the network and its loss.

    Returns:
        ``images`` uint8 (n, 3, size, size) RGB; ``targets`` float32 (n, classes); ``image_ids``.
    """
    return {
        "images": torch.stack([sample["image"] for sample in samples]),
        "targets": torch.stack([sample["targets"] for sample in samples]),
        "image_ids": [sample["image_id"] for sample in samples],
    }
