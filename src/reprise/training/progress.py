"""Where a run stands, and how it is put away and taken up again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from reprise.training.checkpoint import Checkpoints
from reprise.training.continuing import take_up
from reprise.training.processes import Processes
from reprise.training.tracking import Row


@dataclass
class Progress:
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
    progress: Progress, parts: dict[str, Any], device: torch.device, processes: Processes
) -> dict[str, Any]:
    """All that a checkpoint holds; every process must come here."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {
        "progress": vars(progress).copy(),
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "random": processes.gather((torch.get_rng_state(), cuda)),
    }


def resume(
    checkpoints: Checkpoints,
    parts: dict[str, Any],
    device: torch.device,
    processes: Processes,
    start: dict[str, Any] | None,
    steps_per_epoch: int,
) -> Progress:
    """Put every part back to where the last checkpoint left it, or else another run's state.

    Args:
        checkpoints: Of this run.
        parts: Network, average, optimizer, scheduler and scaler.
        device: Where this process trains.
        processes: This process among those of the run.
        start: What :func:`reprise.training.continuing.open_state` gave, if anything.
        steps_per_epoch: Of this run.
    """
    # The others may be on machines that do not see the file.
    state = processes.of_first(checkpoints.load() if processes.writes else None)
    if state is not None:
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
    elif start is not None:
        state = start
        take_up(parts, start["parts"], start["progress"]["epoch"] * steps_per_epoch)
    else:
        return Progress()
    # Restarted with more processes, a new one draws like the last of the old ones.
    cpu, cuda = state["random"][min(processes.rank, len(state["random"]) - 1)]
    torch.set_rng_state(cpu)
    if device.type == "cuda" and cuda is not None:
        torch.cuda.set_rng_state(cuda, device)
    progress = Progress(**state["progress"])
    if processes.writes:
        print(f"resumed: epoch {progress.epoch + 1}, after batch {progress.batch}")
    return progress
