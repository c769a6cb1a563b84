"""Where a run stands, and how it is put away and taken up again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from reprise.training.checkpoint import Checkpoints
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


def save(
    checkpoints: Checkpoints,
    progress: Progress,
    parts: dict[str, Any],
    device: torch.device,
    processes: Processes,
) -> None:
    """Write a checkpoint; every process must come here, and one writes."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    random = processes.gather((torch.get_rng_state(), cuda))
    if processes.writes:
        checkpoints.save(
            {
                "progress": vars(progress).copy(),
                "parts": {name: part.state_dict() for name, part in parts.items()},
                "random": random,
            }
        )


def resume(
    checkpoints: Checkpoints, parts: dict[str, Any], device: torch.device, processes: Processes
) -> Progress:
    """Put every part back to where the last checkpoint left it."""
    # The others may be on machines that do not see the file.
    state = processes.of_first(checkpoints.load() if processes.writes else None)
    if state is None:
        return Progress()
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    # Restarted with more processes, a new one draws like the last of the old ones.
    cpu, cuda = state["random"][min(processes.rank, len(state["random"]) - 1)]
    torch.set_rng_state(cpu)
    if device.type == "cuda" and cuda is not None:
        torch.cuda.set_rng_state(cuda, device)
    progress = Progress(**state["progress"])
    if processes.writes:
        print(f"resumed: epoch {progress.epoch + 1}, after batch {progress.batch}")
    return progress
