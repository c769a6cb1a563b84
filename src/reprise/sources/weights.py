"""The weights that training starts from: fetched and verified before it, never during it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reprise.errors import RepriseError
from reprise.sources.backends import Connection, backend
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import error_context
from reprise.sources.download_cache import DownloadCache
from reprise.sources.file_download import describe, fetch, progress, resume_or_restart, stamp_file
from reprise.sources.folders import digest, remove
from reprise.sources.urls import local_path, without_queries
from reprise.sources.verified_copy import check_sum
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
        limits: Of the download and of what is kept, from ``data.limits``.
        out: Folder to write; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for downloads: an unfinished one is resumed by the next call, a
            finished one is not fetched again.
        name: Of the parameter that names the file, for messages; ``model.weights.<family>``
            unless told otherwise.

    Raises:
        RepriseError: The file is missing, has another SHA-256, is no weights file or over a
            limit, or the disk is full. Then ``out`` is as it was.
    """
    partial = out.with_name(f".{out.name}.partial")
    with error_context(name or f"model.weights.{family}"):
        remove(partial)
        partial.mkdir(parents=True)
        try:
            file = None
            if config is not None:
                with _verified(config, limits, base, scratch) as path:
                    file = _file_name(path)
                    # Copied, not linked: DVC makes what it tracks read-only.
                    shutil.copyfile(path, partial / file)
            entry = {"family": family, "file": file, "sha256": config.sha256 if config else None}
            (partial / DESCRIPTION).write_text(json.dumps(entry, indent=2) + "\n")
            remove(out)
            partial.rename(out)
        finally:
            remove(partial)


@contextmanager
def _verified(
    config: WeightsConfig, limits: LimitsConfig, base: Path, scratch: Path
) -> Iterator[Path]:
    """A local file with the digest that is asked for; it may only be there in this block."""
    source = SourceConfig(url=config.url, sha256=config.sha256)
    local = local_path(source.url, base)
    if local is not None:
        if not local.is_file():
            raise RepriseError(
                f"'{source.url}' is not a file.",
                "correct the url; local paths start from the repository's top folder.",
            )
        check_sum(source, digest(local))
        yield local
        return
    cache = DownloadCache(scratch)
    key = config.sha256[:16]
    with cache.locked(key), cache.locked(config.sha256):
        path = cache.find(config.sha256)
        if path is None:
            part = cache.unfinished(key)
            _fetch(source, part, limits)
            path = cache.keep(part, config.sha256)
            remove(stamp_file(part))
        yield path
    cache.trim(int(limits.keep_downloads_gb * 1e9))


def _fetch(source: SourceConfig, part: Path, limits: LimitsConfig) -> None:
    resumed = part.exists()
    _download(source, part, limits)
    if resumed and digest(part) != source.sha256:
        # It may have changed on the server between the two attempts.
        remove(part)
        _download(source, part, limits)
    try:
        check_sum(source, digest(part))
    except RepriseError:
        remove(part)
        remove(stamp_file(part))
        raise


def _download(source: SourceConfig, part: Path, limits: LimitsConfig) -> None:
    connection = Connection(backend(source.url))
    remote = describe(source.url, connection)
    if remote is None:
        raise RepriseError(
            f"{without_queries(source.url)} is a folder.", "name the weights file in it."
        )
    resume_or_restart(part, remote.stamp, verified=True)
    with progress(source.url, remote.size) as bar:
        fetch(source.url, connection, remote, part, int(limits.max_download_gb * 1e9), bar)


def _file_name(path: Path) -> str:
    """weights.safetensors or weights.pt, told from how the file begins.

    Whether a .pt file holds plain tensors alone is only seen when it is loaded, which no
    content can turn into running code.
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
