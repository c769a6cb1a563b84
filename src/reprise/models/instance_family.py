"""What the families have in common that find objects in images of any shape: R-CNN's kin."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn import functional

from reprise.dataset import Dataset
from reprise.masks.resize import paste_mask
from reprise.masks.rle import encode_mask
from reprise.models import imagenet
from reprise.models.config import AugmentationConfig
from reprise.models.family import Batch, Family, Outputs, TargetBox
from reprise.models.instance_samples import InstanceSamples, Sample, require_masks
from reprise.models.loss import LossPart
from reprise.predictions import prediction

# Sides of images are padded to a multiple of this, so that every feature level fits.
STRIDE = 32
# Place of the counts among the outputs.
COUNTS = 3

Losses = dict[str, torch.Tensor]
# Of each image, as `to_original` takes them.
Detections = list[dict[str, torch.Tensor]]


class InstanceFamily(Family):
    """Boxes, and masks where ``task`` is segment, from the samples of :class:`InstanceSamples`."""

    # The number of proposals depends on the image.
    exports_batches: ClassVar[bool] = False

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:  # noqa: ARG002
        if self.task == "segment":
            require_masks(dataset, self.config.type)

    def training_samples(
        self,
        dataset: Dataset,
        augmentation: AugmentationConfig,
        seed: int,
        epochs: int,  # noqa: ARG002 - nothing changes towards the end
    ) -> InstanceSamples:
        masks = self.task == "segment"
        return InstanceSamples(dataset, "train", self.image_size, masks, augmentation, seed)

    def evaluation_samples(self, dataset: Dataset, split: str) -> InstanceSamples:
        return InstanceSamples(dataset, split, self.image_size, self.task == "segment")

    def collate(self, samples: list[Sample]) -> Batch:
        return collate(samples)

    def target_boxes(self, batch: Batch) -> list[list[TargetBox]]:
        return split_boxes(batch["labels"], batch["boxes"], batch["counts"])

    @abstractmethod
    def run(self, network: torch.nn.Module, batch: Batch) -> tuple[Losses, Detections]:
        """The losses of a batch, as means, and in evaluation mode its detections."""

    @abstractmethod
    def detect(self, network: torch.nn.Module, images: torch.Tensor) -> Detections:
        """Detections without losses; it can be traced for an exported graph.

        Args:
            network: In evaluation mode.
            images: Uint8 (n, 3, h, w) RGB, of any height and width, not yet padded.
        """

    @abstractmethod
    def counts(self) -> dict[str, torch.Tensor]:
        """What the last losses were divided by, by name; the others are means over images."""

    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        return self._parts(self.run(network, batch)[0], batch)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        images = batch["images"]
        # The losses look at a sample of anchors and proposals: the same each time, and training
        # goes on from the random state that it left.
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            torch.manual_seed(0)
            losses, found = self.run(network, batch)
        return self._parts(losses, batch), self.decode(self._joined(found), batch)

    def inputs(self, batch: Batch) -> torch.Tensor:
        """The images without their padding, which says where each of them ends."""
        ((height, width),) = set(batch["sizes"])
        images: torch.Tensor = batch["images"][:, :, :height, :width]
        return images

    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        """Detections of all images one after another.

        Args:
            network: In evaluation mode.
            images: Uint8 (n, 3, h, w) RGB, of any height and width: they are padded here, as
                :func:`collate` pads them.

        Returns:
            ``boxes`` (k, 4) xyxy in pixels of ``images``, ``scores`` (k,), ``labels`` (k,) from 1,
            ``counts`` int64 (n,), how many of them are each image's, and, for masks, ``masks``
            (k, 1, m, m), probabilities inside the box.
        """
        return self._joined(self.detect(network, images))

    def output_names(self) -> tuple[str, ...]:
        names = self._names()
        return (*names[:COUNTS], "counts", *names[COUNTS:])

    def decode(
        self, outputs: Outputs, batch: Batch, least_score: float = 0.0
    ) -> list[dict[str, Any]]:
        counts = outputs[COUNTS].tolist()
        names = self._names()
        split = [torch.split(one, counts) for place, one in enumerate(outputs) if place != COUNTS]
        found = []
        for values in zip(*split, strict=True):
            of_image = dict(zip(names, values, strict=True))
            kept = of_image["scores"] >= least_score
            found.append({name: value[kept] for name, value in of_image.items()})
        places = zip(batch["image_ids"], batch["sizes"], batch["originals"], found, strict=True)
        return [row for place in places for row in to_original(*place)]

    def _names(self) -> tuple[str, ...]:
        """What detections hold, in the order of the outputs."""
        return ("boxes", "scores", "labels", *(["masks"] if self.task == "segment" else []))

    def _joined(self, found: Detections) -> Outputs:
        # Not their lengths, which a traced graph would hold as constants.
        counts = torch.stack([torch.ones_like(one["labels"]).sum() for one in found])
        joined = [torch.cat([one[name] for one in found]) for name in self._names()]
        return (*joined[:COUNTS], counts, *joined[COUNTS:])

    def _parts(self, losses: Losses, batch: Batch) -> list[LossPart]:
        counts, images = self.counts(), len(batch["images"])
        return [
            LossPart.of_mean(name, loss, counts.get(name, images)) for name, loss in losses.items()
        ]


def split_boxes(
    labels: torch.Tensor, boxes: torch.Tensor, counts: list[int]
) -> list[list[TargetBox]]:
    """Labels (k,) and boxes (k, 4) of a batch as :meth:`Family.target_boxes` gives them."""
    rows: list[TargetBox] = [
        (label, left, top, right, bottom)
        for label, (left, top, right, bottom) in zip(labels.tolist(), boxes.tolist(), strict=True)
    ]
    ends = np.cumsum(counts).tolist()
    return [rows[end - count : end] for count, end in zip(counts, ends, strict=True)]


def collate(samples: list[dict[str, Any]]) -> Batch:
    """Images of several shapes in one batch, padded at the right and below.

    Returns:
        ``images`` uint8 (n, 3, h, w) RGB, h and w multiples of the stride; ``sizes``, of each
        (height, width) without padding; ``counts``, of each its number of objects; of all
        objects ``boxes`` float32 (k, 4) xyxy in pixels, ``labels`` int64 (k,) from 0 and, if
        the samples have them, ``masks`` uint8 (k, h, w); ``image_ids``; and ``originals``,
        (height, width) of the upright originals.
    """
    sizes = [tuple(sample["image"].shape[1:]) for sample in samples]
    height, width = (-(-max(side) // STRIDE) * STRIDE for side in zip(*sizes, strict=True))
    padding = [(0, width - w, 0, height - h) for h, w in sizes]
    batch: Batch = {
        "images": torch.stack(
            [functional.pad(s["image"], p) for s, p in zip(samples, padding, strict=True)]
        ),
        "sizes": sizes,
        "counts": [len(sample["labels"]) for sample in samples],
        "boxes": torch.cat([sample["boxes"] for sample in samples]),
        "labels": torch.cat([sample["labels"] for sample in samples]),
        "image_ids": [sample["image_id"] for sample in samples],
        "originals": [sample["original"] for sample in samples],
    }
    if "masks" in samples[0]:
        batch["masks"] = torch.cat(
            [functional.pad(s["masks"], p) for s, p in zip(samples, padding, strict=True)]
        )
    return batch


def padded(images: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, h, w), 0 added at the right and below, as :func:`collate` does."""
    height, width = images.shape[2:]
    return functional.pad(images, (0, -width % STRIDE, 0, -height % STRIDE))


