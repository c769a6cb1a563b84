"""Weights and their description on disk: safetensors and JSON, never a pickle.

``model.safetensors`` holds fp32 tensors; ``model.json`` tells how to build the network they
belong to, how to feed it, and which parameters and versions made it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
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


def save_model(folder: Path, weights: Tensors, description: dict[str, Any]) -> None:
    """Write ``model.safetensors`` and ``model.json``.

    Args:
        folder: Created if needed.
        weights: A state dict; floating tensors are stored as fp32, on the CPU.
        description: What ``model.json`` holds; see ``training.train.describe``.

    Raises:
        RepriseError: The disk is full, or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _stored(weights[name]) for name in sorted(weights)}
    temporary = folder / "model.safetensors.partial"
    try:
        save_file(tensors, temporary, metadata={"format": "pt"})
    except (SafetensorError, OSError) as error:
        temporary.unlink(missing_ok=True)
        raise RepriseError(
            f"the model cannot be written to {folder}: {error}",
            "free disk space and run dvc repro again; it goes on from the last checkpoint.",
        ) from None
    temporary.replace(folder / "model.safetensors")
    write_json(folder / "model.json", description)


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
            f"({config.architecture} {config.variant}, {len(description['classes'])} classes).",
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
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise RepriseError(
            f"{path} is not a whole safetensors file: {error}",
            "fetch or copy it again; an out comes back with dvc checkout --force.",
        ) from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError):
        # The library's own message advises to switch the protection off.
        raise RepriseError(
            f"{path} is damaged, or holds more than plain tensors.",
            "use a .safetensors file; a pickled model can run code when it is opened.",
        ) from None
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise RepriseError(f"{path} is not a table of tensors.", "use a .safetensors file.")
    return content


@dataclass(frozen=True)
class LoadAccount:
    """What became of each tensor of a starting-weights file."""

    loaded: list[str]
    reshaped: list[str]
    """In both, of another shape (a class head, mostly): left at its random values."""
    missing: list[str]
    """In the network only: left at its random values."""
    unused: list[str]
    """In the file only."""

    def __str__(self) -> str:
        return (
            f"starting weights: {len(self.loaded)} tensors loaded, "
            f"{len(self.reshaped)} of another shape and {len(self.missing)} not in the file "
            f"stay random, {len(self.unused)} of the file unused"
        )


def load_starting_weights(network: torch.nn.Module, config: WeightsConfig) -> LoadAccount:
    """Copy a verified file's tensors into a network where name and shape agree.

    Raises:
        RepriseError: The file is missing, its checksum is another, it is not plain tensors,
            or fewer than half of the network's tensors are in it (the wrong network).
    """
    path = Path(config.path)
    if not path.is_file():
        raise RepriseError(
            f"model.weights.path: {path} does not exist.", "correct the path, or set weights: null."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != config.sha256:
        raise RepriseError(
            f"model.weights: {path} has SHA-256 {found}, not {config.sha256}.",
            "restore the file, or, if you trust this one, put its checksum in params.yaml.",
        )
    tensors = _read_tensors(path)
    own = network.state_dict()
    shared = sorted(own.keys() & tensors.keys())
    fitting = [name for name in shared if own[name].shape == tensors[name].shape]
    if len(fitting) * 2 < len(own):
        raise RepriseError(
            f"model.weights: only {len(fitting)} of the network's {len(own)} tensors are in "
            f"{path}: these are the weights of another network.",
            "choose the model.architecture and model.variant that the file was made for, or "
            "set model.weights: null.",
        )
    network.load_state_dict({name: tensors[name].to(own[name].dtype) for name in fitting}, False)
    return LoadAccount(
        loaded=fitting,
        reshaped=[name for name in shared if own[name].shape != tensors[name].shape],
        missing=sorted(own.keys() - tensors.keys()),
        unused=sorted(tensors.keys() - own.keys()),
    )
