"""Losses as sums and counts, so that batches in parts are divided once, as if they were whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossPart:
    """One part of a loss, summed over something: images, anchors, proposals.

    Both numbers are float64 scalars: a mean times its count, divided by the same count, is then
    the mean again, to the last bit of a float32.

    Attributes:
        name: Parts of one name are added up, such as those of a network's two heads.
        sum: What is minimised is ``sum / max(count, 1)``.
        count: Over what it is summed; without gradient.
    """

    name: str
    sum: Tensor
    count: Tensor

    @classmethod
    def of_mean(cls, name: str, mean: Tensor, count: Tensor | int) -> LossPart:
        """A part that a library gives divided by its count, or by 1 where it counts less."""
        number = torch.as_tensor(count, device=mean.device).detach().double()
        return cls(name, mean.double() * number.clamp(min=1), number)


def mean_losses(
    parts: list[LossPart], over_all: Callable[[Tensor], Tensor] = lambda counts: counts
) -> dict[str, Tensor]:
    """Each part divided by its count, float64 scalars by name.

    Args:
        parts: Of a batch, or of one process's share of it.
        over_all: Adds up counts (k,) over the processes that share the batch. The means of all
            processes then add up to those of the whole batch.
    """
    totals = over_all(torch.stack([part.count for part in parts])).clamp(min=1)
    means: dict[str, Tensor] = {}
    for part, total in zip(parts, totals, strict=True):
        mean = part.sum / total
        means[part.name] = means[part.name] + mean if part.name in means else mean
    return means


def without_weight(parts: list[LossPart]) -> list[LossPart]:
    """The parts of a process that has no share of a short batch: its gradients are zero."""
    return [replace(part, sum=part.sum * 0, count=part.count * 0) for part in parts]