def normalised(images: torch.Tensor, sizes: list[tuple[int, int]]) -> torch.Tensor:
    """As :func:`reprise.models.imagenet.normalised`; the padding is 0."""
    return without_padding(imagenet.normalised(images), sizes)


def without_padding(pixels: torch.Tensor, sizes: list[tuple[int, int]]) -> torch.Tensor:
    """Images (n, 3, h, w), changed in place: 0 outside (height, width) of each."""
    for image, (height, width) in zip(pixels, sizes, strict=True):
        image[:, height:] = 0
        image[:, :, width:] = 0
    return pixels


def split_targets(batch: Batch, first_label: int = 0) -> list[dict[str, torch.Tensor]]:
    """The objects of each image by themselves, their classes counted from ``first_label``."""
    whole = {"boxes": batch["boxes"], "labels": batch["labels"] + first_label}
    if "masks" in batch:
        whole["masks"] = batch["masks"]
    parts = [tensor.split(batch["counts"]) for tensor in whole.values()]
    return [dict(zip(whole, values, strict=True)) for values in zip(*parts, strict=True)]


def to_original(
    image_id: int,
    size: tuple[int, int],
    original: tuple[int, int],
    detections: dict[str, torch.Tensor],
) -> list[dict[str, Any]]:
    """Detections in network pixels -> the prediction contract.

    Args:
        image_id: Of the images table.
        size: (height, width) of the network's image, without padding.
        original: (height, width) of the upright original.
        detections: ``boxes`` (k, 4) xyxy, ``labels`` (k,) from 1, ``scores`` (k,) and, with masks,
            ``masks`` (k, 1, m, m), probabilities inside the box.
    """
    down, across = original[0] / size[0], original[1] / size[1]
    scale = torch.tensor([across, down, across, down], dtype=torch.float64)
    boxes = (detections["boxes"].cpu().double() * scale).tolist()
    masks: list[Any] = [None] * len(boxes)
    if "masks" in detections:
        probabilities = detections["masks"][:, 0].float().cpu().numpy()
        masks = [
            encode_mask(paste_mask(inside, box, original))
            for inside, box in zip(probabilities, boxes, strict=True)
        ]
    return [
        prediction(image_id, label, (x1, y1, x2 - x1, y2 - y1), score, mask)
        for (x1, y1, x2, y2), score, label, mask in zip(
            boxes,
            detections["scores"].tolist(),
            detections["labels"].tolist(),
            masks,
            strict=True,
        )
    ]
