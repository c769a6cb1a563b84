"""Weights and their description on disk: safetensors and JSON, never a pickle.

``model.safetensors`` holds fp32 tensors; ``model.json`` tells how to build the network they
belong to, how to feed it, and which parameters and versions made it.
"""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reprise.dataset import write_json
from reprise.errors import RepriseError
from reprise.models.config import FamilyName, ModelConfig
from reprise.models.family import Family, family_class
from reprise.replacing import replacing_file

Tensors = dict[str, torch.Tensor]
# What torch.load has been seen to raise over damaged files.
UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, RuntimeError, EOFError, OSError, ValueError),
    *(LookupError, TypeError, AttributeError, AssertionError),
)
WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys of training scripts' files


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

    stored = {name: _stored(tensors[name]) for name in sorted(tensors)}
    try:
        with replacing_file(path) as partial:
            save_file(stored, partial, metadata={"format": "pt"})
    except (SafetensorError, OSError) as error:
        raise RepriseError(
            f"the weights cannot be written to {path.parent}: {error}",
            "free disk space and run dvc repro again; it goes on from the last checkpoint.",
        ) from None


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous().clone()
    return tensor.float() if tensor.is_floating_point() else tensor


def load_model(model: Path) -> tuple[Family, dict[str, Any]]:
    """The trained network, in evaluation mode on the CPU, and its description.

    Args:
        model: A model folder, or a weights file with its ``model.json`` beside it.

    Raises:
        RepriseError: A file is missing or damaged, of an older version, or weights and
            description disagree.
    """
    description = read_description(model)
    config = ModelConfig.model_validate(description["parameters"]["model"])
    family = family_class(description["family"])(
        config, description["classes"], description["image_size"]
    )
    path, _ = model_files(model)
    weights = read_tensors(path)
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


def model_files(model: Path) -> tuple[Path, Path]:
    """The weights and the description of a model.

    Args:
        model: A model folder, whose weights are ``model.safetensors``, or a weights file with
            its ``model.json`` beside it.
    """
    if model.suffix == ".safetensors" and not model.is_dir():
        return model, model.with_name("model.json")
    return model / "model.safetensors", model / "model.json"


class _TrainingOfModel(BaseModel):
    threads: Annotated[int, Field(ge=1)]


class _ParametersOfModel(BaseModel):
    model: ModelConfig
    training: _TrainingOfModel


class _Description(BaseModel):
    """What of ``model.json`` rebuilds the network and runs it."""

    model_config = ConfigDict(strict=True)

    family: FamilyName
    classes: Annotated[list[str], Field(min_length=1)]
    image_size: Annotated[int, Field(ge=1)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    parameters: _ParametersOfModel


def read_description(model: Path) -> dict[str, Any]:
    """``model.json``, checked for what rebuilds the network and runs it.

    Args:
        model: As of :func:`load_model`.

    Raises:
        RepriseError: It is missing or damaged, or an older version of Reprise wrote it.
    """
    _, path = model_files(model)
    fix = "train first (dvc repro train), or restore the files (dvc checkout models)."
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _Description.model_validate(description)
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", fix) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise RepriseError(
            f"{path} does not describe a model of this version of Reprise: {reason}.",
            "use it with the checkout that trained it, train again (dvc repro train), or, if it "
            "was changed, restore it (dvc checkout models).",
        ) from None
    except (ValueError, NotADirectoryError) as error:
        raise RepriseError(f"{path} does not describe a model: {error}", fix) from None
    return description


def read_tensors(path: Path) -> Tensors:
    """Tensors of a file, read without running anything it holds.

    Raises:
        RepriseError: It is missing or damaged, or holds something else than plain, finite tensors.
    """
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
    except UNREADABLE:
        # The library's own message advises to switch the protection off.
        raise RepriseError(
            f"{path} is damaged, or holds more than plain tensors.",
            "fetch it again, or use a file of plain tensors: a pickled model can run code when "
            "it is opened. docs/training.md shows how to turn one into such a file.",
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        raise RepriseError(
            f"{path} is not a table of tensors.",
            f"save the network's state_dict() alone, or under {' or '.join(WRAPPERS)}; a state "
            "that training.keep_state keeps is for training.resume.",
        )
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
