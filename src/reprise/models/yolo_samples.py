"""Training and evaluation samples of the YOLO family, through ultralytics' augmentation.

Pixels are BGR uint8 until :class:`Format` turns them into RGB, as that library expects.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset as Samples

from reprise.dataset import Dataset
from reprise.models.config import AugmentationConfig
from reprise.models.yolo_library import (
    Compose,
    Format,
    Instances,
    LetterBox,
    MixUp,
    Mosaic,
    RandomFlip,
    RandomHSV,
    RandomPerspective,
)

PADDING = 114  # the grey that the family's published weights were trained with
STRIDE = 32


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """A 32-bit seed that depends on nothing but its three arguments."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


class Pixels:
    """Images and boxes of one split, resized so that the longest side is ``image_size``.

    It has the attributes and the method that ultralytics' mixing transforms ask of a
    dataset. ``cache = "ram"`` tells mosaic to draw from the whole split instead of from a
    buffer whose content would depend on the order of earlier samples.
    """

    cache = "ram"

    def __init__(self, dataset: Dataset, split: str, image_size: int) -> None:
        self.dataset = dataset
        self.image_size = image_size
        rows = dataset.split(split)
        index_of = {c.category_id: i for i, c in enumerate(dataset.categories)}
        boxes = dataset.boxes_of(rows["image_id"])
        # Plain arrays: a data frame row costs more than decoding a small image.
        self.image_ids: list[int] = rows["image_id"].tolist()
        self._places = list(zip(rows["shard"], rows["offset"], rows["length"], strict=True))
        self.stored = rows[["height", "width"]].to_numpy()
        self.original = rows[["original_height", "original_width"]].to_numpy()
        self._boxes: list[np.ndarray] = []
        self._classes: list[np.ndarray] = []
        for image_id, (height, width) in zip(self.image_ids, self.original, strict=True):
            found = boxes[image_id]
            found = found[found["iscrowd"] == 0]
            xywh = found[["x", "y", "w", "h"]].to_numpy(dtype=np.float32)
            centred = np.concatenate([xywh[:, :2] + xywh[:, 2:] / 2, xywh[:, 2:]], axis=1)
            self._boxes.append(centred / np.array([width, height] * 2, dtype=np.float32))
            indices = [[index_of[value]] for value in found["category_id"]]
            self._classes.append(np.array(indices, dtype=np.float32).reshape(-1, 1))

    def __len__(self) -> int:
        return len(self.image_ids)

    def resized_shape(self, index: int) -> tuple[int, int]:
        """(height, width) after resizing, before padding."""
        height, width = (int(value) for value in self.stored[index])
        ratio = self.image_size / max(height, width)
        if ratio == 1:
            return height, width
        return max(round(height * ratio), 1), max(round(width * ratio), 1)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """A fresh sample: ``img`` BGR uint8 (h, w, 3), boxes xywh centred, normalised."""
        pixels = self.dataset.pixels(*self._places[index])[..., ::-1]
        height, width = self.resized_shape(index)
        if pixels.shape[:2] != (height, width):
            pixels = cv2.resize(
                np.ascontiguousarray(pixels), (width, height), interpolation=cv2.INTER_LINEAR
            )
        return {
            "im_file": str(self.image_ids[index]),
            "img": np.ascontiguousarray(pixels),
            "cls": self._classes[index].copy(),
            "instances": Instances(
                self._boxes[index].copy(),
                np.zeros((0, 1000, 2), dtype=np.float32),
                bbox_format="xywh",
                normalized=True,
            ),
            "ori_shape": tuple(int(value) for value in self.original[index]),
            "resized_shape": (height, width),
            "ratio_pad": (1.0, 1.0),
        }


class TrainingSamples(Samples[dict[str, Any]]):
    """The train split, augmented; indexed by ``(epoch, index)``."""

    def __init__(
        self, pixels: Pixels, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> None:
        self._pixels = pixels
        self._seed = seed
        mixing = augmentation.enabled and (augmentation.mosaic > 0 or augmentation.mixup > 0)
        self._mix_epochs = epochs - augmentation.close_mosaic_epochs if mixing else 0
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
        return transform(self._pixels.get_image_and_label(index))


def _transform(pixels: Pixels, augmentation: AugmentationConfig, mix: bool) -> Compose:
    size = pixels.image_size
    a = augmentation
    if not a.enabled:
        return Compose([LetterBox((size, size)), Format()])
    affine = RandomPerspective(
        degrees=a.rotation, translate=a.translation, scale=a.scale, size=(size, size)
    )
    mosaic = [Mosaic(pixels, imgsz=size, p=a.mosaic)] if mix else []
    placed = Compose([*mosaic, affine])
    mixup = [MixUp(pixels, pre_transform=placed, p=a.mixup)] if mix and a.mixup else []
    return Compose(
        [
            placed,
            *mixup,
            RandomHSV(hgain=a.hue, sgain=a.saturation, vgain=a.brightness),
            RandomFlip(direction="vertical", p=a.flip_vertical),
            RandomFlip(direction="horizontal", p=a.flip_horizontal),
            Format(),
        ]
    )


class EvaluationSamples(Samples[dict[str, Any]]):
    """A split as it is, letterboxed to the smallest multiple of the stride; by ``index``."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._format = Format()

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
        padder: Any = LetterBox(self.shape(index), padding_value=PADDING, scaleup=False)
        sample = padder(sample)
        left, top = (round(float(value) - 0.1) for value in ((padded - resized) / 2)[::-1])
        scale = resized / self._pixels.original[index]
        sample = self._format(sample)
        sample["image_id"] = self._pixels.image_ids[index]
        # Network pixels -> original pixels: (x - left) / scale_x.
        sample["placement"] = torch.tensor([left, top, scale[1], scale[0]])
        return sample


def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Batch for the network and its loss.

    Returns:
        ``images`` uint8 (n, 3, h, w) RGB; ``cls`` (boxes, 1); ``bboxes`` (boxes, 4) xywh
        centred, normalised; ``batch_idx`` (boxes,) the image each box belongs to; and, for
        evaluation, ``image_ids`` and ``placement`` (n, 4): left, top, scale x, scale y.
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
    if "image_id" in samples[0]:
        batch["image_ids"] = [sample["image_id"] for sample in samples]
        batch["placement"] = torch.stack([sample["placement"] for sample in samples])
    return batch
