"""The labels of a source in a file, gone through without all being in memory at a time."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path, PosixPath, WindowsPath
from typing import Any

from reprise.formats.records import BoxRecord, ImageRecord

_TOGETHER = 256
# All that a file may ask to be made: another class, or a function, is refused.
_KINDS = (BoxRecord, ImageRecord, PosixPath, WindowsPath)
_KNOWN = {(kind.__module__, kind.__qualname__): kind for kind in _KINDS}


def write_records(images: Sequence[ImageRecord], file: Path) -> None:
    """Write images, of which the reader will hold few at a time.

    Args:
        images: Of one source.
        file: Replaced when it exists.
    """
    with file.open("wb") as to:
        for start in range(0, len(images), _TOGETHER):
            # Each part on its own: a pickler remembers all that it wrote.
            pickle.dump(images[start : start + _TOGETHER], to, pickle.HIGHEST_PROTOCOL)


def read_records(file: Path) -> Iterator[ImageRecord]:
    """The images that :func:`write_records` wrote, in that order.

    Raises:
        pickle.UnpicklingError: The file asks for anything but labels.
    """
    size = file.stat().st_size
    with file.open("rb") as source:
        while source.tell() < size:
            yield from _Labels(source).load()


class _Labels(pickle.Unpickler):
    """Reads labels, and nothing that could do harm."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is no label") from None
