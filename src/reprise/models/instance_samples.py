"""Samples with boxes and masks for the families that have no transforms of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset as Samples
from torchvision import tv_tensors

from reprise.dataset import Dataset, require_memory
from reprise.errors import RepriseError
from reprise.masks.resize import decode_resized
from reprise.models.augment import build, sample_seed, seeded
from reprise.models.config import AugmentationConfig
from reprise.models.split_images import SplitImages

# A box that augmentation leaves with a shorter side, in network pixels, is not a target.
LEAST_SIDE = 1.0
# Nor is one of which less than this share stays in the image.
LEAST_SHARE = 0.1
NARROWEST = 0.01  # pixels

Sample = dict[str, Any]


class InstanceSamples(Samples[Sample]):
    """A split as tensors, at the size that it is stored in.

    A sample holds ``image`` uint8 (3, h, w) RGB; ``boxes`` float32 (n, 4) xyxy in pixels of
    that image; ``labels`` int64 (n,), class indices from 0; with ``masks`` also ``masks``
    uint8 (n, h, w), 0 or 1; ``image_id``; and ``original``, (height, width) of the upright
    original, which box coordinates return to by its ratio to (h, w). Crowd regions are left
    out, and so are training objects that are too small to learn; every box has a positive
    width and height. Sampling touches no global random state.

    Args:
        dataset: The dataset.
        split: train, val or test.
        masks: Whether masks are read.
        augmentation: Applied to samples indexed by ``(epoch, index)``; None for none.
        seed: Of augmentation.
        image_size: Images whose longest side is another are resized to it.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        image_size: int,
        masks: bool = False,
        augmentation: AugmentationConfig | None = None,
        seed: int = 0,
    ) -> None:
        self._images = SplitImages(dataset, split, image_size)
        self._masks = masks
        self._seed = seed
        self._transform = build(augmentation) if augmentation else None
        # The box of a turned mask is tighter than the turned box.
        turned = augmentation is not None and augmentation.enabled and augmentation.rotation > 0
        self._redraw = masks and turned
        self._boxes, self._labels, self._shapes = [], [], []
        for found, labels in self._images.objects():
            self._boxes.append(found[["x", "y", "w", "h"]].to_numpy(dtype=np.float64))
            self._labels.append(labels)
            self._shapes.append(found["segmentation"].tolist() if masks else [])
        self._bits: list[np.ndarray] = []
        if masks and dataset.keeps_pixels(split):
            self._keep_masks(split)

    def __len__(self) -> int:
        return len(self._images)

    def shape(self, index: int) -> tuple[int, int]:
        """(height, width) of the sample's image."""
        return self._images.resized_shape(index)

    def __getitem__(self, place: int | tuple[int, int]) -> Sample:
        if isinstance(place, int):
            return self._plain(place)
        sample = self._plain(place[1])
        if self._transform is None:
            return _learnable(sample, sample["boxes"])
        return _changed(sample, self._transform, self._redraw, sample_seed(self._seed, *place))

    def _plain(self, index: int) -> Sample:
        pixels, original = self._images.resized(index), self._images.original[index]
        height, width = pixels.shape[:2]
        scale = np.array([width / original[1], height / original[0]] * 2)
        xywh = self._boxes[index] * scale
        # Rounded to float32, far from the origin, a much narrower box would have no width.
        sides = np.maximum(xywh[:, 2:], NARROWEST)
        corners = np.concatenate([xywh[:, :2], xywh[:, :2] + sides], axis=1)
        sample: Sample = {
            "image": torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
            "boxes": torch.from_numpy(corners.astype(np.float32)),
            "labels": torch.tensor(self._labels[index], dtype=torch.int64),
            "image_id": self._images.image_ids[index],
            "original": original,
        }
        if self._masks:
            sample["masks"] = torch.from_numpy(self._masks_of(index))
        return sample

    def _masks_of(self, index: int) -> np.ndarray:
        """Uint8 (n, h, w), 0 or 1, of a sample's own."""
        size, shapes = self.shape(index), self._shapes[index]
        if self._bits:
            count = len(shapes) * size[0] * size[1]
            return np.unpackbits(self._bits[index], count=count).reshape(len(shapes), *size)
        masks = [decode_resized(text, self._images.original[index], size) for text in shapes]
        return np.stack(masks) if masks else np.zeros((0, *size), dtype=np.uint8)

    def _keep_masks(self, split: str) -> None:
        """Decode all masks, once, to a bit a pixel.

        Raises:
            RepriseError: They would take most of the memory that is free.
        """
        pixels = [
            math.prod(self.shape(index)) * len(shapes) for index, shapes in enumerate(self._shapes)
        ]
        require_memory(sum(pixels) // 8, f"the masks of the {split} split")
        self._bits = [np.packbits(self._masks_of(index)) for index in range(len(self))]


def _changed(sample: Sample, transform: torch.nn.Module, redraw: bool, seed: int) -> Sample:
    """An augmented copy, without the objects that left the image."""
    height, width = sample["image"].shape[1:]
    tensors = {
        "image": tv_tensors.Image(sample["image"]),
        # The boxes move unclamped, so that the share of each that stays can be computed.
        "boxes": tv_tensors.BoundingBoxes(
            sample["boxes"], format="XYXY", canvas_size=(height, width), clamping_mode=None
        ),
    }
    if "masks" in sample:
        tensors["masks"] = tv_tensors.Mask(sample["masks"])
    drawn = seeded(transform, tensors, seed)
    moved = {key: value.as_subclass(torch.Tensor) for key, value in drawn.items()}
    changed = _learnable({**sample, **moved}, moved["boxes"])
    if redraw:
        boxes = boxes_of_masks(changed["masks"])
        return _learnable({**changed, "boxes": boxes}, boxes)
    return changed


def _learnable(sample: Sample, whole: torch.Tensor) -> Sample:
    """A sample with its boxes cut at the image's edge, without objects too little of which
    is to be seen; ``whole`` are the boxes before anything was cut off."""
    height, width = sample["image"].shape[1:]
    limits = torch.tensor([width, height, width, height], dtype=whole.dtype)
    boxes = torch.minimum(sample["boxes"].clamp(min=0), limits)
    sides = boxes[:, 2:] - boxes[:, :2]
    share = sides.prod(dim=1) / (whole[:, 2:] - whole[:, :2]).prod(dim=1).clamp(min=1e-6)
    kept = (sides >= LEAST_SIDE).all(dim=1) & (share >= LEAST_SHARE)
    if "masks" in sample:
        kept &= sample["masks"].flatten(1).any(dim=1).bool()
        sample = {**sample, "masks": sample["masks"][kept]}
    return {**sample, "boxes": boxes[kept], "labels": sample["labels"][kept]}


def boxes_of_masks(masks: torch.Tensor) -> torch.Tensor:
    """Float32 (n, 4) xyxy around uint8 masks (n, h, w), none of them empty.

    The right and lower sides lie after the last pixel, as COCO's boxes do.
    """
    from torchvision.ops import masks_to_boxes

    if not len(masks):
        return torch.zeros((0, 4))
    boxes: torch.Tensor = masks_to_boxes(masks)
    boxes[:, 2:] += 1
    return boxes


def require_masks(dataset: Dataset, type_: str) -> None:
    """Refuse a dataset whose objects have no masks.

    Raises:
        RepriseError: Names how many lack one, and an image.
    """
    rows = dataset.annotations[dataset.annotations["iscrowd"] == 0]
    bare = rows[rows["segmentation"].isin(["[]", "", "null"])]
    if bare.empty:
        return
    names = dataset.images.set_index("image_id")["name"]
    raise RepriseError(
        f"model.type: {type_} learns masks, and {len(bare)} of {len(rows)} objects have none "
        f"(the first in {names[bare['image_id'].iloc[0]]}).",
        "label polygons or masks, or train on the boxes: model.type yolo or faster_rcnn with "
        "model.task auto.",
    )
