"""Classes of whole images by their mean colour: the smallest family that learns something."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch.nn import functional

from reprise.dataset import Dataset
from reprise.models.augment import SUPPORTED
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family, Outputs
from reprise.models.loss import LossPart
from reprise.models.multilabel.samples import LabelSamples, collate
from reprise.predictions import label_prediction
from reprise.scoring import Task


class MeanColour(Family):
    tasks: ClassVar[tuple[Task, ...]] = ("classify",)
    architectures: ClassVar[tuple[str, ...]] = ("linear",)
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        self.network = torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, len(class_names))
        )
        self.normalisation = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
        self._image_size = image_size

    def training_samples(
        self, dataset: Dataset, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> LabelSamples:
        return LabelSamples(dataset, "train", self._image_size, augmentation, seed)

    def evaluation_samples(self, dataset: Dataset, split: str) -> LabelSamples:
        return LabelSamples(dataset, split, self._image_size)

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        return self._losses(network(batch["images"].float() / 255), batch)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        (logits,) = self.outputs(network, batch["images"])
        return self._losses(logits, batch), self.decode((logits,), batch)

    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        return (network(images.float() / 255),)

    def decode(
        self, outputs: Outputs, batch: Batch, least_score: float = 0.0
    ) -> list[dict[str, Any]]:
        scores = outputs[0].sigmoid().tolist()
        return [
            label_prediction(image_id, index + 1, score)
            for image_id, of_image in zip(batch["image_ids"], scores, strict=True)
            for index, score in enumerate(of_image)
        ]

    def target_boxes(self, batch: Batch) -> list[list[tuple[int, float, float, float, float]]]:
        height, width = (float(side) for side in batch["images"].shape[2:])
        return [
            [(index, 0.0, 0.0, width, height) for index, shown in enumerate(row) if shown]
            for row in batch["targets"].tolist()
        ]

    def _losses(self, logits: torch.Tensor, batch: Batch) -> list[LossPart]:
        mean = functional.binary_cross_entropy_with_logits(logits.float(), batch["targets"])
        return [LossPart.of_mean("bce", mean, len(logits))]
