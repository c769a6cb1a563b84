"""How long a run is: epochs, batches and optimizer steps, from epochs or from steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reprise.errors import RepriseError
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

    def is_whole(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, has all its batches."""
        return self.batches_in(epoch) == self.batches


def check_unfreeze(unfreeze_after: int, freezes: bool, epochs: int) -> None:
    """Check that a frozen backbone is released within the run, if at all.

    Args:
        unfreeze_after: ``training.unfreeze_after``; 0 releases nothing.
        freezes: Whether the backbone is frozen at all.
        epochs: Of the run.

    Raises:
        RepriseError: It would not happen.
    """
    if not unfreeze_after:
        return
    if not freezes:
        raise RepriseError(
            f"training.unfreeze_after is {unfreeze_after}, and nothing is frozen.",
            "set model.freeze: backbone, or training.unfreeze_after: 0.",
        )
    if unfreeze_after >= epochs:
        raise RepriseError(
            f"training.unfreeze_after {unfreeze_after} is never reached in {epochs} epoch(s).",
            "lower it, train longer, or set it to 0 to keep the backbone frozen.",
        )


def plan_run(config: TrainingConfig, images: int) -> Plan:
    """The length that ``training.steps``, or else ``training.epochs``, asks for.

    Raises:
        RepriseError: The warm-up would be longer.
    """
    batches = math.ceil(images / config.batch_size)
    group = config.gradient_accumulation_steps
    per_epoch = math.ceil(batches / group)
    epochs = config.epochs if config.steps is None else math.ceil(config.steps / per_epoch)
    steps = per_epoch * epochs if config.steps is None else config.steps
    warmup = math.ceil(config.scheduler.warmup_epochs * per_epoch)
    if warmup > steps:
        raise RepriseError(
            f"training.scheduler.warmup_epochs {config.scheduler.warmup_epochs:g} are {warmup} "
            f"steps here, and the run has {steps}.",
            "raise training.steps, or lower training.scheduler.warmup_epochs.",
        )
    return Plan(images, batches, group, epochs, steps)
