"""How long a run is: epochs, batches and optimizer steps, from epochs or from steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reprise.training.config import TrainingConfig


@dataclass(frozen=True)
class Plan:
    """The length of a run.

    Attributes:
        images: Training images.
        batches: Batches of a whole epoch; the last one may be short.
        group: Batches that are accumulated into one optimizer step.
        epochs: Epochs that are begun; with ``training.steps`` the last may be cut short.
        steps: Optimizer steps of the whole run.
    """

    images: int
    batches: int
    group: int
    epochs: int
    steps: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of a whole epoch."""
        return math.ceil(self.batches / self.group)

    def batches_in(self, epoch: int) -> int:
        """Batches of an epoch, counted from 0."""
        steps = min(self.steps_per_epoch, self.steps - epoch * self.steps_per_epoch)
        return min(self.batches, steps * self.group)


def plan(config: TrainingConfig, images: int) -> Plan:
    """The length that ``training.steps``, or else ``training.epochs``, asks for."""
    batches = math.ceil(images / config.batch_size)
    group = config.gradient_accumulation_steps
    per_epoch = math.ceil(batches / group)
    epochs = config.epochs if config.steps is None else math.ceil(config.steps / per_epoch)
    steps = per_epoch * epochs if config.steps is None else config.steps
    return Plan(images, batches, group, epochs, steps)
