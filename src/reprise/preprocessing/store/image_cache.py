"""Encoded images, cached from one run to the next, so that a run costs what has changed.

An entry is found by the image's source and name and by all else that decides its bytes: the
settings, the code and the libraries. It holds for a file of the same size, inode and times,
which is not even read, and for one of the same SHA-256.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path

from reprise.code_digest import code_digest
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.processed_image import EncodedImage
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.store.byte_cache import ByteCache

# Their versions decide the bytes, as the code of the stage does.
_LIBRARIES = ("opencv-python-headless", "pillow", "imagehash", "numpy", "scipy")

_FIELDS = tuple(one.name for one in fields(EncodedImage) if one.name != "data")


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


@dataclass(frozen=True)
class CachedImage:
    """What an image file gave.

    Attributes:
        state: Of the file, from before it was read; None when that says nothing.
        file_sha256: Of its content.
        found: The encoded image, or the reason why there is none.
    """

    state: str | None
    file_sha256: str
    found: EncodedImage | BadImageError


class ImageCache:
    """What image files gave, by the source and the name of the image."""

    def __init__(self, config: CacheConfig) -> None:
        self._version = config.version
        self._entries = ByteCache(config.folder, config.limit)

    def get(self, key: str) -> CachedImage | None:
        """The entry of an image, None when it is not known."""
        entry = self._entries.get(f"{self._version} {key}")
        if entry is None:
            return None
        head, _, data = entry.partition(b"\n")
        state, file_sha256, known = json.loads(head)
        if "rule" in known:
            bad = BadImageError(Rule[known["rule"]], known["detail"])
            return CachedImage(state, file_sha256, bad)
        return CachedImage(state, file_sha256, EncodedImage(data, **known))

    def put(self, images: Mapping[str, CachedImage]) -> None:
        """Store the entries of images, in place of those before."""
        entries = {}
        for key, image in images.items():
            found = image.found
            if isinstance(found, BadImageError):
                known, data = {"rule": found.rule.name, "detail": found.detail}, b""
            else:
                known, data = {name: getattr(found, name) for name in _FIELDS}, found.data
            head = json.dumps([image.state, image.file_sha256, known]).encode()
            entries[f"{self._version} {key}"] = head + b"\n" + data
        self._entries.put(entries)
