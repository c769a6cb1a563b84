"""ProcessedImage images, kept from one run to the next, so that a run costs what has changed.

The memo is no result: it lies in the scratch area, holds about so many bytes, and may be
deleted at any time. An entry is found by the SHA-256 of the image file, the settings and the
code that finished it. A file whose path, size, inode and times are as they were is not even
read again.

Images lie one after the other in packs, large files that are only ever appended to, and an
SQLite file says where: to list and delete a file an image would be slow, and so would it be
to read one out of SQLite's pages.
"""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from reprise.code_digest import code_digest
from reprise.preprocessing.copying import OpenFile, Stretch
from reprise.preprocessing.decode.encode import Settings, StoredImage
from reprise.preprocessing.store.file_state import FileState, file_state

# Their versions decide the bytes, as the code of the stage does.
_LIBRARIES = ("opencv-python-headless", "pillow", "imagehash", "numpy", "scipy")
_PACK_BYTES = 64 * 2**20
# Images kept before the index hears of them, all at once.
_WAITING = 64
_TABLES = """
CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY AUTOINCREMENT, bytes INTEGER);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, file_sha256 TEXT)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    version TEXT, file_sha256 TEXT, width INTEGER, height INTEGER, original_width INTEGER,
    original_height INTEGER, orientation INTEGER, sha256 TEXT, perceptual_hash TEXT, rule TEXT,
    detail TEXT, pack INTEGER, start INTEGER, length INTEGER,
    PRIMARY KEY (version, file_sha256)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS images_by_pack ON images (pack);
"""
# In the order of StoredImage, then the place of the bytes.
_COLUMNS = (
    "width, height, original_width, original_height, orientation, sha256, images.file_sha256, "
    "perceptual_hash, rule, detail, pack, start, length"
)


