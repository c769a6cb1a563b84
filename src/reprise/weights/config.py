"""The schema of ``model.weights`` and ``training.resume``: what training starts from."""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import Field, field_validator

from reprise.section import Section
from reprise.sources.urls import SCHEMES, check_remote_url

# By family, the names of published weights, best first; which network each is for is in
# reprise.weights.published.
NAMES: dict[str, tuple[str, ...]] = {
    "yolo": ("coco", "screens"),
    "faster_rcnn": ("coco", "imagenet"),
    "mask_rcnn": ("coco", "imagenet"),
    "sam": ("sa1b",),
    "detectron2": ("coco", "imagenet"),
    "multilabel": ("imagenet",),
}
NO_WEIGHTS = "none"


class WeightsConfig(Section):
    """A weights file to start from; it is used only when its checksum agrees."""

    url: Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]
    """A path from the repository's top folder, or file://, http(s)://, s3://, gs://, az://,
    sftp://: a .safetensors file, a .pt or .pth file of plain tensors or as ultralytics saves
    it, or a .pkl file of Detectron2."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file, from `sha256sum FILE`; with a wrong one, the error message says
    which it has."""

    @field_validator("url")
    @classmethod
    def _is_a_file(cls, url: str) -> str:
        if "://" not in url:
            return url
        check_remote_url(url, SCHEMES, "path/to/weights.safetensors")
        return url


# A name, the path of a file here, or a file with its checksum; None for random weights.
Weights = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")] | WeightsConfig | None


def is_path(entry: str) -> bool:
    """Whether an entry of ``model.weights`` is a path: it has a slash or an ending."""
    return any(mark in entry for mark in "/\\.")


def is_file(entry: Weights) -> bool:
    """Whether an entry names a file, and not published weights."""
    return isinstance(entry, WeightsConfig) or (entry is not None and is_path(entry))


def known(family: str, entry: Weights) -> Weights:
    """An entry of ``model.weights``, checked; ``none`` becomes None.

    Raises:
        ValueError: It is a URL without its checksum, or neither a path nor a name of the family.
    """
    if not isinstance(entry, str) or entry == NO_WEIGHTS:
        return None if entry == NO_WEIGHTS else entry
    if "://" in entry:
        raise ValueError(
            f"{family}: a URL needs its checksum; write {family}: {{url: …, sha256: …}}"
        )
    names = (*NAMES.get(family, ()), NO_WEIGHTS)
    if entry in names or is_path(entry):
        return entry
    close = difflib.get_close_matches(entry.lower(), names, n=1)
    meant = f"did you mean {family}: {close[0]}? " if close else ""
    raise ValueError(
        f"{family}: no published weights of {family} are called '{entry}'; {meant}known: "
        f"{', '.join(names)} (reprise weights lists them); a path has a / or an ending"
    )


def dump(entry: Weights) -> str | dict[str, str] | None:
    """An entry as plain values: what the weights stage writes beside the file it is for."""
    return entry.model_dump() if isinstance(entry, WeightsConfig) else entry
