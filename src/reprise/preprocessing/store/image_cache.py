"""Encoded images, cached from one run to the next, so that a run costs what has changed.

An entry is found by the SHA-256 of the image file and by all else that decides its bytes: the
settings, the code and the libraries. A file whose path, size, inode and times are as they were
is not even read again.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from reprise.code_digest import code_digest
from reprise.preprocessing import rules
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.processed_image import EncodedImage
from reprise.preprocessing.store.byte_cache import ByteCache
from reprise.preprocessing.store.file_state import FileState

# Their versions decide the bytes, as the code of the stage does.
_LIBRARIES = ("opencv-python-headless", "pillow", "imagehash", "numpy", "scipy")


def cache_version(settings: Settings) -> str:
    """A key that changes with the settings, the code and the libraries behind the bytes."""
    parts = [repr(settings), *(f"{name} {metadata.version(name)}" for name in _LIBRARIES)]
    parts.append(code_digest("preprocess"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CacheConfig:
    """Where the cache is and what it may hold; small enough to send to every process.

    Attributes:
        folder: Made when absent.
        limit: Bytes it may hold; the oldest entries go first.
        version: From :func:`cache_version`.
    """

    folder: Path
    limit: int
    version: str


@functools.cache
def open_cache(config: CacheConfig) -> ImageCache:
    """The cache, opened once in each process."""
    return ImageCache(config)


class ImageCache:
    """What image files gave: an encoded image, or the reason why there is none."""

    def __init__(self, config: CacheConfig) -> None:
        self._version = config.version
        self._entries = ByteCache(config.folder, config.limit)

    def known_digest(self, state: FileState) -> str | None:
        """SHA-256 of a file that is as it was when it was last read; None for others."""
        found = self._entries.get(f"file {state.path}")
        known, _, digest = (found or b"").decode(errors="replace").partition("\n")
        return digest if found and known == state.state else None

    def remember_digest(self, state: FileState, digest: str) -> None:
        """Note the digest of a file.

        Args:
            state: From before the file was read.
            digest: SHA-256 of its content.
        """
        if state.settled:
            self._entries.put(f"file {state.path}", f"{state.state}\n{digest}".encode())

    def get(self, file_sha256: str) -> EncodedImage | BadImageError | None:
        """What a file with this digest gave, None when it is not known."""
        found = self._entries.get(f"{self._version} {file_sha256}")
        if found is None:
            return None
        head, _, data = found.partition(b"\n")
        fields = json.loads(head)
        if "rule" in fields:
            return BadImageError(rules.BY_NAME[fields["rule"]], fields["detail"])
        return EncodedImage(data, **fields)

    def put(self, file_sha256: str, image: EncodedImage | BadImageError) -> None:
        """Store what a file gave."""
        if isinstance(image, BadImageError):
            fields, data = {"rule": image.rule.name, "detail": image.detail}, b""
        else:
            fields, data = asdict(image), image.data
            del fields["data"]
        entry = json.dumps(fields).encode() + b"\n" + data
        self._entries.put(f"{self._version} {file_sha256}", entry)
