"""Members of zip archives in Deflate64, which Windows' Explorer takes for files over 2 GB."""

from __future__ import annotations

import copy
import io
import zipfile
import zlib
from typing import Any

from reprise.errors import RepriseError

DEFLATE64 = 9
# Compressed bytes that are expanded at once: to 30 MB at most, for a piece may grow 27,000 times.
_PIECE = 1024


class Deflate64Reader(io.RawIOBase):
    """The content of a member, expanded as it is read.

    Args:
        archive: Open for reading.
        member: One of its members, of the method DEFLATE64.
        name: Its name for messages.

    Raises:
        zipfile.BadZipFile: Its header is damaged.
        RepriseError: From reading: its content is damaged, or no Deflate64.
    """

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
        from inflate64 import Inflater

        # zipfile finds the member and checks its header; its bytes come as they are stored.
        stored: Any = copy.copy(member)
        stored.compress_type, stored.file_size = zipfile.ZIP_STORED, member.compress_size
        del stored.CRC
        self._packed = archive.open(stored)
        self._inflater = Inflater()
        self._pending = b""
        self._digest = 0
        self._member, self._name = member, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._pending:
            piece = self._packed.read(_PIECE)
            if not piece:
                if self._digest != self._member.CRC:
                    raise self._damaged()
                return 0
            try:
                self._pending = self._inflater.inflate(piece)
            except ValueError:
                raise self._damaged() from None
            self._digest = zlib.crc32(self._pending, self._digest)
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        return size

    def _damaged(self) -> RepriseError:
        return RepriseError(
            f"{self._name[:80]!r} in it is compressed by Deflate64 (method 9), as by Windows "
            "Explorer, and cannot be expanded: it is damaged, or says so wrongly.",
            "unpack it with the program that made it and name the folder, or zip it again "
            "with Deflate, the usual method (7-Zip: Parameters, method Deflate).",
        )

    def close(self) -> None:
        self._packed.close()
        super().close()
