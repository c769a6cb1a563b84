"""Weights that training starts from: another run's, or published ones, read with care."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reprise.errors import RepriseError
from reprise.models.storage import Tensors, read_tensors
from reprise.weights.config import Weights, WeightsConfig, dump

# What DataParallel and torch.compile put before every name.
PREFIXES = ("module.", "_orig_mod.")
FETCH = "fetch it: dvc repro weights"
SHOWN = 4  # names of tensors in an account, of each kind


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
    carried: list[str] | None = None
    """Classes whose rows of the class head were taken over; None where that was not asked for."""

    def __str__(self) -> str:
        said = (
            f"starting weights: {len(self.loaded)} tensors loaded; at their initial values stay "
            f"{_named(self.reshaped)} of another shape and {_named(self.missing)} not in the "
            f"file; of the file {_named(self.unused)} unused"
        )
        if self.carried is None:
            return said
        return f"{said}; classes carried over by their name: {_named(self.carried)}"


@dataclass(frozen=True)
class ClassHead:
    """What carrying over classes takes.

    Attributes:
        classes: Of the dataset, in the order of their indices.
        rows: :meth:`reprise.models.family.Family.class_rows`.
    """

    classes: list[str]
    rows: Callable[[str, int, int], torch.Tensor | None]


def load_starting_weights(
    network: torch.nn.Module,
    entry: str | WeightsConfig,
    folder: Path,
    renamed: Callable[[Tensors], Tensors] | None = None,
    head: ClassHead | None = None,
) -> LoadAccount:
    """Copy the tensors of the weights stage's file into a network where name and shape agree.

    Args:
        network: Changed in place.
        entry: Of ``model.weights``: what the file was fetched for.
        folder: What the weights stage wrote: the file and its description, ``weights.json``.
        renamed: Gives a published file's tensors the names that the network has; None where
            they have them already.
        head: Given, classes that the file knows by the same name are carried over.

    Raises:
        RepriseError: The folder holds another file than ``entry`` asks for, or a damaged one,
            it is not plain tensors, or it is of the wrong network: fewer than half of the
            network's tensors are in it, or a sequence of blocks ends too soon.
    """
    name = entry if isinstance(entry, str) else entry.url
    tensors = _unwrapped(starting_file(entry, folder), name)
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
    missing = sorted(own.keys() - tensors.keys())
    deeper = _deeper(missing, set(fitting))
    if deeper:
        raise RepriseError(
            f"model.weights: the network has {deeper[0]}, and of such blocks the file ends with "
            f"{deeper[1]}: these are the weights of a shallower network.",
            "choose the model.variant that the file was made for, or take the entry out of "
            "model.weights.",
        )
    carried: list[str] | None = None
    heads: Tensors = {}
    if head is not None:
        known = starting_description(entry, folder)["classes"]
        carried, heads = _carried(head, known, own, tensors)
    loaded = {name: tensors[name].to(own[name].dtype) for name in fitting} | heads
    network.load_state_dict(loaded, False)
    # Of a tensor that the network has under two names, a file may hold one.
    filled = {own[name].data_ptr() for name in fitting}
    return LoadAccount(
        loaded=sorted(loaded),
        reshaped=[name for name in shared if name not in loaded],
        missing=[name for name in missing if own[name].data_ptr() not in filled],
        unused=sorted(tensors.keys() - own.keys()),
        carried=carried,
    )


def _carried(
    head: ClassHead, known: list[str] | None, own: Tensors, tensors: Tensors
) -> tuple[list[str], Tensors]:
    """Classes that are carried over, and the tensors that they change.

    Raises:
        RepriseError: Nobody knows the classes of the file.
    """
    if not known:
        raise RepriseError(
            "model.carry_over_classes: the weights file does not say which classes it knows.",
            "set model.carry_over_classes: false, or start from published weights (coco).",
        )
    places = {_word(name): place for place, name in enumerate(known)}
    pairs = [
        (index, places[_word(name)])
        for index, name in enumerate(head.classes)
        if _word(name) in places
    ]
    changed: Tensors = {}
    for name in sorted(own.keys() & tensors.keys()):
        ours, theirs = own[name], tensors[name]
        to = head.rows(name, len(head.classes), len(ours) if ours.dim() else 0)
        # A bias is of no use without the weights that it was learnt with.
        layer = f"{name.rpartition('.')[0]}.weight"
        if to is None or own[layer].shape[1:] != tensors[layer].shape[1:] or not pairs:
            continue
        of = head.rows(name, len(known), len(theirs))
        assert of is not None  # it is the same tensor
        # A background, which is last, stays one.
        both = pairs if len(to) == len(head.classes) else [*pairs, (-1, -1)]
        value = ours.clone()
        for index, place in both:
            value[to[index]] = theirs[of[place]].to(value.dtype)
        changed[name] = value
    return [head.classes[index] for index, _ in pairs] if changed else [], changed


def _word(name: str) -> str:
    """A class name as it is compared: traffic_light is COCO's traffic light."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _unwrapped(path: Path, url: str) -> Tensors:
    """Tensors of a starting-weights file, under the names of the network itself.

    Raises:
        RepriseError: As of reading it, with the name that the person gave.
    """
    try:
        tensors = read_tensors(path)
    except RepriseError as error:
        raise RepriseError(f"model.weights: {url}: {error.problem}", error.fix) from None
    for prefix in PREFIXES:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _deeper(missing: list[str], loaded: set[str]) -> tuple[str, str] | None:
    """A missing tensor whose like in an earlier block was loaded, and the last such one."""
    for name in missing:
        parts = name.split(".")
        for place, part in enumerate(parts):
            for number in range(int(part) - 1, -1, -1) if part.isdigit() else ():
                earlier = ".".join([*parts[:place], str(number), *parts[place + 1 :]])
                if earlier in loaded:
                    return name, earlier
    return None


def starting_description(entry: Weights, folder: Path) -> dict[str, Any]:
    """What the weights stage says of the file in its folder: ``weights.json``.

    Raises:
        RepriseError: It is missing or damaged, or the folder holds another file than ``entry``
            asks for.
    """
    try:
        found: dict[str, Any] = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
        asked, *_ = (found[key] for key in ("weights", "file", "sha256", "classes"))
    except FileNotFoundError:
        raise RepriseError(
            f"{folder} does not hold the file that training starts from: {folder}/weights.json "
            "is missing.",
            FETCH,
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise RepriseError(f"{folder}/weights.json is damaged: {error!r}", FETCH) from None
    if asked != dump(entry):
        raise RepriseError(f"{folder} holds another file than params.yaml asks for.", FETCH)
    return found


def starting_file(entry: Weights, folder: Path) -> Path:
    """The file in the weights stage's folder, verified."""
    found = starting_description(entry, folder)
    path = folder / Path(found["file"] or "").name
    if not path.is_file():
        raise RepriseError(f"{path} is missing.", FETCH)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != found["sha256"]:
        raise RepriseError(
            f"{path} has SHA-256 {sha256}, not {found['sha256']}: it was changed.",
            "fetch it again: dvc repro --force weights",
        )
    return path


def _named(names: list[str]) -> str:
    """How many there are, and the first of them."""
    if not names:
        return "0"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} ({', '.join(names[:SHOWN])}{more})"
