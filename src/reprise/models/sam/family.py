"""The SAM family: masks of objects that a prompt points at.

Kirillov et al., Segment Anything (2023), and Ravi et al., SAM 2 (2024), with the networks of
transformers. It is trained on boxes, and points if wanted, drawn from the ground truth, and
evaluated with the ground-truth boxes as prompts: a prediction has the class of its prompt, and the
IoU that the network expects of its mask as its score.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from reprise.dataset import Dataset
from reprise.masks.resize import resize_probabilities
from reprise.masks.rle import encode_mask
from reprise.models.augment import SUPPORTED
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family, Outputs, TargetBox
from reprise.models.imagenet import MEAN, STD, normalised
from reprise.models.instance_family import split_boxes
from reprise.models.instance_samples import InstanceSamples, require_masks
from reprise.models.loss import LossPart
from reprise.models.sam.network import NETWORKS, Maps, MapStore
from reprise.models.sam.samples import PromptedSamples, collate
from reprise.predictions import prediction
from reprise.scoring import Task

# Focal to dice 20 to 1, as published.
FOCAL_WEIGHT = 20.0
# Lin et al., Focal Loss for Dense Object Detection (2017).
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0
# Prompts that evaluation answers at a time: their masks, not the image, fill the memory.
CHUNK = 32
# Of a frozen encoder's output; 512 images of 1024 px with SAM, 128 with SAM 2.
STORE_BYTES = 2 * 2**30


class Sam(Family):
    """Promptable segmentation with SAM or SAM 2."""

    tasks: ClassVar[tuple[Task, ...]] = ("segment",)
    architectures: ClassVar[tuple[str, ...]] = ("sam", "sam2")
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "model.point_prompts",
    }
    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    least_image_size: ClassVar[int] = 1
    prompted: ClassVar[bool] = True
    export_obstacle: ClassVar[str] = (
        "it answers prompts, of which each image has its own number, between two networks"
    )

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        prompted = NETWORKS[self.architecture](config.variant, image_size)
        self.network: torch.nn.Module = prompted
        self._encoder = prompted.image_encoder()
        self._cell = prompted.cell
        self._freeze = config.freeze == "backbone"
        self._point_prompts = config.point_prompts
        self._augmented = True
        self._store = MapStore(STORE_BYTES)
        self.normalisation = {"mean": MEAN, "std": STD}

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:  # noqa: ARG002 - refused
        require_masks(dataset, "sam")

    def training_samples(
        self,
        dataset: Dataset,
        augmentation: AugmentationConfig,
        seed: int,
        epochs: int,  # noqa: ARG002 - every epoch is alike
    ) -> PromptedSamples:
        self._augmented = augmentation.enabled
        if self._freeze:
            print(
                "the frozen image encoder runs on each training image again: augmentation changes "
                "them (augmentation.enabled: false runs it once an image)"
                if self._augmented
                else "the frozen image encoder runs once an image, and its output is kept in "
                f"memory, up to {STORE_BYTES / 2**30:.0f} GiB"
            )
        instances = InstanceSamples(
            dataset, "train", self.image_size, masks=True, augmentation=augmentation, seed=seed
        )
        return PromptedSamples(instances, self.image_size, self._cell, self._point_prompts, seed)

    def evaluation_samples(self, dataset: Dataset, split: str) -> PromptedSamples:
        instances = InstanceSamples(dataset, split, self.image_size, masks=True)
        return PromptedSamples(instances, self.image_size, self._cell)

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def backbone(self) -> list[torch.nn.Module]:
        return self._encoder

    def target_boxes(self, batch: Batch) -> list[list[TargetBox]]:
        return split_boxes(batch["labels"], batch["objects"], batch["counts"])

    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        counts = batch["counts"]
        prompts = {name: _padded(batch[name], counts) for name in ("boxes", "points", "by_box")}
        pixels = normalised(batch["images"])
        if self._encodes_once() and not self._augmented:
            maps = self._store.maps(batch["image_ids"], pixels, network)
            logits, ious = network(maps=maps, **prompts)
        else:
            logits, ious = network(pixels, **prompts)
        targets = _padded(batch["targets"], counts).float() / self._cell**2
        # Of an image the mean over its prompts.
        number = torch.tensor(counts, device=logits.device)[:, None]
        places = torch.arange(logits.shape[1], device=logits.device)[None]
        weights = (places < number) / number.clamp(min=1)
        parts = mask_losses(logits.float(), ious.float(), targets)
        return _by_images({name: (values * weights).sum() for name, values in parts.items()}, batch)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        pixels = normalised(batch["images"])
        if self._encodes_once():
            maps = self._store.maps(batch["image_ids"], pixels, network)
        else:
            maps = network(pixels)
        return self._answers(network, maps, batch)

    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        """The maps of the image encoder, which knows of no prompt."""
        return tuple(network(normalised(images)))

    def decode(
        self, outputs: Outputs, batch: Batch, least_score: float = 0.0
    ) -> list[dict[str, Any]]:
        """The masks of the batch's prompts, by the prompt encoder and the mask decoder of
        ``self.network``."""
        rows = self._answers(self.network, list(outputs), batch)[1]
        return [row for row in rows if row["score"] >= least_score]

    def _answers(
        self, network: torch.nn.Module, maps: Maps, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        """Loss parts and predictions of prompts on images whose maps are known."""
        counts = batch["counts"]
        names = ("boxes", "points", "by_box", "labels", "targets")
        images = zip(*(batch[name].split(counts) for name in names), strict=True)
        totals = dict.fromkeys(("focal", "dice", "iou"), torch.zeros((), device=maps[0].device))
        rows: list[dict[str, Any]] = []
        for index, (boxes, points, by_box, labels, targets) in enumerate(images):
            place = batch["image_ids"][index], batch["sizes"][index], batch["originals"][index]
            own = [level[index : index + 1] for level in maps]
            for start in range(0, counts[index], CHUNK):
                part = slice(start, start + CHUNK)
                answers = network(
                    maps=own,
                    boxes=boxes[None, part],
                    points=points[None, part],
                    by_box=by_box[None, part],
                )
                logits, ious = (answer[0].float() for answer in answers)
                parts = mask_losses(logits, ious, targets[part].float() / self._cell**2)
                totals = {name: totals[name] + parts[name].sum() / counts[index] for name in totals}
                masks = self._probabilities(logits, place[1])
                rows += _predictions(place, labels[part], boxes[part], masks, ious)
        return _by_images(totals, batch), rows

    def _probabilities(self, logits: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
        """Mask logits (k, ., .) -> probabilities (k, height, width) of the unpadded image."""
        whole = interpolate(
            logits[:, None], size=(self.image_size, self.image_size), mode="bilinear"
        )
        return whole[:, 0, : size[0], : size[1]].sigmoid().detach().cpu().numpy()

    def _encodes_once(self) -> bool:
        """Whether the encoder is frozen; its stored output is dropped once it is trained."""
        weights = (p for module in self._encoder for p in module.parameters())
        if self._freeze and not any(p.requires_grad for p in weights):
            return True
        self._store.clear()
        return False


def mask_losses(
    logits: torch.Tensor, ious: torch.Tensor, targets: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The loss of each prompt, as Kirillov et al. weigh it.

    Args:
        logits: Float (..., h, w).
        ious: The IoU that the network expects of each mask, (...).
        targets: The share of each cell that the object covers, (..., h, w), in [0, 1].

    Returns:
        ``focal``, ``dice`` (Milletari et al., V-Net, 2016) and ``iou``, the squared error of
        ``ious``; each (...).
    """
    found = logits.sigmoid()
    entropy = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    balance = FOCAL_ALPHA * targets + (1 - FOCAL_ALPHA) * (1 - targets)
    focal = (balance * (found - targets).abs() ** FOCAL_GAMMA * entropy).mean(dim=(-2, -1))
    shared, both = (found * targets).sum(dim=(-2, -1)), (found + targets).sum(dim=(-2, -1))
    with torch.no_grad():
        mask = (logits > 0).float()
        overlap = (mask * targets).sum(dim=(-2, -1))
        union = (mask + targets - mask * targets).sum(dim=(-2, -1))
        true_ious = overlap / union.clamp(min=1e-6)
    return {
        "focal": FOCAL_WEIGHT * focal,
        "dice": 1 - (2 * shared + 1) / (both + 1),
        "iou": (ious - true_ious) ** 2,
    }


