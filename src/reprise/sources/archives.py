"""Unpacking archives that nobody has vetted.

Members are written by this module, never by ``extractall``: every path is checked, links and
devices are refused, and sizes are counted on the bytes that come out, because headers lie.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from reprise.errors import RepriseError

CHUNK = 2**20
MAX_DEPTH = 32
# Deflate reaches 1000:1 on blank data; real label files stay below 100:1, and the few images
# that compress further are small.
MAX_RATIO = 200
RATIO_APPLIES_FROM = 32 * 2**20
# tarfile reads extended headers into memory at the size that they claim.
MAX_HEADER = 2**24
_COMPRESSIONS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zX": lzma.open}
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    UnicodeError,
    ValueError,
)


@dataclass
class Budget:
    """What is left of a source's limits; every file written is paid from it.

    Attributes:
        files: Files that may still be written.
        bytes: Bytes that may still be written.
    """

    files: int
    bytes: int

    def pay_file(self, name: str) -> None:
        """Count one more file; RepriseError when there are too many."""
        self.files -= 1
        if self.files < 0:
            raise RepriseError(
                f"'{name}' is one file more than data.limits.max_files allows.",
                "raise the limit if the source is meant to hold so many files.",
            )

    def pay_bytes(self, name: str, count: int) -> None:
        """Count more bytes of a file; RepriseError when there are too many."""
        self.bytes -= count
        if self.bytes < 0:
            raise RepriseError(
                f"the files up to '{name}' are larger than data.limits.max_unpacked_gb allows.",
                "raise the limit if the source is meant to be so large.",
            )


def unpack(archive: Path, folder: Path, budget: Budget) -> None:
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) into an empty folder.

    Args:
        archive: The archive; its kind is told from its content.
        folder: An existing empty folder.
        budget: Limits, counted down.

    Raises:
        RepriseError: The archive is broken, of no known kind, over a limit, or holds a
            member that leaves the folder, is a link or device, or occurs twice. Files
            written so far stay: the caller removes the folder.
        OSError: The folder cannot be written.
    """
    with archive.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        try:
            if magic in (b"PK\x03\x04", b"PK\x05\x06"):
                _unpack_zip(file, folder, budget)
            else:
                _unpack_tar(file, magic, archive.stat().st_size, folder, budget)
        except _BROKEN as error:
            reason = str(error) or type(error).__name__
            raise RepriseError(
                f"the archive is broken: {reason}.",
                "make or fetch the archive again, and check it with `unzip -t` or `tar -t`; "
                "zip, tar, tar.gz, tar.bz2 and tar.xz can be read.",
            ) from None


def safe_path(name: str) -> PurePosixPath:
    """A member's path inside the folder; backslashes count as separators.

    Raises:
        RepriseError: The path is absolute, climbs out, or cannot be a file name.
    """
    text = name.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    absolute = text.startswith("/") or (len(text) > 1 and text[1] == ":")
    if absolute or ".." in parts or not parts:
        raise _refused(name, "its path leaves the folder")
    if len(parts) > MAX_DEPTH:
        raise _refused(name[:80], f"it lies more than {MAX_DEPTH} folders deep")
    if any(len(part.encode("utf-8", "surrogatepass")) > 255 or "\0" in part for part in parts):
        raise _refused(name[:80], "its name is too long or holds a zero byte")
    return PurePosixPath(*parts)


def _refused(name: str, reason: str) -> RepriseError:
    return RepriseError(
        f"archive member {name!r} is refused: {reason}.",
        "make the archive again from plain files and folders.",
    )


def _unpack_zip(file: IO[bytes], folder: Path, budget: Budget) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(member.filename, "it is a link or a device")
            if member.flag_bits & 1:
                raise _refused(member.filename, "it is encrypted")
            path = safe_path(member.filename)
            if member.is_dir() or kind == stat.S_IFDIR:
                _make_folder(folder / path, member.filename)
                continue
            with archive.open(member) as content:
                _write(content, folder, path, budget, member.compress_size)


def _unpack_tar(
    file: IO[bytes], magic: bytes, archive_size: int, folder: Path, budget: Budget
) -> None:
    before = budget.bytes
    stream: Any = _Bounded(_decompressed(file, magic), budget)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise _refused(member.name, "it is a link or a device")
            path = safe_path(member.name) if member.name not in (".", "./") else None
            # Python's own filter as a second opinion; it raises where it sees an attack.
            tarfile.data_filter(member, str(folder))
            if path is None:
                continue
            if member.isdir():
                _make_folder(folder / path, member.name)
                continue
            content = archive.extractfile(member)
            if content is None:
                raise _refused(member.name, "it has no content")
            _write(content, folder, path, budget, archive_size, before - budget.bytes)


class _Bounded:
    """A stream that refuses to hand over a huge piece at once: a header that lies."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > MAX_HEADER:
            raise tarfile.ReadError("a header claims an impossible size")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        # Skipping costs time, as the bytes in between are decompressed all the same.
        if whence == 0 and offset - self._stream.tell() > max(self._budget.bytes, CHUNK):
            raise tarfile.ReadError("a header claims an impossible size")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _decompressed(file: IO[bytes], magic: bytes) -> Any:
    for start, opened in _COMPRESSIONS.items():
        if magic.startswith(start):
            return opened(file)
    return file


def _make_folder(path: Path, name: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _refused(name, "a file and a folder have the same name") from None


def _write(
    content: IO[bytes],
    folder: Path,
    path: PurePosixPath,
    budget: Budget,
    packed: int,
    written_before: int = 0,
) -> None:
    """Write one member, counting bytes as they come out.

    Args:
        content: The member.
        folder: The source's folder.
        path: The member's path in it.
        budget: Limits, counted down.
        packed: Compressed bytes that the member (zip) or the whole archive (tar) takes.
        written_before: Bytes that the same compressed bytes gave already (tar).
    """
    name = str(path)
    budget.pay_file(name)
    target = folder / path
    _make_folder(target.parent, name)
    written = written_before
    try:
        with target.open("xb") as file:
            while chunk := content.read(CHUNK):
                written += len(chunk)
                budget.pay_bytes(name, len(chunk))
                if written > RATIO_APPLIES_FROM and written > MAX_RATIO * max(packed, 1):
                    raise _refused(name, f"it grows more than {MAX_RATIO} times when unpacked")
                file.write(chunk)
    except (FileExistsError, IsADirectoryError):
        raise _refused(name, "it occurs twice") from None
