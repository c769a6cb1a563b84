"""What to say when memory runs out in training."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from reprise.errors import RepriseError
from reprise.training.config import TrainingConfig


@contextmanager
def memory_errors_told(training: TrainingConfig, device: torch.device) -> Iterator[None]:
    """Turn a library's error about memory into one that says what to lower.

    Raises:
        RepriseError: Memory ran out.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise out_of_gpu_memory(training, device) from None
    except RuntimeError as error:
        # torch has no class of its own for this.
        if "can't allocate memory" not in str(error):
            raise
        raise out_of_memory(training) from None


def out_of_gpu_memory(training: TrainingConfig, device: torch.device) -> RepriseError:
    """The GPU's memory did not hold a step."""
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return RepriseError(
        f"the GPU ran out of memory: {peak:.1f} of {total:.1f} GiB in use at batch size "
        f"{training.batch_size}.",
        _smaller(training),
    )


def out_of_memory(training: TrainingConfig) -> RepriseError:
    """The machine's memory did not hold a step."""
    # Linux counts ru_maxrss in KiB, macOS in bytes.
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return RepriseError(
        f"the machine ran out of memory: {peak:.1f} GiB in use at batch size "
        f"{training.batch_size}.",
        _smaller(training),
    )


def _smaller(training: TrainingConfig) -> str:
    return (
        f"set training.batch_size: {max(1, training.batch_size // 2)} and "
        "training.gradient_accumulation_steps: "
        f"{training.gradient_accumulation_steps * 2} (the same effective batch), or lower "
        "data.image_size or model.variant."
    )
