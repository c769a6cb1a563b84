"""Bytes that lie in other files, copied to where they belong by a process of its own.

A run over images that have hardly changed copies most of what it writes. Meanwhile this
process can go on, as no thread could: each would wait for the other at every image.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from reprise.errors import RepriseError
from reprise.preprocessing.parallel import end_with_parent


class OpenFile:
    """A file that can be read as long as anything refers to it, even when it was deleted.

    Args:
        path: The file.

    Attributes:
        path: As given.
        descriptor: Open for reading.
        inode: Tells it from another file that took its place.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY)
        found = os.fstat(self.descriptor)
        self.inode, self._size = found.st_ino, found.st_size

    def holds(self, size: int) -> bool:
        """Whether it has at least so many bytes; one that is never cut short grows only."""
        if self._size < size:
            self._size = os.fstat(self.descriptor).st_size
        return self._size >= size

    def expect(self) -> None:
        """Have all of it read from the disk, if it must be, while other work is done."""
        # Absent on some systems.
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_WILLNEED)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # Absent when it could not be opened; and so is ``os`` when the interpreter ends.
        if hasattr(self, "descriptor"):
            close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that lie in an open file.

    Attributes:
        file: The file.
        offset: Of the first byte.
        length: In bytes, at least 1.
    """

    file: OpenFile
    offset: int
    length: int

    def __len__(self) -> int:
        return self.length

    def read(self) -> bytes:
        """The bytes.

        Raises:
            RepriseError: The file has been cut short.
        """
        data = os.pread(self.file.descriptor, self.length, self.offset)
        if len(data) < self.length:
            raise RepriseError(
                f"{self.file.path} was cut short while it was read.",
                "delete its folder, which only saves time, and run again.",
            )
        return data


class Piece(NamedTuple):
    """A header and the bytes after it, to be written at one place.

    Attributes:
        at: Of the header's first byte, in the file to be written.
        header: Its bytes.
        data: What follows.
    """

    at: int
    header: bytes
    data: Stretch


# As a process is told of a piece: the file, its inode, the stretch, the place and the header.
_Told = tuple[str, int, int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class _Order:
    file: Path
    pieces: list[Piece]
    reserve: int
    size: int | None


class Copier:
    """Duplicates pieces into files that exist, in a process that starts with the first of them.

    Files are complete when the block ends that this is the context of.

    Args:
        apart: False copies at once, in this process.
    """

    def __init__(self, apart: bool) -> None:
        self._apart = apart
        self._pool: ProcessPoolExecutor | None = None
        self._under_way: deque[tuple[Future[bool], _Order]] = deque()

    @property
    def started(self) -> bool:
        """Whether there is a process."""
        return self._pool is not None

    def copy(
        self, pieces: list[Piece], file: Path, reserve: int = 0, size: int | None = None
    ) -> None:
        """Write pieces into a file, sooner or later; what is asked first is done first.

        Args:
            pieces: They may lie beyond the end of the file.
            file: It exists.
            reserve: Bytes that the file may come to hold: room is asked for at once, where
                that can be had, which is less work than bit by bit.
            size: Of the whole file, in bytes, when these are the last pieces.

        Raises:
            OSError: These, or earlier ones, cannot be written.
            RepriseError: A file that they lie in was cut short.
        """
        order = _Order(file, pieces, reserve, size)
        if not self._apart:
            _write_here(order)
            return
        while self._under_way and self._under_way[0][0].done():
            self._finish_first()
        if self._pool is None:
            context = get_context("forkserver")
            self._pool = ProcessPoolExecutor(1, context, initializer=end_with_parent)
        try:
            self._under_way.append((self._pool.submit(_write_there, *_told(order)), order))
        except BrokenProcessPool:
            _write_here(order)

    def _finish_first(self) -> None:
        written, order = self._under_way.popleft()
        try:
            done = written.result()
        except BrokenProcessPool:
            done = False
        if not done:
            # What this process has opened can be read even when it was deleted.
            _write_here(order)

    def __enter__(self) -> Copier:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            while kind is None and self._under_way:
                self._finish_first()
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)


def write_at(descriptor: int, data: bytes, at: int) -> None:
    """Write all of some bytes to a place in an open file."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def _told(order: _Order) -> tuple[Path, list[_Told], int, int | None]:
    told = [
        (
            str(piece.data.file.path),
            piece.data.file.inode,
            piece.data.offset,
            piece.data.length,
            piece.at,
            piece.header,
        )
        for piece in order.pieces
    ]
    return order.file, told, order.reserve, order.size


def _write_here(order: _Order) -> None:
    # Without room reserved: that could make a file longer again that has its size.
    with order.file.open("r+b", buffering=0) as to:
        for piece in order.pieces:
            write_at(to.fileno(), piece.header, piece.at)
            write_at(to.fileno(), piece.data.read(), piece.at + len(piece.header))
        if order.size is not None:
            to.truncate(order.size)


def _write_there(file: Path, pieces: list[_Told], reserve: int, size: int | None) -> bool:
    """In the other process; False when the pieces are no longer where they were."""
    opened: dict[str, OpenFile] = {}
    with file.open("r+b", buffering=0) as to:
        if reserve:
            _reserve(to.fileno(), reserve)
        for path, inode, offset, length, at, header in pieces:
            try:
                if path not in opened:
                    opened[path] = OpenFile(Path(path))
            except OSError:
                return False
            data = os.pread(opened[path].descriptor, length, offset)
            if len(data) < length or opened[path].inode != inode:
                return False
            write_at(to.fileno(), header, at)
            write_at(to.fileno(), data, at + len(header))
        if size is not None:
            to.truncate(size)
    return True


def _reserve(descriptor: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except (AttributeError, OSError):
        return
