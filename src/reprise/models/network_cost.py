"""What a network costs: parameters, operations, and the time of an image."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from reprise.dataset import Dataset
from reprise.models.family import Family, to_device
from reprise.models.inference import Backend, TorchBackend

FEWEST_RUNS = 5


def network_cost(
    family: Family, dataset: Dataset, split: str, device: torch.device
) -> dict[str, Any]:
    """Parameters and operations of a network, the same on every machine and for every runtime.

    Args:
        family: The network, and what gives samples.
        dataset: The dataset.
        split: Of it; the operations are those of its first image.
        device: Where they are counted.

    Returns:
        ``parameters``; ``weight_bytes``, of all tensors that are kept; ``flops`` of the first
        image of the split, decoding left out, a multiplication and its addition counted as two,
        as ``torch.utils.flop_counter`` knows them (convolutions, matrix products, attention);
        ``input``, its height and width in pixels. The last two are missing where the split is
        empty.
    """
    cost: dict[str, Any] = {
        "parameters": sum(value.numel() for value in family.network.parameters()),
        "weight_bytes": sum(
            value.numel() * value.element_size() for value in family.network.state_dict().values()
        ),
    }
    samples: Any = family.evaluation_samples(dataset, split)
    if len(samples):
        network = TorchBackend(family, device)
        batch = to_device(family.collate([samples[0]]), device)
        # Inference mode would hide the parts of composite operators from the counter.
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(family.inputs(batch))
        cost |= {"flops": counter.get_total_flops(), "input": list(samples.shape(0))}
    return cost


def measure_latency(
    family: Family,
    backend: Backend,
    dataset: Dataset,
    split: str,
    largest_batch: int,
    seconds: float = 1.0,
    longest: float = 5.0,
) -> list[dict[str, float]]:
    """How long images take at batch 1, 2, 4, ... on this machine, decoding included.

    Args:
        family: Gives samples, and decodes.
        backend: Gives the outputs.
        dataset: The dataset.
        split: Of it; its images are taken in their order.
        largest_batch: The last batch size is at most this, and the images of one input shape.
        seconds: To measure each size, though never fewer than FEWEST_RUNS times.
        longest: Seconds that so few runs may take: sizes stop growing where the next is likely to
            take longer, so that a slow network is measured at batch 1 alone.

    Returns:
        Of each size: ``batch_size``, ``median_ms`` and ``p95_ms`` of a batch, and
        ``images_per_second`` at the median.
    """
    samples: Any = family.evaluation_samples(dataset, split)
    alike = [n for n in range(len(samples)) if samples.shape(n) == samples.shape(0)]
    rows, size = [], 1
    while size <= min(largest_batch, len(alike)):
        batch = to_device(
            family.collate([samples[index] for index in alike[:size]]), backend.device
        )
        times = _times(family, backend, batch, seconds)
        median = float(np.median(times))
        rows.append(
            {
                "batch_size": size,
                "median_ms": round(1000 * median, 3),
                "p95_ms": round(1000 * float(np.percentile(times, 95)), 3),
                "images_per_second": round(size / median, 2),
            }
        )
        size *= 2
        if 2 * median * FEWEST_RUNS > longest:
            break
    return rows


def _times(family: Family, backend: Backend, batch: Any, seconds: float) -> list[float]:
    """Of one batch after another, in seconds; the first, which warms up, is left out."""
    times: list[float] = []
    while len(times) <= FEWEST_RUNS or sum(times) < seconds:
        started = time.perf_counter()
        with torch.inference_mode():
            # Decoding brings the results to the CPU, and so waits for a GPU.
            family.decode(backend(family.inputs(batch)), batch)
        times.append(time.perf_counter() - started)
    return times[1:]
