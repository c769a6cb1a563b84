"""Labels as they were read, cached from one run to the next.

A source whose label files are as they were, by their names, sizes, inodes and times, is not
read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from reprise.code_digest import code_digest
from reprise.formats.name_matching import IMAGE_SUFFIXES
from reprise.formats.registry import READ_OPENS_IMAGES
from reprise.preprocessing.store.byte_cache import ByteCache
from reprise.preprocessing.store.file_state import file_state

# Their versions decide what is read, as the code of the stage does.
_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "pyyaml")


def label_key(folder: Path, format_: str, options: Sequence[object]) -> str | None:
    """A digest of all that the labels of a source depend on.

    Args:
        folder: The source's.
        format_: A key of FORMATS, or ``auto``.
        options: How it is to be read, as JSON can hold it.

    Returns:
        None when a file is no regular one, or changed so shortly ago that a further change
        could go unseen.
    """
    versions = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    code = [sys.version, *versions, code_digest("preprocess")]
    digest = hashlib.sha256(json.dumps([code, format_, *options]).encode())
    unread = frozenset() if format_ in {"auto", *READ_OPENS_IMAGES} else IMAGE_SUFFIXES
    for where, folders, files in os.walk(folder):
        folders.sort()
        digest.update(f"{os.path.relpath(where, folder)}\0".encode(errors="surrogateescape"))
        for name in sorted(files):
            digest.update(f"{name}\0".encode(errors="surrogateescape"))
            if posixpath.splitext(name)[1].lower() in unread:
                continue
            state = file_state(Path(where, name))
            if state is None:
                return None
            digest.update(f"{state}\0".encode())
    return digest.hexdigest()


class LabelCache:
    """The labels of earlier readings.

    Args:
        folder: Made when absent.
        limit: Bytes; labels of a source that take more are not cached.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._entries = ByteCache(folder, limit)
        self._limit = limit

    def get(self, key: str, file: Path) -> dict[str, Any] | None:
        """Copy a source's labels to ``file``.

        Returns:
            What :meth:`put` got as ``summary``; None when they are not known.
        """
        head, source = self._entries.get(key), self._entries.open_file(f"{key} records")
        if head is None or source is None:
            return None
        with source, file.open("wb") as to:
            shutil.copyfileobj(source, to)
        entry = json.loads(head)
        summary: dict[str, Any] = entry["summary"]
        return summary if _digest(file) == entry["sha256"] else None

    def put(self, key: str, file: Path, summary: dict[str, Any]) -> None:
        """Store a source's labels.

        Args:
            key: From :func:`label_key`, made before they were read.
            file: The labels.
            summary: Anything else that was found in reading them, as JSON can hold it.
        """
        if file.stat().st_size > self._limit:
            return
        self._entries.put_file(f"{key} records", file)
        entry = {"sha256": _digest(file), "summary": summary}
        self._entries.put({key: json.dumps(entry).encode()})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
