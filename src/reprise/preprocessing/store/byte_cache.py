"""Bytes kept on disk from one run to the next, by :mod:`diskcache`.

A cache is no result: it lies in the scratch area, has a size limit, and may be deleted at any
time. Whatever goes wrong with it costs time, never a run: an entry that cannot be read,
written or verified is as if it were not there.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW, UNKNOWN

_ERRORS = (sqlite3.Error, OSError, ValueError, diskcache.Timeout)
_DIGEST = hashlib.sha256().digest_size


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Stores bytes under text keys. It never unpickles: a pickle can run any code."""

    def put(self, key: Any) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError("a key is text")
        return key, True

    def get(self, key: Any, raw: bool) -> str:  # noqa: ARG002 - diskcache gives it
        return str(key)

    def store(
        self, value: Any, read: bool, key: Any = UNKNOWN
    ) -> tuple[int, int, str | None, bytes | None]:
        if not read and not isinstance(value, bytes):
            raise TypeError("a value is bytes, or a file of them")
        stored: tuple[int, int, str | None, bytes | None] = super().store(value, read, key)
        return stored

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode not in (MODE_RAW, MODE_BINARY) or not (filename or isinstance(value, bytes)):
            raise ValueError("the entry is not bytes")
        return super().fetch(mode, filename, value, read)


class ByteCache:
    """A cache folder; several processes may use it at a time.

    Args:
        folder: Made when absent.
        limit: Bytes; the entries that were stored first go first.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._cache: diskcache.Cache | None = None
        try:
            self._cache = diskcache.Cache(str(folder), disk=BytesDisk, size_limit=limit)
        except _ERRORS:
            return

    def get(self, key: str) -> bytes | None:
        """The bytes of an entry; None when it is absent or damaged."""
        if self._cache is None:
            return None
        try:
            found = self._cache.get(key)
        except _ERRORS:
            return None
        if found is None or hashlib.sha256(found[_DIGEST:]).digest() != found[:_DIGEST]:
            return None
        data: bytes = found[_DIGEST:]
        return data

    def put(self, entries: Mapping[str, bytes]) -> None:
        """Store entries, in place of those before: together, as each commit to disk costs."""
        if self._cache is None:
            return
        try:
            with self._cache.transact():
                for key, data in entries.items():
                    self._cache.set(key, hashlib.sha256(data).digest() + data)
        except _ERRORS:
            return

    def open_file(self, key: str) -> IO[bytes] | None:
        """The content of an entry that :meth:`put_file` stored, not verified."""
        if self._cache is None:
            return None
        try:
            file: IO[bytes] | None = self._cache.get(key, read=True)
        except _ERRORS:
            return None
        return file if hasattr(file, "read") else None

    def put_file(self, key: str, path: Path) -> None:
        """Store the content of a file, which need not fit in memory."""
        if self._cache is None:
            return
        try:
            with path.open("rb") as file:
                self._cache.set(key, file, read=True)
        except _ERRORS:
            return


def remove_if_damaged(folder: Path) -> None:
    """Delete a cache folder whose index cannot be opened, so that it is made anew."""
    if not folder.exists():
        return
    try:
        diskcache.Cache(str(folder), disk=BytesDisk).close()
    except _ERRORS:
        shutil.rmtree(folder, ignore_errors=True)
