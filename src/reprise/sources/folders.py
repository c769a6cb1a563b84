"""Folders of files: their digest and their copies."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath

from reprise.errors import RepriseError
from reprise.sources.archives import make_folders
from reprise.sources.quota import Quota

MAX_LOCAL_DEPTH = 100


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's visible files: paths and contents, sorted."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{digest(file)}  {name}\n" for name, file in visible_files(path)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def visible_files(folder: Path) -> list[tuple[str, Path]]:
    """Files below a folder as (posix path, file), sorted; hidden files and folders left out.

    Raises:
        RepriseError: A folder in it is a link, which could lead anywhere or in a circle, or lies
            too deep.
        OSError: A folder in it cannot be read.
    """
    found: list[tuple[str, Path]] = []
    for where, folders, files in os.walk(folder, onerror=_raise):
        if len(Path(where).relative_to(folder).parts) > MAX_LOCAL_DEPTH:
            raise RepriseError(
                f"a folder in it lies more than {MAX_LOCAL_DEPTH} folders deep.",
                "name the folder that holds the images and labels.",
            )
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


def copy_folder(source: Path, target: Path, quota: Quota) -> None:
    """Copy a folder's visible files.

    Args:
        source: A folder, which is not changed.
        target: An existing empty folder outside it.
        quota: Limits, counted down.

    Raises:
        RepriseError: ``target`` lies inside ``source``, a file cannot be read, or a limit is
            reached.
    """
    if target.resolve().is_relative_to(source.resolve()):
        raise RepriseError(
            f"'{source.name}' holds the folder that the pipeline writes to.",
            "name the folder that holds the images and labels only.",
        )
    for name, file in visible_files(source):
        if not file.is_file():
            raise RepriseError(
                f"'{name}' is not a readable file (a broken link, a pipe or a device).",
                "remove it from the folder.",
            )
        quota.count_file(name)
        quota.count_bytes(name, file.stat().st_size)
        make_folders(target, PurePosixPath(name).parent, quota)
        shutil.copyfile(file, target / name)


def _raise(error: OSError) -> None:
    raise error
