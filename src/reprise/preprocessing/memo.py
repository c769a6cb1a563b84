"""Finished images, kept from one run to the next, so that a run costs what has changed.

The memo is no result: it lies in the scratch area, holds at most so many bytes, and may be
deleted at any time. An entry is found by the SHA-256 of the image file, the settings and the
code that finished it. A file whose path, size and time of change are as they were is not even
read again.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import sqlite3
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from reprise.preprocessing.images import Settings, StoredImage

# Their versions decide the bytes, as the modules below do.
_LIBRARIES = ("opencv-python-headless", "pillow", "imagehash", "numpy", "scipy")
_MODULES = ("colour.py", "decode.py", "images.py", "orientation.py")


def memo_version(settings: Settings) -> str:
    """A key that changes with the settings, the code and the libraries behind the bytes."""
    here = Path(__file__).parent
    parts = [repr(settings), *(f"{name} {metadata.version(name)}" for name in _LIBRARIES)]
    parts += [hashlib.sha256((here / name).read_bytes()).hexdigest() for name in _MODULES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class MemoPlace:
    """Where a memo is and what it may hold; small enough to send to every process.

    Attributes:
        folder: Made when absent.
        limit: Bytes it may hold; the oldest entries go first.
        version: From :func:`memo_version`.
    """

    folder: Path
    limit: int
    version: str


@functools.cache
def open_memo(place: MemoPlace) -> Memo:
    """The memo of this process."""
    return Memo(place)


class Memo:
    """A store on disk, shared by processes; safe to kill at any moment.

    Whatever goes wrong with it costs time, never a run: an entry that cannot be read or
    written is as if it were not known.
    """

    def __init__(self, place: MemoPlace) -> None:
        self._version = place.version
        try:
            self._cache = _open(place)
        except sqlite3.DatabaseError:
            shutil.rmtree(place.folder, ignore_errors=True)
            self._cache = _open(place)

    def digest_of(self, path: Path) -> str | None:
        """SHA-256 of a file that is unchanged since :meth:`remember`, without reading it."""
        state = _state(path)
        value = self._get(state) if state is not None else None
        return value if isinstance(value, str) else None

    def remember(self, path: Path, file_sha256: str) -> None:
        """Keep the digest of a file that was read."""
        state = _state(path)
        if state is not None:
            self._set(state, file_sha256)

    def get(self, file_sha256: str) -> StoredImage | None:
        """The finished image of a file with this digest, None when it is not known."""
        value = self._get(f"{self._version} {file_sha256}")
        return StoredImage.unpack(value) if isinstance(value, bytes) else None

    def put(self, image: StoredImage) -> None:
        """Keep a finished image."""
        self._set(f"{self._version} {image.file_sha256}", image.pack())

    def _get(self, key: str) -> Any:
        try:
            return self._cache.get(key)
        except sqlite3.Error:
            return None

    def _set(self, key: str, value: bytes | str) -> None:
        try:
            self._cache.set(key, value)
        except sqlite3.Error:
            return


def _open(place: MemoPlace) -> Any:
    import diskcache

    # Values stay inside one file: a file an image would be slow to list and delete. Only
    # bytes and text are ever stored, which diskcache keeps without a pickle.
    return diskcache.Cache(
        str(place.folder),
        size_limit=place.limit,
        disk_min_file_size=2**30,
        eviction_policy="least-recently-stored",
    )


def _state(path: Path) -> str | None:
    """What changes whenever a file does; None when there is no such file."""
    try:
        state = path.stat()
    except OSError:
        return None
    return f"file {path.absolute()} {state.st_size} {state.st_mtime_ns} {state.st_ino}"
