"""Where a run computes: device, precision, processes; and what to say when that fails."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from reprise.distributed import Distributed
from reprise.errors import RepriseError
from reprise.models.inference import choose_device
from reprise.training.config import TrainingConfig

Autocast = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Runtime:
    """Where a run computes.

    Attributes:
        device: Of this process.
        distributed: This process among those of the run.
        workers: Loader processes; 0 loads in this one.
        scratch: A folder outside the outs.
    """

    device: torch.device
    distributed: Distributed
    workers: int
    scratch: Path


def local_device(training: TrainingConfig) -> torch.device:
    """The device of this process: ``training.device``, or its own GPU among several.

    Raises:
        RepriseError: A GPU was asked for that this machine does not have, or one GPU for several
            processes.
    """
    device = choose_device(training.device)
    if device.index is not None and training.devices > 1:
        raise RepriseError(
            f"training.device: {training.device} is one GPU, and training.devices asks for "
            f"{training.devices}.",
            "set training.device: cuda, and choose GPUs by CUDA_VISIBLE_DEVICES, or "
            "training.devices: 1.",
        )
    if device.type == "cuda" and training.devices > 1:
        return choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return device


def prepare_torch(device: torch.device, training: TrainingConfig) -> None:
    """Set what is global in torch: threads, determinism, the seed."""
    torch.set_num_threads(training.threads)
    # The first steps from random weights are full of subnormal numbers, which a CPU
    # computes many times slower than zeros. Threads inherit this when they start.
    torch.set_flush_denormal(True)
    if device.type == "cuda":
        # cuBLAS is deterministic only with a workspace of fixed size.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # On the CPU the kernels are deterministic as they are, and this costs two seconds.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    torch.manual_seed(training.seed)


def precision(name: str, device: torch.device) -> tuple[Autocast, torch.amp.GradScaler]:
    """The autocast context and gradient scaler of ``training.mixed_precision``.

    Raises:
        RepriseError: The device cannot do it.
    """
    cuda = device.type == "cuda"
    if name == "auto":
        name = "bf16" if cuda and torch.cuda.is_bf16_supported() else "none"
    if name == "fp16" and not cuda:
        raise RepriseError(
            "training.mixed_precision: fp16 needs a GPU, and training runs on the CPU.",
            "set it to auto or bf16.",
        )
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name, torch.float32)
    autocast = partial(torch.autocast, device.type, dtype=dtype, enabled=name != "none")
    return autocast, torch.amp.GradScaler(device.type, enabled=name == "fp16")


def peak_gib(device: torch.device) -> float:
    """Most memory used so far, in GiB: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    # Linux counts ru_maxrss in KiB, macOS in bytes.
    unit = 2**20 if os.uname().sysname == "Linux" else 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@contextmanager
def explain_errors(training: TrainingConfig, device: torch.device) -> Iterator[None]:
    """Turn torch's errors about memory and compilation into ones that say what to change.

    Raises:
        RepriseError: Memory ran out, or the network cannot be compiled here.
    """
    compile_errors: tuple[type[Exception], ...] = ()
    if training.compile:
        # Takes seconds to import.
        from torch._dynamo.exc import TorchDynamoException

        compile_errors = (TorchDynamoException,)
    try:
        yield
    except torch.OutOfMemoryError:
        total = torch.cuda.get_device_properties(device).total_memory / 2**30
        used = f"{peak_gib(device):.1f} of {total:.1f}"
        raise _out_of_memory("the GPU", used, training) from None
    except compile_errors as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RepriseError(
            f"training.compile: the network cannot be compiled here: {reason}",
            "set training.compile: false; on a CPU it needs a C++ compiler (g++).",
        ) from None
    except RuntimeError as error:
        # torch has no class of its own for this.
        if "can't allocate memory" not in str(error):
            raise
        used = f"{peak_gib(torch.device('cpu')):.1f}"
        raise _out_of_memory("the machine", used, training) from None


def _out_of_memory(what: str, used: str, training: TrainingConfig) -> RepriseError:
    return RepriseError(
        f"{what} ran out of memory: {used} GiB in use at batch size {training.batch_size}.",
        f"set training.batch_size: {max(1, training.batch_size // 2)} and "
        "training.gradient_accumulation_steps: "
        f"{training.gradient_accumulation_steps * 2} (the same effective batch), or lower "
        "data.image_size or model.variant.",
    )