def _by_images(sums: dict[str, torch.Tensor], batch: Batch) -> list[LossPart]:
    """Losses summed over a batch's images."""
    images = batch["images"].new_tensor(len(batch["images"]), dtype=torch.float64)
    return [LossPart(name, total.double(), images) for name, total in sums.items()]


def _padded(values: torch.Tensor, counts: list[int]) -> torch.Tensor:
    """(sum of counts, ...) -> (images, most, ...), zero where an image has fewer; most >= 1."""
    padded = values.new_zeros((len(counts), max(1, *counts), *values.shape[1:]))
    for index, own in enumerate(torch.split(values, counts)):
        padded[index, : len(own)] = own
    return padded


def _predictions(
    place: tuple[int, tuple[int, int], tuple[int, int]],
    labels: torch.Tensor,
    boxes: torch.Tensor,
    masks: np.ndarray,
    ious: torch.Tensor,
) -> list[dict[str, Any]]:
    """One image's answers in the prediction contract.

    Args:
        place: The image's id, and its (height, width) in the network and as the original.
        labels: Class indices from 0, (k,).
        boxes: The prompts, (k, 4) xyxy in network pixels.
        masks: Probabilities, (k, height, width).
        ious: The IoU expected of each mask, (k,).
    """
    image_id, size, original = place
    scale = np.array([original[1] / size[1], original[0] / size[0]] * 2)
    corners = boxes.cpu().double().numpy() * scale
    rows = []
    for label, (left, top, right, bottom), mask, iou in zip(
        labels.tolist(), corners.tolist(), masks, ious.detach().clamp(0, 1).tolist(), strict=True
    ):
        whole = resize_probabilities(mask, original)
        ys, xs = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
        # A prompt that the network answers with nothing is an answer too.
        box = (left, top, right - left, bottom - top)
        if len(ys):
            box = (xs[0], ys[0], xs[-1] + 1 - xs[0], ys[-1] + 1 - ys[0])
        rows.append(prediction(image_id, label + 1, box, iou, encode_mask(whole)))
    return rows
