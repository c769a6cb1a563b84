"""Encoded images packed into a few large files, the same bytes each time."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

SHARD_BYTES = 128 * 2**20


class ShardWriter:
    """Packs encoded images of one source into numbered tar files, the same bytes each time."""

    def __init__(self, root: Path, source: str, limit: int = SHARD_BYTES) -> None:
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = source
        self._limit = limit
        self._count = 0
        self._tar: tarfile.TarFile | None = None

    def add(self, name: str, data: bytes) -> tuple[str, int, int]:
        """Append one image; returns ``(shard, offset, length)``."""
        if self._tar is not None and self._tar.offset + len(data) > self._limit:
            self.close()
        shard = f"{self._source}-{self._count:05d}.tar"
        if self._tar is None:
            # Open until it is full or closed, over many calls.
            self._tar = tarfile.TarFile(self._folder / shard, "w", format=tarfile.PAX_FORMAT)
        info = tarfile.TarInfo(name)
        info.size = len(data)
        header = len(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        offset = self._tar.offset + header
        self._tar.addfile(info, io.BytesIO(data))
        return shard, offset, len(data)

    def close(self) -> None:
        """Finish the shard being written; the next image starts a new one."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
            self._count += 1
