"""What a model family gives; everything else about training is written once, for all.

A new family is one module with a subclass of :class:`Family`, and one line in FAMILIES.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch

from reprise.dataset import Dataset
from reprise.models.config import AugmentationConfig, ModelConfig

if TYPE_CHECKING:
    from torch.utils.data import Dataset as Samples

Batch = dict[str, Any]

FAMILIES = {"yolo": "reprise.models.yolo:Yolo"}


class Family(ABC):
    """A network with its samples, its loss and its predictions.

    Attributes:
        network: The trainable network, on the CPU until the loop moves it.
        normalisation: ``{"mean": [r, g, b], "std": [r, g, b]}`` of pixels in [0, 1].
    """

    reduction: ClassVar[Literal["sum", "mean"]]
    """Whether ``loss`` is summed over a batch's images or averaged: accumulated
    micro-batches then add up, or average, to the loss of one large batch."""

    network: torch.nn.Module
    normalisation: dict[str, list[float]]

    @abstractmethod
    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        """Build the network with random weights drawn from torch's global generator."""

    @abstractmethod
    def training_samples(
        self, dataset: Dataset, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> Samples[Any]:
        """The train split, augmented. Indexed by ``(epoch, index)``: the same pair gives
        the same sample in any process, which is what makes a resumed run exact."""

    @abstractmethod
    def evaluation_samples(self, dataset: Dataset, split: str) -> Samples[Any]:
        """A split as it is, indexed by ``index``; ``shape(index)`` is the network's input
        (height, width), so that images of one shape can share a batch."""

    @abstractmethod
    def collate(self, samples: list[Any]) -> Batch:
        """Samples to a batch of CPU tensors; ``batch["images"]`` is uint8, (n, 3, h, w), RGB."""

    @abstractmethod
    def loss(self, network: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Loss parts by name, each a scalar; their sum is what is minimised."""

    @abstractmethod
    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
        """Loss parts and predictions (the prediction contract) of one batch, in one pass."""

    def start_epoch(self, epoch: int, epochs: int) -> None:  # noqa: B027 - optional
        """Called before each epoch, also the one that a resumed run starts in."""


def family_class(name: str) -> type[Family]:
    """The class behind ``model.type``."""
    module, attribute = FAMILIES[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with every tensor on the device."""
    return {
        key: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
        for key, value in batch.items()
    }
