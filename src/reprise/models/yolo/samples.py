"""Training and evaluation samples of the YOLO family, through ultralytics' augmentation.

Pixels are BGR uint8 until :class:`Format` turns them into RGB, as that library expects.
"""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset as Samples

from reprise.dataset import Dataset
from reprise.models.augment import NOISE, PIXELS, build, parameters_of, sample_seed, seeded
from reprise.models.config import AugmentationConfig
from reprise.models.split_images import SplitImages
from reprise.models.yolo.library import Instances, transforms
from reprise.models.yolo.segments import outline, segments_of

PADDING = 114  # the grey that the family's published weights were trained with
STRIDE = 32
MASK_STRIDE = 4  # network pixels to a pixel of the masks that the loss compares
# The parameters whose changes are made here.
OWN = frozenset(
    f"augmentation.{name}"
    for name in (
        *("mosaic", "mixup", "copy_paste", "flip_horizontal", "flip_vertical"),
        *("rotation", "translation", "scale"),
        *("hue", "saturation", "brightness", "contrast", "blur", "noise"),
    )
)
# Those of other pixel changes, which are made as in every family.
SHARED = tuple(one for one in PIXELS if not parameters_of([one]) <= OWN)
SUPPORTED = OWN | parameters_of(SHARED)


class Pixels(SplitImages):
    """Images and boxes of one split, resized so that the longest side is ``image_size``.

    With ``masks``, outlines of the objects too. It has the attributes and the method that
    ultralytics' mixing transforms ask of a dataset. ``cache = "ram"`` tells mosaic to draw
    from the whole split instead of from a buffer whose content would depend on the order of
    earlier samples.
    """

    cache = "ram"

    def __init__(self, dataset: Dataset, split: str, image_size: int, masks: bool = False) -> None:
        super().__init__(dataset, split, image_size)
        self.masks = masks
        self._boxes: list[np.ndarray] = []
        self._classes: list[np.ndarray] = []
        self._paths: list[list[np.ndarray]] = []
        for index, (found, labels) in enumerate(self.objects()):
            height, width = self.original[index]
            xywh = found[["x", "y", "w", "h"]].to_numpy(dtype=np.float32)
            centred = np.concatenate([xywh[:, :2] + xywh[:, 2:] / 2, xywh[:, 2:]], axis=1)
            self._boxes.append(centred / np.array([width, height] * 2, dtype=np.float32))
            self._classes.append(np.array(labels, dtype=np.float32).reshape(-1, 1))
            if masks:
                size = self.resized_shape(index)
                shapes = zip(found["segmentation"], xywh, strict=True)
                self._paths.append(
                    [outline(text, box, (height, width), size) for text, box in shapes]
                )
        lengths = [len(path) for paths in self._paths for path in paths]
        self._points = max(lengths, default=1)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """A fresh sample: ``img`` BGR uint8 (h, w, 3), boxes xywh centred, normalised."""
        segments = np.zeros((0, 1000, 2), dtype=np.float32)
        if self.masks:
            segments = segments_of(self._paths[index], self.resized_shape(index), self._points)
        return {
            "im_file": str(self.image_ids[index]),
            "img": np.ascontiguousarray(self.resized(index)[..., ::-1]),
            "cls": self._classes[index].copy(),
            "instances": Instances(
                self._boxes[index].copy(),
                segments,
                bbox_format="xywh",
                normalized=True,
            ),
            "ori_shape": self.original[index],
            "resized_shape": self.resized_shape(index),
            "ratio_pad": (1.0, 1.0),
        }


class TrainingSamples(Samples[dict[str, Any]]):
    """The train split, augmented; indexed by ``(epoch, index)``."""

    def __init__(
        self, pixels: Pixels, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> None:
        self._pixels = pixels
        self._seed = seed
        a = augmentation
        mixing = a.enabled and (a.mosaic > 0 or a.mixup > 0 or a.copy_paste > 0)
        self._mix_epochs = epochs - a.close_mosaic_epochs if mixing else 0
        self._mixed = _transform(pixels, augmentation, mix=True)
        self._single = _transform(pixels, augmentation, mix=False)

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, Any]:
        epoch, index = place
        # The library draws from both global generators.
        seed = sample_seed(self._seed, epoch, index)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        transform = self._mixed if epoch < self._mix_epochs else self._single
        sample: dict[str, Any] = transform(self._pixels.get_image_and_label(index))
        return sample


def _transform(pixels: Pixels, augmentation: AugmentationConfig, mix: bool) -> transforms.Compose:
    size = pixels.image_size
    a = augmentation
    if not a.enabled:
        return transforms.Compose([transforms.LetterBox((size, size)), _format(pixels)])
    affine = Placement(
        degrees=a.rotation, translate=a.translation, scale=a.scale, size=(size, size)
    )
    mosaic = [transforms.Mosaic(pixels, imgsz=size, p=a.mosaic)] if mix else []
    placed = transforms.Compose([*mosaic, affine])
    shared = build(a, SHARED)
    mixes: list[Any] = []
    if mix and a.copy_paste:
        mixes.append(
            transforms.CopyPaste(pixels, pre_transform=placed, p=a.copy_paste, mode="mixup")
        )
    if mix and a.mixup:
        mixes.append(
            transforms.MixUp(pixels, pre_transform=transforms.Compose([placed, *mixes]), p=a.mixup)
        )
    return transforms.Compose(
        [
            placed,
            *mixes,
            transforms.RandomHSV(hgain=a.hue, sgain=a.saturation, vgain=a.brightness),
            *([PixelChanges(a)] if a.contrast or a.blur or a.noise else []),
            *([] if isinstance(shared, nn.Identity) else [SharedChanges(shared)]),
            transforms.RandomFlip(direction="vertical", p=a.flip_vertical),
            transforms.RandomFlip(direction="horizontal", p=a.flip_horizontal),
            _format(pixels),
        ]
    )


