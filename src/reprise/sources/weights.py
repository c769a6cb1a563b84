"""The weights that training starts from: fetched and verified before it, never during it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from reprise.errors import RepriseError
from reprise.replacing import replacing_folder
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import error_context
from reprise.sources.verified_copy import verified_copy
from reprise.sources.weights_config import WeightsConfig

# What reprise.models.storage reads.
DESCRIPTION = "weights.json"
MAX_SAFETENSORS_HEADER = 100_000_000  # the format's own limit


def download_weights(
    family: str,
    config: WeightsConfig | None,
    limits: LimitsConfig,
    out: Path,
    base: Path,
    scratch: Path,
    name: str = "",
) -> None:
    """Write ``out/weights.json`` and, unless training starts from random weights, the file.

    The description holds ``family``; ``file``, the file's name in ``out`` (weights.safetensors
    or weights.pt, whichever its content is), or null; and ``sha256``, its digest, or null.

    Args:
        family: ``model.type``.
        config: Its entry in ``model.weights``, or ``training.resume``; None for random weights.
        limits: Of the download and of the cache, from ``data.limits``.
        out: Folder to write; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for downloads: an unfinished one is resumed by the next call, a
            finished one is not fetched again.
        name: Of the parameter that names the file, for messages; ``model.weights.<family>``
            by default.

    Raises:
        RepriseError: The file is missing, has another SHA-256, is no weights file or over a
            limit, or the disk is full. Then ``out`` is as it was.
    """
    with error_context(name or f"model.weights.{family}"), replacing_folder(out) as folder:
        file = None
        if config is not None:
            source = SourceConfig(url=config.url, sha256=config.sha256)
            with verified_copy(source, limits, base, scratch, check_file=weights_name) as copy:
                # Copied, not linked: DVC makes what it tracks read-only.
                file = weights_name(copy.path)
                shutil.copyfile(copy.path, folder / file)
        entry = {"family": family, "file": file, "sha256": config.sha256 if config else None}
        (folder / DESCRIPTION).write_text(json.dumps(entry, indent=2) + "\n")


def weights_name(path: Path) -> str:
    """weights.safetensors or weights.pt, by how the file begins.

    Whether a .pt file holds plain tensors alone is only seen when it is loaded, which no
    content can turn into running code.

    Raises:
        RepriseError: It is neither.
    """
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") <= MAX_SAFETENSORS_HEADER:
        return "weights.safetensors"
    # torch.save writes a zip, or with older versions a pickle of protocol 2.
    if head.startswith((b"PK\x03\x04", b"\x80\x02")):
        return "weights.pt"
    raise RepriseError(
        "it is neither a safetensors file nor one that torch.save has written.",
        "name a .safetensors, .pt or .pth file; of a page that shows one, take the download link.",
    )
