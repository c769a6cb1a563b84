"""What a model family gives; everything else about training is written once, for all.

A new family is one module with a subclass of :class:`Family`, and one line in
:data:`reprise.models.registry.FAMILIES`.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.loss import LossPart
from reprise.models.registry import FAMILIES
from reprise.scoring import Task

if TYPE_CHECKING:
    from torch.utils.data import Dataset as Samples

Batch = dict[str, Any]
Outputs = tuple[torch.Tensor, ...]
# Class index, left, top, right, bottom.
TargetBox = tuple[int, float, float, float, float]


class Family(ABC):
    """A network with its samples, its loss and its predictions.

    Attributes:
        config: The ``model`` section.
        image_size: Longest side of the network's input, in pixels.
        task: What this model predicts, one of ``tasks``.
        architecture: The network, one of ``architectures``.
        network: The trainable network, on the CPU until the loop moves it.
        normalisation: ``{"mean": [r, g, b], "std": [r, g, b]}`` of pixels in [0, 1].
    """

    tasks: ClassVar[tuple[Task, ...]]
    """What the family can predict; the first is what ``model.task: auto`` means."""

    architectures: ClassVar[tuple[str, ...]]
    """Values of ``model.architecture``; the first is what ``auto`` means."""

    supported_parameters: ClassVar[frozenset[str]]
    """Of the parameters that not every family has a use for (those with a
    :class:`reprise.section.Neutral` value), the ones that this family uses."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions that compute this family's result, beside those of every run."""

    least_image_size: ClassVar[int] = 64
    """Networks halve an image five times, and a batch norm needs more than one value a channel,
    also in a last batch of one image."""

    prompted: ClassVar[bool] = False
    """Whether evaluation is given the ground-truth boxes; a report must say so."""

    resizing: ClassVar[str] = "the longest side becomes longest_side pixels (bilinear)"
    """In words: how a picture becomes one of the images that :meth:`outputs` takes."""

    exports_batches: ClassVar[bool] = True
    """Whether an exported graph takes several images at a time."""

    export_obstacle: ClassVar[str] = ""
    """Why the network cannot be exported; empty where it can."""

    licence: ClassVar[str] = "AGPL-3.0-only"
    """SPDX identifier of the code that the network is built by."""

    network: torch.nn.Module
    normalisation: dict[str, list[float]]

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:  # noqa: ARG002 - for the network
        """Take the task and the architecture from ``config``.

        A family goes on and builds its network, with random weights drawn from torch's global
        generator. It reads no file and fetches nothing: starting weights are loaded afterwards.

        Args:
            config: The ``model`` section.
            class_names: Of the dataset, in the order of their indices.
            image_size: Longest side of the network's input, in pixels.

        Raises:
            RepriseError: There is no such network.
        """
        self.config = config
        self.image_size = image_size
        self.task = self.choose_task(config)
        self.architecture = self.choose_architecture(config)
        if image_size < self.least_image_size:
            raise RepriseError(
                f"data.image_size: {image_size} is too small for {config.type}.",
                f"set data.image_size: {self.least_image_size} or more.",
            )

    @classmethod
    def choose_task(cls, config: ModelConfig) -> Task:
        """``model.task``, one of ``tasks``."""
        for task in cls.tasks:
            if config.task in ("auto", task):
                return task
        raise RepriseError(
            f"model.task: {config.type} cannot {config.task}.",
            f"set model.task: auto or {', '.join(cls.tasks)}.",
        )

    @classmethod
    def choose_architecture(cls, config: ModelConfig) -> str:
        """``model.architecture``, one of ``architectures``."""
        for architecture in cls.architectures:
            if config.architecture in ("auto", architecture):
                return architecture
        raise RepriseError(
            f"model.architecture: {config.type} has no {config.architecture}.",
            f"set model.architecture: auto or {', '.join(cls.architectures)}.",
        )

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
    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        """The loss's parts; the sum of their means is what is minimised.

        Args:
            network: This family's, perhaps wrapped.
            batch: A training batch, or one process's share of it.
        """

    @abstractmethod
    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        """Loss parts and predictions (the prediction contract) of one batch, in one pass; the
        predictions are those that :meth:`outputs` and :meth:`decode` give."""

    def inputs(self, batch: Batch) -> torch.Tensor:
        """What :meth:`outputs` takes of an evaluation batch whose images have one shape."""
        images: torch.Tensor = batch["images"]
        return images

    @abstractmethod
    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        """What the network says of images, before :meth:`decode`: what an exported graph computes.

        Args:
            network: This family's, in evaluation mode.
            images: Uint8 (n, 3, h, w) RGB, of :meth:`inputs`; normalisation is done here.

        Returns:
            Tensors, always as many and in the same order.
        """

    def output_names(self) -> tuple[str, ...]:
        """What :meth:`outputs` gives, in its order."""
        return ("output",)

    def traceable(self) -> torch.nn.Module:
        """The network, set so that a trace of it holds for images of every size."""
        return self.network

    @abstractmethod
    def decode(
        self, outputs: Outputs, batch: Batch, least_score: float = 0.0
    ) -> list[dict[str, Any]]:
        """Rows of the prediction contract from what :meth:`outputs` gives for ``batch``.

        Args:
            outputs: On any device; of this process's network or of an exported one.
            batch: Of :meth:`collate`, of evaluation samples.
            least_score: Rows that score less may be left out, and the work on them; those that
                score more are the same whatever it is.
        """

    def loss_scale(self, images: int) -> float:  # noqa: ARG002 - for families that need it
        """Factor of the loss in an optimizer step over so many images."""
        return 1.0

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:  # noqa: B027 - optional
        """Called once before training: check that the dataset can serve the task, and take
        what the loss needs from it, such as class weights.

        Args:
            dataset: The dataset.
            label_smoothing: ``training.label_smoothing``, in [0, 1).

        Raises:
            RepriseError: The dataset cannot serve the task.
        """

    def remap_state_dict(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A weights file's tensors under this network's names."""
        return tensors

    def class_rows(self, name: str, classes: int, rows: int) -> torch.Tensor | None:  # noqa: ARG002
        """Where a tensor of the class head speaks of each class; None for any other tensor.

        Args:
            name: Of a tensor in the network's state dict.
            classes: Number of classes that the head was made for.
            rows: Length of the tensor's first dimension.

        Returns:
            Int64 (classes, k), or with a background (classes + 1, k), which is last: indices of
            the first dimension.
        """
        return None

    def backbone(self) -> list[torch.nn.Module]:
        """The modules that ``model.freeze: backbone`` holds still."""
        raise NotImplementedError

    @abstractmethod
    def target_boxes(self, batch: Batch) -> list[list[TargetBox]]:
        """For each image of a training batch, (class index, left, top, right, bottom) in
        pixels of ``batch["images"]``: what a person checks the loss's targets by. Classes of
        whole images come as boxes of the whole image."""

    def start_epoch(self, epoch: int, epochs: int) -> None:  # noqa: B027 - optional
        """Called before each epoch, also the one that a resumed run starts in."""


def family_class(name: str) -> type[Family]:
    """The class behind ``model.type``."""
    module, attribute = FAMILIES[name].split(":")
    found: type[Family] = getattr(importlib.import_module(module), attribute)
    return found


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with every tensor on the device."""
    return {
        key: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
        for key, value in batch.items()
    }