def _format(pixels: Pixels) -> transforms.Format:
    return transforms.Format(return_mask=pixels.masks, mask_ratio=MASK_STRIDE)


class Placement(transforms.RandomPerspective):
    """Rotation, zoom and shift; boxes of objects with outlines are drawn anew around them."""

    def apply_segments(
        self, segments: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        boxes, segments = super().apply_segments(segments, matrix, size)
        # Outlines run through the centres of pixels; a box goes round the whole of them.
        half = np.abs(matrix[:2, :2]).sum(axis=1) / 2
        boxes[:, :2] -= half
        boxes[:, 2:] += half
        return boxes, segments


class PixelChanges:
    """Contrast, blur and noise, meaning what they mean in :mod:`reprise.models.augment`."""

    def __init__(self, augmentation: AugmentationConfig) -> None:
        self._contrast = augmentation.contrast
        self._blur = augmentation.blur
        self._noise = augmentation.noise

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        image = labels["img"]
        if self._contrast:
            factor = random.uniform(1 - self._contrast, 1 + self._contrast)
            grey = float(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean())
            levels = grey + factor * (np.arange(256) - grey)
            image = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8))
        if self._blur and random.random() < self._blur:
            image = cv2.GaussianBlur(image, (5, 5), random.uniform(0.1, 1.5))
        if self._noise and random.random() < self._noise:
            # The legacy generator has no single precision, which is faster.
            drawn = np.random.default_rng(random.getrandbits(32))
            added = drawn.standard_normal(image.shape, dtype=np.float32) * (NOISE * 255)
            image = np.clip(image + added, 0, 255).astype(np.uint8)
        return {**labels, "img": image}


class SharedChanges:
    """Changes of :mod:`reprise.models.augment`, to pixels in the order of this library."""

    def __init__(self, transform: nn.Module) -> None:
        self._transform = transform

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        image = torch.from_numpy(labels["img"][..., ::-1].transpose(2, 0, 1).copy())
        changed = seeded(self._transform, image, random.getrandbits(63)).numpy()
        return {**labels, "img": np.ascontiguousarray(changed.transpose(1, 2, 0)[..., ::-1])}


class EvaluationSamples(Samples[dict[str, Any]]):
    """A split as it is, letterboxed to the smallest multiple of the stride; by ``index``."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._format = _format(pixels)

    def __len__(self) -> int:
        return len(self._pixels)

    def shape(self, index: int) -> tuple[int, int]:
        """The network's input (height, width)."""
        height, width = self._pixels.resized_shape(index)
        return -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self._pixels.get_image_and_label(index)
        resized = np.array(sample["resized_shape"], dtype=np.float64)
        padded = np.array(self.shape(index), dtype=np.float64)
        padder: Any = transforms.LetterBox(self.shape(index), padding_value=PADDING, scaleup=False)
        left, top = (round(float(value) - 0.1) for value in ((padded - resized) / 2)[::-1])
        scale = resized / self._pixels.original[index]
        formatted: dict[str, Any] = self._format(padder(sample))
        formatted["image_id"] = self._pixels.image_ids[index]
        # Network pixels -> original pixels: (x - left) / scale_x.
        formatted["placement"] = torch.tensor([left, top, scale[1], scale[0]])
        formatted["original"] = self._pixels.original[index]
        return formatted


def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Batch for the network and its loss.

    Returns:
        ``images`` uint8 (n, 3, h, w) RGB; ``cls`` (boxes, 1); ``bboxes`` (boxes, 4) xywh
        centred, normalised; ``batch_idx`` (boxes,) the image each box belongs to; with masks
        ``masks`` int16 (n, h / 4, w / 4), 0 or the place of the object's box among those of
        its image from 1, and ``sem_masks``, the class index there; and, for evaluation,
        ``image_ids``, ``placement`` (n, 4): left, top, scale x, scale y, and ``originals``,
        (height, width) of each upright original.
    """
    counts = [len(sample["cls"]) for sample in samples]
    batch: dict[str, Any] = {
        "images": torch.stack([sample["img"] for sample in samples]),
        "cls": torch.cat([sample["cls"] for sample in samples]),
        "bboxes": torch.cat([sample["bboxes"] for sample in samples]),
        "batch_idx": torch.repeat_interleave(
            torch.arange(len(samples), dtype=torch.float32), torch.tensor(counts)
        ),
    }
    if "masks" in samples[0]:
        # The library's dtype depends on how many objects the image has.
        batch["masks"] = torch.cat([sample["masks"] for sample in samples]).to(torch.int16)
        batch["sem_masks"] = torch.stack([sample["sem_masks"] for sample in samples])
    if "image_id" in samples[0]:
        batch["image_ids"] = [sample["image_id"] for sample in samples]
        batch["placement"] = torch.stack([sample["placement"] for sample in samples])
        batch["originals"] = [sample["original"] for sample in samples]
    return batch
