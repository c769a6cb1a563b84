"""What computes a network's outputs: the one place where another runtime takes torch's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from reprise.errors import RepriseError
from reprise.export.registry import FORMATS
from reprise.export.runtimes import open_export
from reprise.models.family import Family
from reprise.models.inference import Backend, TorchBackend, choose_device


def _torch(family: Family, folder: Path, device: str) -> Backend:  # noqa: ARG001 - all are so called
    if re.fullmatch(r"auto|cpu|cuda(:\d+)?", device) is None:
        raise RepriseError(f"there is no device {device!r}.", "name auto, cpu, cuda or cuda:N.")
    return TorchBackend(family, choose_device(device))


def _exported(name: str, family: Family, folder: Path, device: str) -> Backend:
    if device not in ("auto", "cpu"):
        raise RepriseError(
            f"the backend {name} runs on the CPU here, and the device {device} was asked for.",
            "name the device cpu, or the backend torch.",
        )
    return open_export(name, family, folder, torch.get_num_threads())


# Name -> opens it, from the trained family, the model's folder and the device that was asked for.
BACKENDS: dict[str, Callable[[Family, Path, str], Backend]] = {
    "torch": _torch,
    **{name: partial(_exported, name) for name in FORMATS},
}


def open_backend(name: str, family: Family, folder: Path, device: str) -> Backend:
    """What computes the outputs of a model.

    Args:
        name: Of BACKENDS.
        family: Trained.
        folder: That the model was loaded from.
        device: auto, cpu, cuda or cuda:N.

    Raises:
        RepriseError: There is no such backend, or this machine cannot run it.
    """
    if name not in BACKENDS:
        raise RepriseError(f"there is no backend {name}.", f"name one of {', '.join(BACKENDS)}.")
    return BACKENDS[name](family, folder, device)
