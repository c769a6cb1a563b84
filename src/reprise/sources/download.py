"""From ``data.sources`` to plain folders: fetched, verified, unpacked."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reprise.errors import RepriseError
from reprise.sources.archives import Budget, unpack
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.fetch import fetch


def download_all(
    sources: Mapping[str, SourceConfig],
    limits: LimitsConfig,
    out: Path,
    base: Path,
    scratch: Path,
) -> None:
    """Bring every source to ``out/<name>/``: an archive unpacked, a folder copied.

    Args:
        sources: Name to source, from ``data.sources``.
        limits: Limits of each source, from ``data.limits``.
        out: Folder to write; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for unfinished downloads; they are resumed by the next call.

    Raises:
        RepriseError: A source is missing, has the wrong SHA-256, is broken, unsafe or over
            a limit, or the disk is full. Then ``out`` does not exist.
    """
    _remove(out)
    try:
        out.mkdir(parents=True)
        for name in sorted(sources):
            building = out / f".{name}.partial"
            building.mkdir()
            with _located(name):
                _bring(sources[name], limits, building, base, scratch)
            building.rename(out / name)
    except BaseException:
        _remove(out)
        raise


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's visible files: paths and contents, sorted."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{digest(file)}  {name}\n" for name, file in _visible_files(path)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _located(name: str) -> Iterator[None]:
    """Says in every error which source it is about."""
    try:
        yield
    except RepriseError as error:
        raise RepriseError(f"data.sources.{name}: {error.problem}", error.fix) from None
    except OSError as error:
        raise RepriseError(
            f"data.sources.{name}: cannot read or write its files ({error.strerror}).",
            "free disk space or correct the permissions, then run again; a download goes on "
            "where it stopped.",
        ) from None


def _bring(
    source: SourceConfig, limits: LimitsConfig, folder: Path, base: Path, scratch: Path
) -> None:
    budget = Budget(limits.max_files, int(limits.max_unpacked_gb * 1e9))
    local = _local_path(source.url, base)
    if local is None:
        with _downloaded(source, scratch, int(limits.max_download_gb * 1e9)) as archive:
            unpack(archive, folder, budget)
    elif local.is_dir():
        if source.sha256 is not None:
            _verify(local, source)
        _copy_folder(local, folder, budget)
    elif local.is_file():
        _verify(local, source)
        unpack(local, folder, budget)
    else:
        raise RepriseError(
            f"'{source.url}' does not exist.",
            "correct the url; local paths start from the repository's top folder.",
        )


def _local_path(url: str, base: Path) -> Path | None:
    if "://" not in url:
        return base / url
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _verify(path: Path, source: SourceConfig) -> None:
    found = digest(path)
    if source.sha256 is None:
        raise RepriseError(
            "its sha256 is missing, so that nobody could tell when the file changes.",
            f"if you trust '{source.url}' as it is now, add the line  sha256: {found}",
        )
    if found != source.sha256:
        raise RepriseError(
            f"'{source.url}' has another content than expected:\n"
            f"    expected sha256 {source.sha256}\n    found    sha256 {found}",
            "find out why it changed; if the new content is right, paste the found sha256.",
        )


@contextmanager
def _downloaded(source: SourceConfig, scratch: Path, max_bytes: int) -> Iterator[Path]:
    """A verified local copy of a remote file, removed when it has been used."""
    scratch.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(source.url.encode("utf-8")).hexdigest()[:16]
    part = scratch / f"{key}.part"
    with (scratch / f"{key}.lock").open("w") as lock:
        # Two runs at once would append to one file: the second waits here for the first.
        fcntl.flock(lock, fcntl.LOCK_EX)
        resumed = part.exists()
        if not (resumed and digest(part) == source.sha256):
            fetch(source.url, part, max_bytes)
        if resumed and source.sha256 is not None and digest(part) != source.sha256:
            # The file may have changed on the server between the two attempts.
            part.unlink()
            fetch(source.url, part, max_bytes)
        try:
            _verify(part, source)
        except RepriseError:
            # Without an expected sum the file is kept: once it is pasted, it will do.
            if source.sha256 is not None:
                part.unlink()
            raise
        yield part
        part.unlink()


def _visible_files(folder: Path) -> list[tuple[str, Path]]:
    """Files below a folder as (posix path, file), sorted; hidden files and folders left out.

    Raises:
        RepriseError: A folder in it is a link, which could lead anywhere or in a circle.
    """
    found: list[tuple[str, Path]] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if Path(where, name).is_symlink():
                raise RepriseError(
                    f"the folder '{name}' in it is a link.",
                    "put the real folder in its place, or name it as a source of its own.",
                )
        for name in files:
            if not name.startswith("."):
                path = Path(where, name)
                found.append((path.relative_to(folder).as_posix(), path))
    return sorted(found)


def _copy_folder(source: Path, target: Path, budget: Budget) -> None:
    if target.resolve().is_relative_to(source.resolve()):
        raise RepriseError(
            f"'{source.name}' holds the folder that the pipeline writes to.",
            "name the folder that holds the images and labels only.",
        )
    for name, file in _visible_files(source):
        if not file.is_file():
            raise RepriseError(
                f"'{name}' is not a readable file (a broken link, a pipe or a device).",
                "remove it from the folder.",
            )
        budget.pay_file(name)
        budget.pay_bytes(name, file.stat().st_size)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / name)


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
