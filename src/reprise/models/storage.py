"""Weights and their description on disk: safetensors and JSON, never a pickle.

``model.safetensors`` holds fp32 tensors; ``model.json`` tells how to build the network they
belong to, how to feed it, and which parameters and versions made it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from reprise.dataset import write_json
from reprise.errors import RepriseError
from reprise.models.config import ModelConfig, WeightsConfig
from reprise.models.family import Family, family_class

Tensors = dict[str, torch.Tensor]
# What torch.load has been seen to raise over damaged files.
_UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, RuntimeError, EOFError, OSError, ValueError),
    *(LookupError, TypeError, AttributeError, AssertionError),
)
SHOWN = 4  # names of tensors in an account, of each kind


def save_model(folder: Path, weights: Tensors, description: dict[str, Any]) -> None:
    """Write ``model.safetensors`` and ``model.json``.

    Args:
        folder: Created if needed.
        weights: A state dict; floating tensors are stored as fp32, on the CPU.
        description: What ``model.json`` holds; see ``training.train.describe``.

    Raises:
        RepriseError: The disk is full, or the folder cannot be written.
    """
    write_tensors(folder / "model.safetensors", weights)
    write_json(folder / "model.json", description)


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write a state dict, sorted, floating tensors as fp32; the file is whole or absent.

    Raises:
        RepriseError: The disk is full, or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    stored = {name: _stored(tensors[name]) for name in sorted(tensors)}
    temporary = path.with_name(f"{path.name}.partial")
    try:
        save_file(stored, temporary, metadata={"format": "pt"})
    except (SafetensorError, OSError) as error:
        temporary.unlink(missing_ok=True)
        raise RepriseError(
            f"the weights cannot be written to {path.parent}: {error}",
            "free disk space and run dvc repro again; it goes on from the last checkpoint.",
        ) from None
    temporary.replace(path)


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous().clone()
    return tensor.float() if tensor.is_floating_point() else tensor


def load_model(folder: Path) -> tuple[Family, dict[str, Any]]:
    """The trained network, in evaluation mode on the CPU, and its description.

    Raises:
        RepriseError: A file is missing or damaged, or weights and description disagree.
    """
    description = read_description(folder)
    config = ModelConfig.model_validate(description["parameters"]["model"])
    family = family_class(description["family"])(
        config, description["classes"], description["image_size"]
    )
    path = folder / "model.safetensors"
    weights = _read_tensors(path)
    wanted = family.network.state_dict()
    if {k: v.shape for k, v in wanted.items()} != {k: v.shape for k, v in weights.items()}:
        raise RepriseError(
            f"{path} holds the weights of another network than model.json describes "
            f"({config.type} {config.variant}, {len(description['classes'])} classes).",
            "take both files from one training run: dvc checkout models",
        )
    family.network.load_state_dict(weights)
    family.network.eval()
    return family, description


def read_description(folder: Path) -> dict[str, Any]:
    """``model.json``, checked for the keys that rebuild the network."""
    path = folder / "model.json"
    fix = "train first (dvc repro train), or restore the files (dvc checkout models)."
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        ModelConfig.model_validate(description["parameters"]["model"])
        names = [description[key] for key in ("family", "classes", "image_size")]
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", fix) from None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise RepriseError(f"{path} does not describe a model: {error}", fix) from None
    if not all(names):
        raise RepriseError(f"{path} does not describe a model.", fix)
    return description


def _read_tensors(path: Path) -> Tensors:
    """Tensors of a file, read without running anything it holds."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise RepriseError(f"{path} is not there.", "dvc checkout brings outs back.")
    try:
        if path.suffix == ".safetensors":
            return _plain(load_file(path), path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise RepriseError(
            f"{path} is not a whole safetensors file: {error}",
            "fetch or copy it again; an out comes back with dvc checkout --force.",
        ) from None
    except _UNREADABLE:
        # The library's own message advises to switch the protection off.
        raise RepriseError(
            f"{path} is damaged, or holds more than plain tensors.",
            "use a .safetensors file; a pickled model can run code when it is opened.",
        ) from None
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise RepriseError(f"{path} is not a table of tensors.", "use a .safetensors file.")
    return _plain(content, path)


def _plain(tensors: Tensors, path: Path) -> Tensors:
    for name, value in tensors.items():
        if value.layout is not torch.strided or value.is_complex() or value.is_quantized:
            raise RepriseError(
                f"{path}: the tensor '{name}' is sparse, complex or quantised.",
                "save the weights as plain numbers.",
            )
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise RepriseError(
                f"{path}: the tensor '{name}' holds values that are not finite.",
                "take the weights of another epoch or run; these belong to a loss that went nan.",
            )
    return tensors


@dataclass(frozen=True)
class LoadAccount:
    """What became of each tensor of a starting-weights file."""

    loaded: list[str]
    reshaped: list[str]
    """In both, of another shape (a class head, mostly): left at its initial values."""
    missing: list[str]
    """In the network only: left at its initial values."""
    unused: list[str]
    """In the file only."""

    def __str__(self) -> str:
        return (
            f"starting weights: {len(self.loaded)} tensors loaded; at their initial values stay "
            f"{_named(self.reshaped)} of another shape and {_named(self.missing)} not in the "
            f"file; of the file {_named(self.unused)} unused"
        )


def load_starting_weights(
    network: torch.nn.Module,
    config: WeightsConfig,
    folder: Path,
    renamed: Callable[[Tensors], Tensors] | None = None,
) -> LoadAccount:
    """Copy the tensors of the weights stage's file into a network where name and shape agree.

    Args:
        network: Changed in place.
        config: The entry of ``model.weights`` that the file was fetched for.
        folder: What the weights stage wrote: the file and its description, ``weights.json``.
        renamed: Gives a published file's tensors the names that the network has; None where
            they have them already.

    Raises:
        RepriseError: The folder holds another file than ``config`` asks for, or a damaged one,
            it is not plain tensors, or fewer than half of the network's tensors are in it
            (the wrong network).
    """
    tensors = _read_tensors(_starting_file(config, folder))
    tensors = renamed(tensors) if renamed else tensors
    own = network.state_dict()
    shared = sorted(own.keys() & tensors.keys())
    fitting = [name for name in shared if own[name].shape == tensors[name].shape]
    if len(fitting) * 2 < len(own):
        raise RepriseError(
            f"model.weights: only {len(fitting)} of the network's {len(own)} tensors are in "
            "the file: these are the weights of another network.",
            "choose the model.type, architecture and variant that the file was made for, or take "
            "the entry out of model.weights.",
        )
    network.load_state_dict({name: tensors[name].to(own[name].dtype) for name in fitting}, False)
    # Of a tensor that the network has under two names, a file may hold one.
    filled = {own[name].data_ptr() for name in fitting}
    return LoadAccount(
        loaded=fitting,
        reshaped=[name for name in shared if own[name].shape != tensors[name].shape],
        missing=sorted(
            name for name in own.keys() - tensors.keys() if own[name].data_ptr() not in filled
        ),
        unused=sorted(tensors.keys() - own.keys()),
    )


def _starting_file(config: WeightsConfig, folder: Path) -> Path:
    """The file in the weights stage's folder, verified."""
    fix = "fetch it: dvc repro weights"
    try:
        entry = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
        path = folder / Path(entry["file"] or "").name
        stated = entry["sha256"]
    except FileNotFoundError:
        raise RepriseError(
            f"{folder} does not hold the file of model.weights: {folder}/weights.json is missing.",
            fix,
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise RepriseError(f"{folder}/weights.json is damaged: {error!r}", fix) from None
    if stated != config.sha256:
        raise RepriseError(f"{folder} holds another file than model.weights asks for.", fix)
    if not path.is_file():
        raise RepriseError(f"{path} is missing.", fix)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != config.sha256:
        raise RepriseError(
            f"{path} has SHA-256 {found}, not {config.sha256}: it was changed.",
            "fetch it again: dvc repro --force weights",
        )
    return path


def _named(names: list[str]) -> str:
    """How many there are, and the first of them."""
    if not names:
        return "0"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} ({', '.join(names[:SHOWN])}{more})"
