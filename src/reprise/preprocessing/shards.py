"""Encoded images packed into a few large files, the same bytes each time."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError

SHARD_BYTES = 128 * 2**20
# Bytes that are written at once, from at most so many pieces (no system allows fewer).
_TOGETHER, _MOST_PARTS = 2**20, 1000
# Where a ustar header has the size and the checksum; it begins with the name.
_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)
_MOST_SIZE = 8**11


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that lie in an open file.

    Attributes:
        file: Open for reading, without a buffer.
        offset: Of the first byte.
        length: In bytes, at least 1.
    """

    file: io.FileIO
    offset: int
    length: int

    def __len__(self) -> int:
        return self.length

    def read(self) -> bytes:
        """The bytes.

        Raises:
            RepriseError: The file has been cut short.
        """
        data = os.pread(self.file.fileno(), self.length, self.offset)
        if len(data) < self.length:
            raise RepriseError(
                f"{self.file.name} was cut short while it was read.",
                "delete its folder, which only saves time, and run again.",
            )
        return data


class ShardWriter:
    """Packs encoded images of one source into numbered tar files, the same bytes each time."""

    def __init__(self, root: Path, source: str, limit: int = SHARD_BYTES) -> None:
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = source
        self._limit = limit
        self._count = 0
        self._size = 0
        self._file: io.FileIO | None = None
        self._waiting: list[bytes] = []
        self._held = 0

    def add(self, name: str, data: bytes | Stretch) -> tuple[str, int, int]:
        """Append one image; returns ``(shard, offset, length)``.

        Raises:
            RepriseError: The file that ``data`` lies in has been cut short.
        """
        length = len(data)
        if self._file is not None and self._size + length > self._limit:
            self.close()
        shard = f"{self._source}-{self._count:05d}.tar"
        if self._file is None:
            # Open until it is full or closed, over many calls.
            self._file = io.FileIO(self._folder / shard, "wb")
            self._size = 0
            if self._count:
                _reserve(self._file, self._limit)
        header = member_header(name, length)
        offset = self._size + len(header)
        padding = bytes(-length % tarfile.BLOCKSIZE)
        self._write(header, data if isinstance(data, bytes) else data.read(), padding)
        self._size = offset + length + len(padding)
        return shard, offset, length

    def close(self) -> None:
        """Finish the shard being written; the next image starts a new one."""
        if self._file is not None:
            end = 2 * tarfile.BLOCKSIZE
            end += -(self._size + end) % tarfile.RECORDSIZE
            self._write(bytes(end))
            self._flush()
            self._file.truncate()
            self._file.close()
            self._file = None
            self._count += 1

    def _write(self, *parts: bytes) -> None:
        self._waiting += parts
        self._held += sum(map(len, parts))
        if self._held >= _TOGETHER or len(self._waiting) >= _MOST_PARTS:
            self._flush()

    def _flush(self) -> None:
        assert self._file is not None
        parts = [memoryview(part) for part in self._waiting]
        self._waiting, self._held = [], 0
        while parts:
            written = os.writev(self._file.fileno(), parts)
            while parts and written >= len(parts[0]):
                written -= len(parts.pop(0))
            if written:
                parts[0] = parts[0][written:]


def _reserve(file: io.FileIO, size: int) -> None:
    """Ask for room on the disk at once, where that can be had: less work than bit by bit."""
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except (AttributeError, OSError):
        return


def _plain_header() -> bytes:
    return tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)


_PLAIN = _plain_header()
# A checksum counts its own field as eight spaces.
_PLAIN_SUM = sum(_PLAIN) - sum(_PLAIN[_CHECKSUM]) - sum(_PLAIN[_SIZE])


def member_header(name: str, size: int) -> bytes:
    """The header of a tar member with this name and size, as :mod:`tarfile` writes it (PAX).

    Short ASCII names, which nearly all images have, go into a header made beforehand:
    ``tarfile`` takes a tenth of a millisecond for each.
    """
    if not (name.isascii() and 0 < len(name) <= 100 and size < _MOST_SIZE and "\0" not in name):
        info = tarfile.TarInfo(name)
        info.size = size
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    header = bytearray(_PLAIN)
    encoded = name.encode("ascii")
    digits = b"%011o\0" % size
    header[: len(encoded)] = encoded
    header[_SIZE] = digits
    header[_CHECKSUM] = b"%06o\0 " % (_PLAIN_SUM + 8 * 32 + sum(encoded) + sum(digits))
    return bytes(header)
