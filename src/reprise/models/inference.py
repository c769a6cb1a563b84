"""Running a network over a split: shared by validation during training and by predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch

from reprise.dataset import Dataset
from reprise.distributed import SINGLE_PROCESS, Distributed
from reprise.errors import RepriseError
from reprise.models.family import Family, to_device


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


def run_split(
    family: Family,
    network: torch.nn.Module,
    dataset: Dataset,
    split: str,
    batch_size: int,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[Any]],
    distributed: Distributed = SINGLE_PROCESS,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Mean loss parts per image and all predictions of one split.

    Args:
        family: Gives samples, loss and predictions.
        network: In evaluation mode, on ``device``.
        dataset: The dataset.
        split: train, val or test.
        batch_size: Images at a time.
        device: Where to run.
        autocast: Makes the precision context of each batch.
        distributed: The processes that share the batches.

    Returns:
        ``({part: loss per image}, predictions)``; no loss when the split is empty.
    """
    totals: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    count = 0
    for batch, images in _batches_of(family, dataset, split, batch_size, distributed):
        with torch.inference_mode(), autocast():
            parts, found = family.evaluate(network, to_device(batch, device))
        weight = 1 if family.reduction == "sum" else images
        for name, value in parts.items():
            totals[name] = totals.get(name, 0.0) + float(value) * weight
        rows += found
        count += images
    if distributed.world_size > 1:
        shares = distributed.all_gather((totals, rows, count))
        names = [name for found, _, _ in shares for name in found]
        totals = {name: sum(found.get(name, 0.0) for found, _, _ in shares) for name in names}
        rows = [row for _, found, _ in shares for row in found]
        count = sum(images for _, _, images in shares)
    return {name: value / count for name, value in totals.items()}, rows


def _batches_of(
    family: Family, dataset: Dataset, split: str, batch_size: int, distributed: Distributed
) -> Iterator[tuple[dict[str, Any], int]]:
    samples: Any = family.evaluation_samples(dataset, split)
    shapes = [samples.shape(index) for index in range(len(samples))]
    for indices in batches(shapes, batch_size)[distributed.rank :: distributed.world_size]:
        yield family.collate([samples[index] for index in indices]), len(indices)
