"""The weights that training starts from: fetched and verified before it, never during it."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.replacing import replacing_file, replacing_folder
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import error_context
from reprise.sources.folders import digest
from reprise.sources.urls import file_name
from reprise.sources.verified_copy import OtherContentError, VerifiedCopy, verified_copy
from reprise.weights.config import Weights, WeightsConfig, dump, is_path
from reprise.weights.published import Network, Published, find

# What reprise.models.starting_weights reads.
DESCRIPTION = "weights.json"
MAX_SAFETENSORS_HEADER = 100_000_000  # the format's own limit
ZOO_FILE = "weights.pkl"
ZIP = b"PK\x03\x04"
# A server or folder that holds the publishers' files as github.com/ultralytics/...
MIRROR = "REPRISE_WEIGHTS_MIRROR"


@dataclass(frozen=True)
class Folders:
    """What the stage reads and writes.

    Attributes:
        out: Folder to write; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for downloads: an unfinished one is resumed by the next call, a
            finished one is not fetched again.
        pins: CSV file with the SHA-256 of each published file that was ever fetched.
    """

    out: Path
    base: Path
    scratch: Path
    pins: Path


def fetch_weights(
    network: Network, entry: Weights, limits: LimitsConfig, folders: Folders, name: str = ""
) -> None:
    """Write ``out/weights.json`` and, unless training starts from random weights, the file.

    The description holds ``family``; ``weights``, the entry; ``file``, the file's name in
    ``out`` (weights.safetensors or weights.pt, whichever its content is), or null; ``sha256``,
    its digest, or null; and ``classes``, the names of its class head's rows, or null.

    Args:
        network: What the weights are for.
        entry: Of ``model.weights``, or ``training.resume``; None for random weights.
        limits: Of the download and of the cache, from ``data.limits``.
        folders: Where everything is.
        name: Of the parameter that names the file, for messages; ``model.weights.<family>``
            by default.

    Raises:
        RepriseError: The file is missing, has another SHA-256, is no weights file or over a
            limit, is published for another network, or the disk is full. Then ``out`` is as it
            was.
    """
    place = name or f"model.weights.{network.family}"
    with error_context(place), replacing_folder(folders.out) as folder:
        found: dict[str, Any] = {"file": None, "sha256": None, "classes": None}
        if entry is not None:
            with _file(network, entry, limits, folders) as (copy, known):
                file, classes = _bring(copy.path, folder)
            found = {"file": file, "sha256": digest(folder / file), "classes": classes or known}
        entry_found = {"family": network.family, "weights": dump(entry), **found}
        (folder / DESCRIPTION).write_text(json.dumps(entry_found, indent=2) + "\n")


def _bring(path: Path, folder: Path) -> tuple[str, list[str] | None]:
    """Put a weights file into the stage's folder: its name there, and its class names.

    A pickle is turned into safetensors; any other file stays as it is.
    """
    name = weights_name(path)
    tensors, classes = None, None
    # Reading one takes torch, whose import is a few seconds.
    if name == ZOO_FILE:
        from reprise.weights.pickles import read_zoo_file

        tensors = read_zoo_file(path)
    elif name == "weights.pt" and _begins(path).startswith(ZIP):
        from reprise.weights.pickles import read_checkpoint

        tensors, classes = read_checkpoint(path) or (None, None)
    if tensors is None:
        # Copied, not linked: DVC makes what it tracks read-only.
        shutil.copyfile(path, folder / name)
        return name, classes
    from safetensors.torch import save_file

    save_file(dict(sorted(tensors.items())), folder / "weights.safetensors", {"format": "pt"})
    return "weights.safetensors", classes


@contextmanager
def _file(
    network: Network, entry: str | WeightsConfig, limits: LimitsConfig, folders: Folders
) -> Iterator[tuple[VerifiedCopy, list[str] | None]]:
    """A verified local copy of what an entry names, and the classes that the table says."""
    base, scratch = folders.base, folders.scratch
    if isinstance(entry, WeightsConfig):
        source = SourceConfig(url=entry.url, sha256=entry.sha256)
        with verified_copy(source, limits, base, scratch, check_file=weights_name) as copy:
            yield copy, None
        return
    if is_path(entry):
        path = base / entry
        if not path.is_file():
            raise RepriseError(
                f"'{entry}' is not a file.",
                "correct the path; it starts from the repository's top folder.",
            )
        yield VerifiedCopy(path, digest(path)), None
        return
    published = find(network, entry)
    with _published_file(published, limits, folders) as copy:
        yield copy, published.classes


@contextmanager
def _published_file(
    published: Published, limits: LimitsConfig, folders: Folders
) -> Iterator[VerifiedCopy]:
    """A copy of a published file, the same that every earlier run has fetched."""
    pins = read_pins(folders.pins)
    whole = published.sha256 if len(published.sha256) == 64 else None
    pin = whole or pins.get(published.url)
    try:
        source = SourceConfig(url=address(published.url), sha256=pin)
    except ValidationError as error:
        # The address may hold a password.
        what = f"the address in {MIRROR}" if os.environ.get(MIRROR) else f"a line of {folders.pins}"
        raise RepriseError(
            f"{what} cannot be used: {error.errors()[0]['msg'].removeprefix('Value error, ')}.",
            f"correct {MIRROR}, or restore {folders.pins}: git checkout {folders.pins}",
        ) from None

    def check(path: Path) -> None:
        weights_name(path)
        _check_stated(path, published)

    with (
        _by_name(published, pin, folders.pins),
        verified_copy(
            source,
            limits,
            folders.base,
            folders.scratch,
            pinning=pin is None,
            check_file=check,
        ) as copy,
    ):
        yield copy
        if pin is None and copy.sha256 is not None:
            write_pins(folders.pins, pins | {published.url: copy.sha256})


def address(url: str) -> str:
    """Where a published file is fetched from: its publisher, or below the mirror."""
    mirror = os.environ.get(MIRROR)
    if not mirror or "://" not in url:
        return url
    return f"{mirror.rstrip('/')}/{url.partition('://')[2]}"


def _check_stated(path: Path, published: Published) -> None:
    """Compare a file with the checksum, or its beginning, that the library states.

    Raises:
        RepriseError: They differ.
    """
    hashes: tuple[tuple[str, Callable[[], Any]], ...] = (
        (published.sha256, hashlib.sha256),
        (published.md5, lambda: hashlib.md5(usedforsecurity=False)),
    )
    for stated, algorithm in hashes:
        if not stated:
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm)
        if not found.hexdigest().startswith(stated):
            raise OtherContentError(
                f"'{published.url}' is not the file that was published: its {found.name} is "
                f"{found.hexdigest()}, and it should begin with {stated}.",
                "try again; if it stays so, the server, or a mirror, holds another file.",
            )


@contextmanager
def _by_name(published: Published, pin: str | None, pins: Path) -> Iterator[None]:
    """Adds to an error what a name stands for, and what helps."""
    pinned = f", which {pins} pins to {pin[:12]}…" if pin else ""
    try:
        yield
    except OtherContentError as error:
        accept = f"find out why; to start from the new file, take its line out of {pins}."
        raise RepriseError(
            f"{published.name} ({published.url}{pinned}): {error.problem}",
            accept if pin else error.fix,
        ) from None
    except RepriseError as error:
        file = file_name(published.url)
        raise RepriseError(
            f"{published.name} ({published.url}{pinned}): {error.problem}",
            f"{error.fix} Without a network: bring that file into this repository by hand and "
            f"write model.weights.{published.network.family}: ./{file}, or let {MIRROR} name a "
            f"folder or server that holds it as {published.url.partition('://')[2]}.",
        ) from None


def read_pins(path: Path) -> dict[str, str]:
    """URL to SHA-256 of the published files that were fetched before.

    Raises:
        RepriseError: The file is damaged.
    """
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["url"]: row["sha256"] for row in csv.DictReader(file)}
    except (KeyError, UnicodeDecodeError, csv.Error):
        raise RepriseError(
            f"{path} is damaged: it has the columns url and sha256.",
            f"restore it: git checkout {path}",
        ) from None


def write_pins(path: Path, pins: dict[str, str]) -> None:
    """Write such a table, sorted."""
    with replacing_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("url", "sha256"), *sorted(pins.items())])


def _begins(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(9)


def weights_name(path: Path) -> str:
    """weights.safetensors, weights.pt or weights.pkl, by how the file begins.

    What a .pt or .pkl file holds is only seen when it is loaded, which no content can turn into
    running code.

    Raises:
        RepriseError: It is neither.
    """
    head = _begins(path)
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") <= MAX_SAFETENSORS_HEADER:
        return "weights.safetensors"
    # torch.save writes a zip, or with older versions several pickles, of which the first is a
    # long number.
    if head.startswith((ZIP, b"\x80\x02\x8a\x0a")):
        return "weights.pt"
    if head.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return ZOO_FILE
    raise RepriseError(
        "it is neither a safetensors file, nor one that torch.save has written, nor a pickle of "
        "Detectron2's model zoo.",
        "name a .safetensors, .pt, .pth or .pkl file; of a page that shows one, take the download "
        "link.",
    )
