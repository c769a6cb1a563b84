"""What this machine can bear."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MOST_THREADS = 16  # more of them make no step of these networks faster


@dataclass(frozen=True)
class Machine:
    """The machine that trains.

    Attributes:
        gpu: Name of the first GPU; empty without one.
        memory_gb: Of the GPU, or of the machine without one, in GB (10^9 bytes).
        cores: CPU cores that this process may use.
    """

    gpu: str
    memory_gb: float
    cores: int

    def __str__(self) -> str:
        kind = self.gpu or f"{self.cores} CPU cores and no GPU"
        return f"{kind}, {self.memory_gb:.0f} GB"


def this_machine() -> Machine:
    """The machine that runs this process, within the limits of its container."""
    import psutil
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count()
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        return Machine(gpu.name, gpu.total_memory / 1e9, cores or 1)
    limit = Path("/sys/fs/cgroup/memory.max")
    stated = limit.read_text().strip() if limit.is_file() else "max"
    memory = psutil.virtual_memory().total
    return Machine("", min(memory, int(stated) if stated.isdigit() else memory) / 1e9, cores or 1)
