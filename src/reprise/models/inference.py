"""Running a network over a split: with its loss, in training, and for its predictions alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from reprise.dataset import Dataset
from reprise.distributed import SINGLE_PROCESS, Distributed
from reprise.errors import RepriseError
from reprise.models.family import Family, Outputs, to_device
from reprise.models.loss import mean_losses


def choose_device(name: str) -> torch.device:
    """``auto`` takes the GPU when there is one.

    Raises:
        RepriseError: A GPU was named that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RepriseError(
            f"device: {name} was asked for, and this machine has "
            f"{torch.cuda.device_count()} CUDA device(s).",
            "set device: auto, or cpu.",
        )
    return device


def batches(shapes: list[tuple[int, int]], batch_size: int) -> list[list[int]]:
    """Indices in batches of one input shape, larger shapes first, in a fixed order."""
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index, shape in enumerate(shapes):
        by_shape.setdefault(shape, []).append(index)
    return [
        indices[start : start + batch_size]
        for _, indices in sorted(by_shape.items(), reverse=True)
        for start in range(0, len(indices), batch_size)
    ]


@dataclass(frozen=True)
class Inference:
    """How a split is run.

    Attributes:
        batch_size: Images at a time.
        device: Where the network is.
        autocast: Makes the precision context of each batch.
        distributed: The processes that share the batches.
    """

    batch_size: int
    device: torch.device
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    distributed: Distributed = SINGLE_PROCESS


def run_split(
    family: Family, network: torch.nn.Module, dataset: Dataset, split: str, inference: Inference
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Mean loss parts per image and all predictions of one split.

    Args:
        family: Gives samples, loss and predictions.
        network: In evaluation mode, on the device.
        dataset: The dataset.
        split: train, val or test.
        inference: How it is run.

    Returns:
        ``({part: loss per image}, predictions)``; no loss when the split is empty.
    """
    samples: Any = family.evaluation_samples(dataset, split)
    shapes = [samples.shape(index) for index in range(len(samples))]
    distributed = inference.distributed
    own = batches(shapes, inference.batch_size)[distributed.rank :: distributed.world_size]
    totals: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    for indices in own:
        batch = to_device(family.collate([samples[index] for index in indices]), inference.device)
        with torch.inference_mode(), inference.autocast():
            parts, found = family.evaluate(network, batch)
        for name, mean in mean_losses(parts).items():
            totals[name] = totals.get(name, 0.0) + float(mean) * len(indices)
        rows += found
    shares = distributed.all_gather((totals, rows))
    names = dict.fromkeys(name for found, _ in shares for name in found)
    losses = {
        name: sum(found.get(name, 0.0) for found, _ in shares) / len(samples) for name in names
    }
    return losses, [row for _, found in shares for row in found]


class Backend(Protocol):
    """Maps images to what :meth:`reprise.models.family.Family.outputs` gives for them.

    Attributes:
        device: That images and outputs are on.
    """

    device: torch.device

    def __call__(self, images: torch.Tensor) -> Outputs:
        """The outputs of images uint8 (n, 3, h, w) RGB."""
        ...


class TorchBackend:
    """A family's own network, moved to a device."""

    def __init__(self, family: Family, device: torch.device) -> None:
        self.device = device
        self._family = family
        self._network = family.network.to(device)

    def __call__(self, images: torch.Tensor) -> Outputs:
        return self._family.outputs(self._network, images)


def predict_split(
    family: Family, backend: Backend, dataset: Dataset, split: str, batch_size: int
) -> list[dict[str, Any]]:
    """The predictions of one split.

    Args:
        family: Gives samples, and decodes.
        backend: Gives the outputs.
        dataset: The dataset.
        split: train, val or test.
        batch_size: Images at a time.
    """
    samples: Any = family.evaluation_samples(dataset, split)
    shapes = [samples.shape(index) for index in range(len(samples))]
    rows: list[dict[str, Any]] = []
    for indices in batches(shapes, batch_size):
        batch = to_device(family.collate([samples[index] for index in indices]), backend.device)
        with torch.inference_mode():
            rows += family.decode(backend(family.inputs(batch)), batch)
    return rows