def cache_version(settings: Settings) -> str:
    """A key that changes with the settings, the code and the libraries behind the bytes."""
    parts = [repr(settings), *(f"{name} {metadata.version(name)}" for name in _LIBRARIES)]
    parts.append(code_digest("preprocess"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CacheConfig:
    """Where a memo is and what it may hold; small enough to send to every process.

    Attributes:
        folder: Made when absent.
        limit: Bytes it may hold; the oldest packs go first.
        version: From :func:`cache_version`.
    """

    folder: Path
    limit: int
    version: str


@functools.cache
def open_cache(place: CacheConfig) -> ImageCache:
    """The memo of this process, to look up single images."""
    return ImageCache(place)


class ImageCache:
    """A store on disk: one process writes, others may read; safe to kill at any moment.

    Whatever goes wrong with it costs time, never a run: an entry that cannot be read or
    written is as if it were not known.
    """

    def __init__(self, place: CacheConfig) -> None:
        self._place = place
        self._packs: dict[int, OpenFile] = {}
        self._new: tuple[int, io.FileIO] | None = None
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        try:
            self._index = _open(place.folder)
        except sqlite3.DatabaseError:
            shutil.rmtree(place.folder, ignore_errors=True)
            self._index = _open(place.folder)

    def find(self, paths: Sequence[Path]) -> list[tuple[FileState | None, StoredImage | None]]:
        """What is known of some files, none of which is read.

        Returns:
            For each file its state, None where there is no regular file; and its finished
            image, None when the file is new or has changed. The image's bytes stay in the
            memo (:class:`~.copying.Stretch`), and can be read even when that is closed.
        """
        states = [file_state(path) for path in paths]
        wanted = [state.path for state in states if state is not None]
        marks = ", ".join("?" * len(wanted))
        rows = self._rows(
            f"SELECT path, state, {_COLUMNS} FROM files "  # noqa: S608 - no text from outside
            "JOIN images ON images.file_sha256 = files.file_sha256 AND version = ? "
            f"WHERE path IN ({marks})",
            (self._place.version, *wanted),
        )
        known = {row[0]: row for row in rows}
        found: list[tuple[FileState | None, StoredImage | None]] = []
        for state in states:
            row = known.get(state.path) if state is not None else None
            same = row is not None and state is not None and row[1] == state.state
            found.append((state, self._image(row[2:]) if row is not None and same else None))
        return found

    def get(self, file_sha256: str) -> StoredImage | None:
        """The finished image of a file with this digest, None when it is not known."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM images "  # noqa: S608 - no text from outside
            "WHERE version = ? AND file_sha256 = ?",
            (self._place.version, file_sha256),
        )
        image = self._image(rows[0]) if rows else None
        if image is None or isinstance(image.encoded, bytes):
            return image
        return image._replace(encoded=image.encoded.read())

    def put(self, state: FileState, image: StoredImage) -> None:
        """Keep a finished image.

        Args:
            state: Its file's, from before the file was read.
            image: With its bytes.
        """
        if state.settled:
            row = (state.path, state.state, image.file_sha256)
            self._waiting.append(("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", row))
        try:
            self._keep(image)
            if len(self._waiting) >= _WAITING:
                self._tell()
        except (sqlite3.Error, OSError):
            self._waiting.clear()

    def close(self) -> None:
        """Tell the index what is kept."""
        try:
            self._finish_pack()
        except (sqlite3.Error, OSError):
            self._waiting.clear()
        self._packs.clear()
        self._index.close()

    def __enter__(self) -> ImageCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        try:
            return self._index.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def _image(self, row: Sequence[Any]) -> StoredImage | None:
        *told, number, offset, length = row
        if not length:
            return StoredImage(b"", *told)
        pack = self._pack(number, offset + length)
        return StoredImage(Stretch(pack, offset, length), *told) if pack is not None else None

    def _pack(self, number: int, size: int) -> OpenFile | None:
        """A pack, None when it is gone or has not so many bytes (as after a power cut)."""
        try:
            pack = self._packs.get(number)
            if pack is None:
                # Stays open: what was found in it can be read even when others delete it.
                pack = self._packs[number] = OpenFile(self._path(number))
                pack.expect()
            return pack if pack.holds(size) else None
        except OSError:
            return None

    def _path(self, number: int) -> Path:
        return self._place.folder / f"{number:08d}.pack"

    def _keep(self, image: StoredImage) -> None:
        key = (self._place.version, image.file_sha256)
        known = "SELECT 1 FROM images WHERE version = ? AND file_sha256 = ?"
        if self._index.execute(known, key).fetchone():
            return
        number = offset = None
        if image.encoded:
            if self._new is None:
                self._new = self._start_pack()
            number, file = self._new
            offset = file.tell()
            data = image.encoded if isinstance(image.encoded, bytes) else image.encoded.read()
            if file.write(data) < len(data):
                return
        row = (
            *key,
            *(image.width, image.height, image.original_width, image.original_height),
            *(image.orientation, image.sha256, image.perceptual_hash, image.rule, image.detail),
            *(number, offset, len(image.encoded)),
        )
        marks = ", ".join("?" * len(row))
        statement = f"INSERT OR IGNORE INTO images VALUES ({marks})"  # noqa: S608 - only marks
        self._waiting.append((statement, row))
        if self._new is not None and self._new[1].tell() >= min(_PACK_BYTES, self._place.limit / 8):
            self._finish_pack()

    def _start_pack(self) -> tuple[int, io.FileIO]:
        with self._index:
            number = self._index.execute("INSERT INTO packs (bytes) VALUES (0)").lastrowid
        assert number is not None
        return number, io.FileIO(self._path(number), "wb")

    def _tell(self) -> None:
        """Enter what waits; the bytes have been written before."""
        with self._index:
            for statement, row in self._waiting:
                self._index.execute(statement, row)
        self._waiting.clear()

    def _finish_pack(self) -> None:
        self._tell()
        if self._new is None:
            return
        number, file = self._new
        self._new = None
        size = file.tell()
        file.close()
        with self._index:
            self._index.execute("UPDATE packs SET bytes = ? WHERE number = ?", (size, number))
        self._shrink(number)

    def _shrink(self, newest: int) -> None:
        """Delete the oldest packs until the others hold no more than they may."""
        packs = self._rows("SELECT number, bytes FROM packs ORDER BY number", ())
        total = sum(size for _, size in packs)
        for number, size in packs:
            if total <= self._place.limit or number == newest:
                break
            self._path(number).unlink(missing_ok=True)
            with self._index:
                self._index.execute("DELETE FROM images WHERE pack = ?", (number,))
                self._index.execute("DELETE FROM packs WHERE number = ?", (number,))
            total -= size


def _open(folder: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True)
    index = sqlite3.connect(folder / "index.sqlite")
    try:
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")
        index.executescript(_TABLES)
    except sqlite3.DatabaseError:
        index.close()
        raise
    return index
