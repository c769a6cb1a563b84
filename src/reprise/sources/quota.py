"""The limits of one source, counted down while its files are written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reprise.errors import RepriseError

# Deflate reaches 1000:1 on blank data; datasets of images and labels stay far below 100:1.
MAX_RATIO = 200
RATIO_APPLIES_FROM = 32 * 2**20


class OverLimitError(RepriseError):
    """A limit of ``data.limits`` is reached, which a person may raise."""


@dataclass
class Quota:
    """What is left of a source's limits; every file and folder written counts against it.

    Threads may share one.

    Attributes:
        files: Files and folders that may still be written.
        bytes: Bytes that may still be written.
        limit: The parameter that ``bytes`` comes from, for messages.
    """

    files: int
    bytes: int
    limit: str = "data.limits.max_unpacked_gb"
    _packed: int | None = None
    _grown: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_file(self, name: str) -> None:
        """Count one more file or folder; OverLimitError when there are too many."""
        with self._lock:
            self.files -= 1
        if self.files < 0:
            raise OverLimitError(
                f"'{name}' is one file or folder more than data.limits.max_files allows.",
                "raise the limit if the source is meant to hold so many.",
            )

    def count_bytes(self, name: str, count: int) -> None:
        """Count more bytes of a file; OverLimitError when there are too many, RepriseError
        when they are out of proportion to the archive that they come from."""
        with self._lock:
            self.bytes -= count
            self._grown += count
        if self.bytes < 0:
            raise OverLimitError(
                f"the files up to '{name}' are larger than {self.limit} allows.",
                "raise the limit if the source is meant to be so large.",
            )
        self.check_growth(self._grown)

    def check_growth(self, grown: int) -> None:
        """RepriseError when an archive has expanded more than normal data does.

        Args:
            grown: Bytes that came out so far.
        """
        if self._packed is None or grown <= RATIO_APPLIES_FROM:
            return
        if grown > MAX_RATIO * self._packed:
            raise RepriseError(
                f"the archive grows more than {MAX_RATIO} times when unpacked, as archives do "
                "that are made to fill a disk.",
                "if you trust it, unpack it yourself and name the folder as the source.",
            )

    @contextmanager
    def growing_from(self, packed: int) -> Iterator[None]:
        """Measure what is written in this block against the size of its archive.

        Archives inside the archive are measured against the outermost one, or a bomb could
        multiply its growth by packing itself again.

        Args:
            packed: Size of the archive in bytes.
        """
        if self._packed is not None:
            yield
            return
        self._packed, self._grown = packed, 0
        try:
            yield
        finally:
            self._packed = None
