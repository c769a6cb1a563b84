"""Where a run stands, and all that a checkpoint holds of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from reprise.distributed import Distributed
from reprise.training.console import Row


@dataclass
class TrainState:
    """Where a run stands; with the states of its parts, all that a checkpoint holds."""

    epoch: int = 0
    batch: int = 0
    """Batches of this epoch that are done."""
    images: int = 0
    """Images of this epoch that are done, over all processes."""
    sums: dict[str, float] = field(default_factory=dict)
    """Loss parts of this epoch, summed over the images of this process."""
    rate: float = 0.0
    """Learning rate of the latest optimizer step."""
    history: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    """``value``, ``epoch``, ``threshold``, ``scores`` and ``weights`` of the best validation."""
    waited: int = 0
    """Validations since the best one."""
    stopped: bool = False

    def begin(self, epoch: int) -> None:
        """Stand at the start of an epoch."""
        self.epoch, self.batch, self.images, self.sums = epoch, 0, 0, {}


def state_of(
    progress: TrainState, parts: dict[str, Any], device: torch.device, distributed: Distributed
) -> dict[str, Any]:
    """All that a checkpoint holds; every process must come here."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {
        "progress": vars(progress).copy(),
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "random": distributed.all_gather((torch.get_rng_state(), cuda)),
    }
