"""Samples of the SAM family: square images, prompts, and the masks that they ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset as Samples

from reprise.models.augment import sample_seed
from reprise.models.instance_samples import InstanceSamples

# The mean of ImageNet: zero to the network, as the reference pads.
PADDING = (124, 116, 104)
# Prompts an image and step; those of a fuller image are drawn anew each epoch.
PROMPTS = 16
# Boxes are jittered as in Kirillov et al. (2023).
JITTER_SHARE, JITTER_PIXELS = 0.1, 20.0

Sample = dict[str, Any]


class PromptedSamples(Samples[Sample]):
    """A split as square images with prompts.

    Indexed by ``(epoch, index)``: at most PROMPTS of the objects, each prompted by a
    jittered box or by a point in its mask. Indexed by ``index``: all objects,
    by their boxes as they are.

    A sample holds ``image`` uint8 (3, s, s), padded at the right and below; by object
    ``boxes`` float32 (k, 4) xyxy and ``points`` float32 (k, 2), the prompts in pixels of that
    image, ``by_box`` bool (k,), which of them counts, ``objects`` float32 (k, 4), the true
    boxes, ``labels`` int64 (k,), class indices from 0, and ``targets`` uint8 (k, s / cell,
    s / cell), how many pixels of each cell the object covers; ``image_id``; ``size``, (height,
    width) without the padding; and ``original``, (height, width) of the upright original.

    Args:
        instances: The split, with masks.
        image_size: s.
        cell: Side of a mask's cell in pixels.
        point_prompts: Share of points among the prompts.
        seed: Of the prompts.
    """

    def __init__(
        self,
        instances: InstanceSamples,
        image_size: int,
        cell: int,
        point_prompts: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._instances = instances
        self._side = image_size
        self._cell = cell
        self._point_prompts = point_prompts
        self._seed = seed

    def __len__(self) -> int:
        return len(self._instances)

    def shape(self, index: int) -> tuple[int, int]:  # noqa: ARG002 - one shape for all
        """The network's input (height, width)."""
        return self._side, self._side

    def __getitem__(self, place: int | tuple[int, int]) -> Sample:
        sample = self._instances[place]
        boxes = sample["boxes"]
        if isinstance(place, int):
            return self._square(sample) | {
                "boxes": boxes,
                "points": torch.zeros((len(boxes), 2)),
                "by_box": torch.ones(len(boxes), dtype=torch.bool),
            }
        rng = np.random.default_rng(sample_seed(self._seed, *place))
        chosen = torch.from_numpy(np.sort(rng.permutation(len(boxes))[:PROMPTS]))
        sample |= {name: sample[name][chosen] for name in ("boxes", "labels", "masks")}
        height, width = sample["image"].shape[1:]
        points = torch.zeros((len(chosen), 2))
        return self._square(sample) | {
            "boxes": jittered(sample["boxes"], (height, width), rng),
            "points": points_in(sample["masks"], rng) if self._point_prompts else points,
            "by_box": torch.from_numpy(rng.random(len(chosen)) >= self._point_prompts),
        }

    def _square(self, sample: Sample) -> Sample:
        height, width = sample["image"].shape[1:]
        image = torch.tensor(PADDING, dtype=torch.uint8)[:, None, None]
        image = image.repeat(1, self._side, self._side)
        image[:, :height, :width] = sample["image"]
        return {
            "image": image,
            "objects": sample["boxes"],
            "labels": sample["labels"],
            "targets": covered(sample["masks"], self._side, self._cell),
            "image_id": sample["image_id"],
            "size": (height, width),
            "original": sample["original"],
        }


def jittered(boxes: torch.Tensor, size: tuple[int, int], rng: np.random.Generator) -> torch.Tensor:
    """Float32 boxes (k, 4) xyxy with each side moved a little, inside (height, width).

    The noise is normal, its deviation a tenth of the box's side, and at most 20 pixels.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    noise = torch.from_numpy(rng.normal(size=tuple(boxes.shape)).astype(np.float32))
    moved = boxes + (noise * sides * JITTER_SHARE).clamp(-JITTER_PIXELS, JITTER_PIXELS)
    height, width = size
    limits = torch.tensor([width, height], dtype=moved.dtype)
    start = torch.minimum(moved[:, :2].clamp(min=0), limits - 1)
    return torch.cat([start, torch.minimum(torch.maximum(moved[:, 2:], start + 1), limits)], dim=1)


def points_in(masks: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Float32 (k, 2): x and y of one pixel of each mask, uint8 (k, h, w), none of them empty."""
    points = np.zeros((len(masks), 2), dtype=np.float32)
    for index, mask in enumerate(masks.numpy()):
        pixels = np.flatnonzero(mask)
        y, x = divmod(int(pixels[rng.integers(len(pixels))]), mask.shape[1])
        points[index] = x, y
    return torch.from_numpy(points)


def covered(masks: torch.Tensor, side: int, cell: int) -> torch.Tensor:
    """Uint8 (k, side / cell, side / cell): pixels of each cell that masks (k, h, w) cover."""
    count, height, width = masks.shape
    padded = torch.nn.functional.pad(masks, (0, side - width, 0, side - height))
    cells = side // cell
    # One direction after the other: torch sums over two at once many times slower.
    rows = padded.reshape(count, cells, cell, side).sum(dim=2, dtype=torch.uint8)
    return rows.reshape(count, cells, cells, cell).sum(dim=3, dtype=torch.uint8)


def collate(samples: list[Sample]) -> dict[str, Any]:
    """A batch: ``images`` uint8 (n, 3, s, s); what samples hold by object one after another,
    ``counts`` of each image's; and ``image_ids``, ``sizes`` and ``originals`` as lists."""
    names = ("boxes", "points", "by_box", "objects", "labels", "targets")
    return {
        "images": torch.stack([sample["image"] for sample in samples]),
        **{name: torch.cat([sample[name] for sample in samples]) for name in names},
        "counts": [len(sample["labels"]) for sample in samples],
        "image_ids": [sample["image_id"] for sample in samples],
        "sizes": [sample["size"] for sample in samples],
        "originals": [sample["original"] for sample in samples],
    }
