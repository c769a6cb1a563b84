"""Classes of whole images, several of which may hold at once: ResNet and ConvNeXt.

He et al., Deep Residual Learning for Image Recognition (2016), and Liu et al., A ConvNet for
the 2020s (2022), in torchvision's networks and under its names, so that its pretrained files
load. The last layer is made for the dataset's classes, and each class has a sigmoid of its own.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch.nn import functional
from torchvision.models import get_model

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.augment import SUPPORTED
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family, Outputs, TargetBox
from reprise.models.imagenet import MEAN, STD
from reprise.models.loss import LossPart
from reprise.models.multilabel.samples import LabelSamples, collate, targets_of
from reprise.predictions import label_prediction
from reprise.scoring import Task

# Architecture -> variant -> torchvision's name.
NETWORKS = {
    "resnet": {
        "nano": "resnet18",
        "small": "resnet34",
        "medium": "resnet50",
        "large": "resnet101",
        "xlarge": "resnet152",
    },
    "convnext": {
        "nano": "convnext_tiny",
        "small": "convnext_small",
        "medium": "convnext_base",
        "large": "convnext_large",
    },
}
# A class that one image in a thousand has would weigh 999 times, and the gradient of that one
# image would drown the others.
MAX_POSITIVE_WEIGHT = 20.0


class MultiLabel(Family):
    """Multi-label classification of images."""

    tasks: ClassVar[tuple[Task, ...]] = ("classify",)
    architectures: ClassVar[tuple[str, ...]] = tuple(NETWORKS)
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "training.label_smoothing",
    }

    resizing: ClassVar[str] = (
        "stretched to longest_side by longest_side pixels (bilinear, antialiased)"
    )
    licence: ClassVar[str] = "BSD-3-Clause"

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        variants = NETWORKS[self.architecture]
        if config.variant not in variants:
            raise RepriseError(
                f"model.variant: {self.architecture} has no {config.variant}.",
                f"set model.variant: {', '.join(variants)}.",
            )
        self.network = get_model(
            variants[config.variant], weights=None, num_classes=len(class_names)
        )
        self.normalisation = {"mean": MEAN, "std": STD}
        self._positive_weights = torch.ones(len(class_names))
        self._smoothing = 0.0

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:
        targets = targets_of(dataset, "train")
        if not targets.any():
            raise RepriseError(
                "model.type: multilabel learns classes of images, and no image of the train split "
                "has a label or a box.",
                "label images (folders named label_1+label_2, a CSV table) or boxes in them, or "
                "raise data.split.train.",
            )
        self._positive_weights = positive_weights(targets)
        self._smoothing = label_smoothing

    def training_samples(
        self,
        dataset: Dataset,
        augmentation: AugmentationConfig,
        seed: int,
        epochs: int,  # noqa: ARG002 - no change depends on the length of the run
    ) -> LabelSamples:
        return LabelSamples(dataset, "train", self.image_size, augmentation, seed)

    def evaluation_samples(self, dataset: Dataset, split: str) -> LabelSamples:
        return LabelSamples(dataset, split, self.image_size)

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def backbone(self) -> list[torch.nn.Module]:
        """All but the last layer."""
        parts = dict(self.network.named_children())
        if self.architecture == "resnet":
            del parts["fc"]
            return list(parts.values())
        # A ConvNeXt's classifier is a norm, a flattening and the last layer.
        *before, _ = parts.pop("classifier").children()
        return [*parts.values(), *before]

    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        return self._parts(network(normalised(batch["images"])), batch)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        (logits,) = self.outputs(network, batch["images"])
        return self._parts(logits, batch), self.decode((logits,), batch)

    def output_names(self) -> tuple[str, ...]:
        return ("logits",)

    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        """Logits (n, classes)."""
        return (network(normalised(images)),)

    def decode(
        self,
        outputs: Outputs,
        batch: Batch,
        least_score: float = 0.0,  # noqa: ARG002 - a row a class
    ) -> list[dict[str, Any]]:
        (logits,) = outputs
        scores = logits.float().sigmoid().cpu().tolist()
        return [
            label_prediction(image_id, index + 1, score)
            for image_id, of_image in zip(batch["image_ids"], scores, strict=True)
            for index, score in enumerate(of_image)
        ]

    def target_boxes(self, batch: Batch) -> list[list[TargetBox]]:
        height, width = (float(side) for side in batch["images"].shape[2:])
        return [
            [(index, 0.0, 0.0, width, height) for index, is_so in enumerate(row) if is_so]
            for row in batch["targets"].tolist()
        ]

    def _parts(self, logits: torch.Tensor, batch: Batch) -> list[LossPart]:
        # Every class is a choice between two, so half of what is spread goes to the other.
        targets = batch["targets"] * (1 - self._smoothing) + self._smoothing / 2
        weights = self._positive_weights.to(logits.device)
        mean = functional.binary_cross_entropy_with_logits(
            logits.float(), targets, pos_weight=weights
        )
        return [LossPart.of_mean("bce", mean, len(targets))]


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, h, w) RGB to float of ImageNet's mean and deviation, on the same device."""
    mean, std = (
        torch.tensor(values, device=images.device).mul(255).view(3, 1, 1) for values in (MEAN, STD)
    )
    return (images.float() - mean) / std


def positive_weights(targets: torch.Tensor) -> torch.Tensor:
    """Weight of each class's positives in the loss: negatives over positives, within bounds.

    A rare class then counts as much as a common one (``pos_weight`` of PyTorch's
    ``BCEWithLogitsLoss``).

    Args:
        targets: Float (images, classes), 0 or 1.

    Returns:
        Float (classes,), between 1 / MAX_POSITIVE_WEIGHT and MAX_POSITIVE_WEIGHT; 1 for a
        class that no image has.
    """
    positives = targets.sum(dim=0)
    ratio = (len(targets) - positives) / positives.clamp(min=1)
    bounded = ratio.clamp(1 / MAX_POSITIVE_WEIGHT, MAX_POSITIVE_WEIGHT)
    return torch.where(positives > 0, bounded, torch.ones_like(bounded))
