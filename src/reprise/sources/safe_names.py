"""Names of files in archives, buckets and repositories: which of them are safe to write."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from reprise.errors import RepriseError

MAX_DEPTH = 32
File = TypeVar("File")


def safe_path(name: str) -> PurePosixPath:
    """A member's path inside its source; backslashes count as separators.

    Raises:
        RepriseError: The path is absolute, climbs out, or cannot be a file name.
    """
    text = name.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    absolute = text.startswith("/") or (len(text) > 1 and text[1] == ":")
    if absolute or ".." in parts or not parts:
        raise member_error(name, "its path leaves the folder")
    if len(parts) > MAX_DEPTH:
        raise member_error(name, f"it lies more than {MAX_DEPTH} folders deep")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts):
        raise member_error(name, "its name is too long")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise member_error(name, "its name holds a control character")
    return PurePosixPath(*parts)


def visible_paths(files: Mapping[str, File]) -> dict[PurePosixPath, File]:
    """Files by their safe paths, sorted; names with a hidden part are left out.

    Args:
        files: By the names that a bucket or a repository gives them.

    Raises:
        RepriseError: A name is unsafe, or two cannot stand side by side in one folder.
    """
    found: dict[PurePosixPath, str] = {}
    for name in sorted(files):
        if any(part.startswith(".") and part not in (".", "..") for part in name.split("/")):
            continue
        path = safe_path(name)
        if path in found:
            raise member_error(name, "it occurs twice")
        found[path] = name
    for path, name in found.items():
        if any(parent in found for parent in path.parents):
            raise member_error(name, "a file and a folder have the same name")
    return {path: files[name] for path, name in found.items()}


def check_name_clashes(folder: Path) -> None:
    """Check that no two names are the same on the disks of macOS and Windows.

    There one file would replace the other without a word, and the same source would be
    another dataset.

    Raises:
        RepriseError: Two names in one folder differ only in case or in how their accents are
            written.
    """
    for where, folders, files in os.walk(folder):
        seen: dict[str, str] = {}
        for name in sorted([*folders, *files]):
            plain = unicodedata.normalize("NFC", name).casefold()
            if plain in seen:
                raise RepriseError(
                    f"'{seen[plain]}' and '{name}' in its folder "
                    f"'{Path(where).relative_to(folder).as_posix()}' are the same name on many "
                    "disks.",
                    "rename one of them; of a source that is not yours, fetch and unpack it "
                    "yourself and name the folder.",
                )
            seen[plain] = name


def member_error(name: str, reason: str) -> RepriseError:
    """The error that names a file of a source which is not taken in."""
    return RepriseError(
        f"{name[:80]!r} in it is refused: {reason}.",
        "make the source again from plain files and folders.",
    )
