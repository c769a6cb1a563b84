"""Archives inside a source: many datasets come as a zip of zips."""

from __future__ import annotations

from pathlib import Path

from reprise.errors import RepriseError
from reprise.sources.archives import extract_archive, is_archive
from reprise.sources.folders import visible_files
from reprise.sources.quota import Quota

MAX_NESTING = 3
_SUFFIXES = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip")


def extract_nested(
    folder: Path, quota: Quota, encoding: str | None = None, depth: int = 1
) -> list[str]:
    """Put a folder in the place of every archive below ``folder``.

    ``pages.zip`` becomes ``pages/``, or ``pages.zip/`` where ``pages`` exists already. An
    archive is what has both the suffix and the first bytes of one.

    Args:
        folder: A source's files; changed in place.
        quota: Limits, counted down: the same for all levels.
        encoding: As of :func:`~reprise.sources.archives.extract_archive`.
        depth: How many archives the folder's own files came out of, plus 1.

    Returns:
        Notes for a person.

    Raises:
        RepriseError: An archive is broken, unsafe, over a limit, or too deep in others.
    """
    notes: list[str] = []
    for name, archive in visible_files(folder):
        if not (name.lower().endswith(_SUFFIXES) and is_archive(archive)):
            continue
        if depth > MAX_NESTING:
            raise RepriseError(
                f"'{name}' lies inside more than {MAX_NESTING} archives.",
                "unpack the source yourself and name the folder that holds the images.",
            )
        packed = archive.with_name(f"{archive.name}.partial")
        archive.rename(packed)
        target = _target(archive)
        quota.count_file(name)
        target.mkdir()
        try:
            with quota.growing_from(packed.stat().st_size):
                found = extract_archive(packed, target, quota, encoding)
                packed.unlink()
                found += extract_nested(target, quota, encoding, depth + 1)
        except RepriseError as error:
            raise type(error)(f"in '{name}': {error.problem}", error.fix) from None
        notes += [f"in '{name}': {note}" for note in found]
    return notes


def _target(archive: Path) -> Path:
    lower = archive.name.lower()
    suffix = next(suffix for suffix in _SUFFIXES if lower.endswith(suffix))
    short = archive.with_name(archive.name[: -len(suffix)] or archive.name)
    return archive if short.exists() else short
