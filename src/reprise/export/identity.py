"""What an exported file says of itself: how to feed it, and which weights it holds.

It is one JSON text in the file, under ``reprise``: ONNX's metadata, OpenVINO's runtime
information, an extra file of TorchScript.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.models.family import Family

KEY = "reprise"
INPUT = "images"


def identity_of(
    family: Family, description: dict[str, Any], weights: Path, format_name: str
) -> dict[str, Any]:
    """What a file of this model says.

    Args:
        family: Trained.
        description: ``model.json``.
        weights: The file that the family was loaded from.
        format_name: Of :data:`reprise.export.registry.FORMATS`.
    """
    config = family.config
    return {
        "format": format_name,
        "family": description["family"],
        "architecture": family.architecture,
        "variant": config.variant,
        "task": family.task,
        "classes": description["classes"],
        "score_threshold": description.get("score_threshold"),
        "nms_iou": config.nms_iou,
        "max_detections": config.max_detections,
        "licence": family.licence,
        "input": {
            "name": INPUT,
            "pixels": "uint8 (n, 3, height, width) RGB, 0 to 255; normalised inside",
            "images": "any number at a time" if family.exports_batches else "one at a time",
            "longest_side": family.image_size,
            "resizing": family.resizing,
        },
        "outputs": list(family.output_names()),
        "weights_sha256": sha256(weights),
    }


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_text(identity: dict[str, Any]) -> str:
    """The text in the file."""
    return json.dumps(identity, ensure_ascii=False, sort_keys=True)


def check_identity(text: str | None, path: Path, weights: Path, format_name: str) -> None:
    """Check that a file was exported from the weights that it shall stand for.

    Args:
        text: What it says of itself.
        path: The file.
        weights: Those of the model.
        format_name: That it was asked for as.

    Raises:
        RepriseError: It was not, or says nothing.
    """
    again = f"export it again: reprise export-model {format_name}"
    try:
        identity = json.loads(text or "")
        told = identity["weights_sha256"], identity["format"]
    except (ValueError, KeyError, TypeError):
        raise RepriseError(f"{path} was not exported by this version of Reprise.", again) from None
    if told != (sha256(weights), format_name):
        raise RepriseError(
            f"{path} is not an export of {weights}: the model has changed since, or is another.",
            f"{again}, with the same --weights or --rev where one was named.",
        )
