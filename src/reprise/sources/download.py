"""From ``data.sources`` to ``data/raw``: fetched, verified, unpacked, packed for DVC.

DVC keeps a source as one tar file, because 50,000 small files are slow to track:
``data/raw/<source>.tar``; ``<source>.json`` counts its files and has their digest.
:mod:`reprise.sources.unpack` gives them back.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reprise.errors import RepriseError
from reprise.replacing import remove, replacing_folder
from reprise.sources.archives import extract_archive, is_archive
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.folders import copy_folder, digest
from reprise.sources.nested import extract_nested
from reprise.sources.quota import Quota
from reprise.sources.safe_names import check_name_clashes
from reprise.sources.urls import without_queries
from reprise.sources.verified_copy import verified_copy

# Hidden, so that no reader of labels takes it for one of theirs.
COMMITS = ".commits.json"


def download_all(
    sources: Mapping[str, SourceConfig],
    limits: LimitsConfig,
    out: Path,
    base: Path,
    scratch: Path,
) -> None:
    """The download stage: every source fetched, verified, unpacked, and packed for DVC.

    Args:
        sources: Name to source, from ``data.sources``.
        limits: Limits of each source, from ``data.limits``.
        out: Folder to write, as :mod:`reprise.sources.download` says; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for downloads: unfinished ones are resumed by the next call, finished
            ones are not fetched again.

    Raises:
        RepriseError: A source is missing, has the wrong SHA-256, is broken, unsafe or over
            a limit, or the disk is full. Then ``out`` does not exist.
    """
    download_folders(sources, limits, out, base, scratch)
    pack_sources(out)


def download_folders(
    sources: Mapping[str, SourceConfig],
    limits: LimitsConfig,
    out: Path,
    base: Path,
    scratch: Path,
) -> None:
    """Bring every source to ``out/<name>/``: archives unpacked, folders copied.

    ``out/.commits.json`` holds the commit of every source that is a repository. Arguments and
    errors are those of :func:`download_all`.
    """
    remove(out)
    commits: dict[str, str] = {}
    with replacing_folder(out) as building:
        for name in sorted(sources):
            source, folder = sources[name], building / name
            folder.mkdir()
            place = f"data.sources.{name}"
            with error_context(place), verified_copy(source, limits, base, scratch) as copy:
                notes = fill_folder(folder, copy.path, source, limits)
            for note in notes:
                print(f"{name}: {note}")
            if copy.commit is not None:
                commits[name] = copy.commit
        if commits:
            (building / COMMITS).write_text(json.dumps(commits, indent=2) + "\n")


@contextmanager
def error_context(place: str) -> Iterator[None]:
    """Adds to every error what it is about, and removes the queries of urls from it."""
    try:
        yield
    except RepriseError as error:
        problem = without_queries(f"{place}: {error.problem}")
        raise RepriseError(problem, without_queries(error.fix)) from None
    except OSError as error:
        raise RepriseError(
            f"{place}: cannot read or write its files ({error.strerror}).",
            "free disk space or correct the permissions, then run again; a download goes on "
            "where it stopped.",
        ) from None


def fill_folder(folder: Path, path: Path, source: SourceConfig, limits: LimitsConfig) -> list[str]:
    """Write a source's files: a folder's copied, an archive's unpacked, those inside it too.

    Args:
        folder: An empty folder.
        path: A verified copy of the source: a file or folder on this machine.
        source: The source, for the path inside a repository.
        limits: Of the unpacked files.

    Returns:
        Notes on what an archive holds besides.

    Raises:
        RepriseError: The archive is broken, unsafe or over a limit.
    """
    notes: list[str] = []
    quota = Quota(limits.max_files, int(limits.max_unpacked_gb * 1e9))
    if path.is_dir():
        copy_folder(path, folder, quota)
    elif source.path is not None and not is_archive(path):
        # One plain file of a repository: labels whose images are another source's.
        quota.count_file(source.path)
        quota.count_bytes(source.path, path.stat().st_size)
        shutil.copyfile(path, folder / source.path.rstrip("/").rsplit("/", 1)[-1])
    else:
        notes = extract_archive(path, folder, quota, source.encoding)
    notes += extract_nested(folder, quota, source.encoding)
    check_name_clashes(folder)
    return notes


def pack_source(folder: Path, sha256: str, raw: Path, source: str) -> None:
    """Write ``<source>.tar`` and ``<source>.json``; the same files give the same bytes.

    Args:
        folder: The files; only regular ones, at paths that are safe to write.
        sha256: Of the folder's paths and contents, hexadecimal.
        raw: Folder to write to.
        source: Name of the source.
    """
    files = sorted(
        (Path(where, name) for where, _, names in os.walk(folder) for name in names),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    size = 0
    with tarfile.TarFile(raw / f"{source}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for path in files:
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size = path.stat().st_size
            size += info.size
            with path.open("rb") as file:
                tar.addfile(info, file)
    content = {"files": len(files), "bytes": size, "sha256": sha256}
    (raw / f"{source}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def pack_sources(raw: Path) -> None:
    """Turn each source's folder in ``raw`` into its tar file.

    Raises:
        RepriseError: The disk is full. Then ``raw`` does not exist.
    """
    try:
        for folder in sorted(path for path in raw.iterdir() if path.is_dir()):
            pack_source(folder, digest(folder), raw, folder.name)
            shutil.rmtree(folder)
    except OSError as error:
        shutil.rmtree(raw, ignore_errors=True)
        raise RepriseError(
            f"the sources cannot be packed: {error.strerror or error}.",
            "free disk space, then run again; nothing is downloaded twice.",
        ) from None
