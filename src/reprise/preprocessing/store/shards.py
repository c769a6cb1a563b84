"""Encoded images packed into a few large files, the same bytes each time."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from reprise.preprocessing.copying import Copier, Piece, Stretch, write_at

SHARD_BYTES = 128 * 2**20
# Images that the copier is told of at once.
_TOGETHER = 64
# Where a ustar header has the size and the checksum; it begins with the name.
_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)
_MOST_SIZE = 8**11


class ShardWriter:
    """Packs encoded images of one source into numbered tar files, the same bytes each time.

    Args:
        root: The dataset folder.
        source: Name of the source.
        limit: Bytes after which the next image starts another shard.
        copier: Brings what lies in another file; the shards are complete when it is done. None
            brings it at once.
    """

    def __init__(
        self, root: Path, source: str, limit: int = SHARD_BYTES, copier: Copier | None = None
    ) -> None:
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = source
        self._limit = limit
        self._copier = copier or Copier(apart=False)
        self._count = 0
        self._size = 0
        self._file: io.FileIO | None = None
        # Of the shard being written: its place, and what the copier is
        # still to hear of it and whether it has heard of it.
        self._path = self._folder
        self._waiting: list[Piece] = []
        self._sent = False

    def add(self, name: str, data: bytes | Stretch) -> tuple[str, int, int]:
        """Append one image; returns ``(shard, offset, length)``.

        Raises:
            RepriseError: The file that ``data`` lies in has been cut short.
        """
        length = len(data)
        if self._file is not None and self._size + length > self._limit:
            self.close()
        if self._file is None:
            # Open until it is full or closed, over many calls.
            self._path = self._folder / f"{self._source}-{self._count:05d}.tar"
            self._file = io.FileIO(self._path, "wb")
            self._size = 0
        header = member_header(name, length)
        at, offset = self._size, self._size + len(header)
        if isinstance(data, bytes):
            write_at(self._file.fileno(), header + data, at)
        else:
            self._waiting.append(Piece(at, header, data))
            if len(self._waiting) == _TOGETHER:
                self._send()
        # What lies between members is never written, and so it is zero.
        self._size = offset + length + -length % tarfile.BLOCKSIZE
        return self._path.name, offset, length

    def close(self) -> None:
        """Finish the shard being written; the next image starts a new one."""
        if self._file is not None:
            end = self._size + 2 * tarfile.BLOCKSIZE
            size = end + -end % tarfile.RECORDSIZE
            if self._sent or self._waiting:
                self._send(size)
            else:
                self._file.truncate(size)
            self._file.close()
            self._file = None
            self._sent = False
            self._count += 1

    def _send(self, size: int | None = None) -> None:
        # Most shards come to be full, but for a source that has just one.
        reserve = self._limit if self._count and not self._sent else 0
        self._copier.copy(self._waiting, self._path, reserve, size)
        self._sent = True
        self._waiting = []


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
