"""Encoded images packed into a few large files, the same bytes each time."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from reprise.preprocessing.processed_image import ProcessedImage

SHARD_BYTES = 128 * 2**20


class ShardWriter:
    """Packs encoded images of one source into numbered tar files, the same bytes each time.

    Args:
        root: The dataset folder.
        source: Name of the source.
        limit: Bytes after which the next image starts another shard.
    """

    def __init__(self, root: Path, source: str, limit: int = SHARD_BYTES) -> None:
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = source
        self._limit = limit
        self._count = 0
        self._shard = ""
        self._tar: tarfile.TarFile | None = None

    def add(self, name: str, data: bytes) -> tuple[str, int, int]:
        """Append one image; returns ``(shard, offset, length)``."""
        if self._tar is not None and self._tar.offset + len(data) > self._limit:
            self.close()
        if self._tar is None:
            self._shard = f"{self._source}-{self._count:05d}.tar"
            self._tar = tarfile.open(  # noqa: SIM115 - open until it is full, over many calls
                self._folder / self._shard,
                "w",
                format=tarfile.PAX_FORMAT,
                encoding="utf-8",
                errors="surrogateescape",
            )
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))
        # It would remember every member until it is closed.
        self._tar.members = []  # type: ignore[attr-defined]  # typeshed lacks it
        padded = len(data) + -len(data) % tarfile.BLOCKSIZE
        return self._shard, self._tar.offset - padded, len(data)

    def add_image(self, image: ProcessedImage) -> None:
        """Move an image's bytes to a shard."""
        place = self.add(f"{image.name}.jpg", image.encoded.data)
        image.shard, image.offset, image.length = place
        image.encoded.data = b""

    def close(self) -> None:
        """Finish the shard being written; the next image starts a new one."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
            self._count += 1
