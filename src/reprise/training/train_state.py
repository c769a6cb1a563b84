"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from reprise.training.loggers import Row


@dataclass(frozen=True)
class BestCheckpoint:
    """The weights with the best validation so far.

    Attributes:
        epoch: After which they were validated, from 1.
        value: Of ``training.early_stopping.metric``.
        threshold: The score threshold chosen on val.
        weights: A state dict on the CPU.
    """

    epoch: int
    value: float
    threshold: float
    weights: dict[str, torch.Tensor]


@dataclass
class TrainState:
    """Where a run stands; with the states of network, optimizer and the like, and of the random
    generators, it is all that a checkpoint holds."""

    epoch: int = 0
    """Epochs that are done."""
    batch: int = 0
    """Batches of the epoch in progress that are done."""
    images: int = 0
    """Images of the epoch in progress that are done, over all processes."""
    loss_sums: dict[str, float] = field(default_factory=dict)
    """This process's share of the loss parts, summed over these images."""
    learning_rate: float = 0.0
    """Of the latest optimizer step."""
    history: list[Row] = field(default_factory=list)
    """The rows of the epochs that are done."""
    best: BestCheckpoint | None = None
    """None before the first validation."""
    stopped: bool = False
    """Whether early stopping has ended the run."""

    @property
    def epochs_since_best(self) -> int:
        """Epochs since the best validation, or since the start."""
        return self.epoch - (self.best.epoch if self.best else 0)

    def finish_epoch(self, row: Row) -> None:
        """Stand at the start of the next epoch."""
        self.history.append(row)
        self.epoch += 1
        self.batch, self.images, self.loss_sums = 0, 0, {}

    def state_dict(self) -> dict[str, Any]:
        """Plain containers, which ``torch.load`` reads with ``weights_only``."""
        return {**vars(self), "best": None if self.best is None else vars(self.best)}

    @classmethod
    def from_state_dict(cls, values: dict[str, Any]) -> TrainState:
        """The inverse of :meth:`state_dict`.

        Raises:
            TypeError: It holds other keys.
        """
        best = values["best"]
        return cls(**{**values, "best": None if best is None else BestCheckpoint(**best)})
