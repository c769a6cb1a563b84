"""Extracting untrusted archives.

Members are written by this module, never by ``extractall``: every path is checked, links and
devices are refused, and sizes are counted on the bytes that come out, because headers lie.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from reprise.errors import RepriseError
from reprise.sources.quota import Quota
from reprise.sources.safe_names import member_error, safe_path

CHUNK = 2**20
# tarfile reads extended headers into memory at the size that they claim, and zipfile the whole
# list of members: some 100 bytes each.
MAX_HEADER = 2**24
LISTED_BYTES_PER_FILE = 192
_COMPRESSIONS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zX": lzma.open}
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RecursionError,
    UnicodeError,
    ValueError,
)
_OTHER_CONTENTS = {
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML document",
    b"version https://git-lfs": "a Git LFS pointer: the file itself was never fetched",
    b"rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
}


def is_archive(path: Path) -> bool:
    """Whether a file begins like a zip or tar archive, or like a compressed file."""
    return _kind(_head(path)) is not None


def extract_archive(archive: Path, folder: Path, quota: Quota) -> None:
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) into an empty folder.

    Args:
        archive: The archive; its kind is read from its content.
        folder: An existing empty folder.
        quota: Limits, counted down.

    Raises:
        RepriseError: The archive is broken, of no known kind, over a limit, or holds a
            member that leaves the folder, is a link or device, or occurs twice. Files
            written so far stay: the caller removes the folder.
        OSError: The folder cannot be written.
    """
    kind = require_archive(archive)
    size = archive.stat().st_size
    with archive.open("rb") as file, quota.growing_from(size):
        try:
            if kind == "zip":
                _extract_zip(file, folder, quota)
            else:
                stream = file if kind == "tar" else _COMPRESSIONS[kind](file)
                _extract_tar(stream, folder, quota)
        except _BROKEN as error:
            raise _broken(error) from None
        except OSError as error:
            # bz2 and gzip say so of a damaged stream; trouble with the disk has a number.
            if error.errno is not None:
                raise
            raise _broken(error) from None


def require_archive(path: Path) -> Any:
    """The kind of an archive, by its first bytes.

    Raises:
        RepriseError: It is no archive; the message says what it looks like.
    """
    head = _head(path)
    kind = _kind(head)
    if kind is None:
        raise RepriseError(
            f"the file is neither a zip nor a tar archive but {_appearance(head)}.",
            "name the file itself, not a page about it (a sign-in page, perhaps); zip, tar, "
            "tar.gz, tar.bz2 and tar.xz can be read.",
        )
    return kind


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(tarfile.BLOCKSIZE)


def _kind(head: bytes) -> Any:
    """``zip``, ``tar``, the magic bytes of a compression, or None."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    for magic in _COMPRESSIONS:
        if head.startswith(magic):
            return magic
    try:
        tarfile.TarInfo.frombuf(head, tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return None
    return "tar"


def _appearance(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, meaning in _OTHER_CONTENTS.items():
        if text.startswith(start):
            return meaning
    if not head:
        return "an empty file"
    if b"<html" in text:
        return "an HTML page"
    return "text" if text.isascii() and b"\0" not in text else "something else"


def _broken(error: Exception) -> RepriseError:
    reason = str(error) or type(error).__name__
    return RepriseError(
        f"the archive is broken: {reason}.",
        "make or fetch the archive again, and check it with `unzip -t` or `tar -t`.",
    )


def make_folders(root: Path, path: PurePosixPath, quota: Quota) -> None:
    """Make a folder below ``root`` and those above it, each counted.

    Raises:
        RepriseError: A file has the name of one of them, or there are too many.
    """
    if (root / path).is_dir():
        return
    for part in [*reversed(path.parents), path][1:]:
        try:
            (root / part).mkdir()
        except FileExistsError:
            if not (root / part).is_dir():
                raise member_error(str(part), "a file and a folder have the same name") from None
        else:
            quota.count_file(str(part))


def write_member(content: IO[bytes], root: Path, path: PurePosixPath, quota: Quota) -> None:
    """Write one file below ``root``, counting bytes as they come out.

    Raises:
        RepriseError: The file is there already, or a limit is reached.
    """
    quota.count_file(str(path))
    make_folders(root, path.parent, quota)
    try:
        with (root / path).open("xb") as file:
            while chunk := content.read(CHUNK):
                quota.count_bytes(str(path), len(chunk))
                file.write(chunk)
    except (FileExistsError, IsADirectoryError):
        raise member_error(str(path), "it occurs twice") from None


def _extract_zip(file: IO[bytes], folder: Path, quota: Quota) -> None:
    listing = MAX_HEADER + LISTED_BYTES_PER_FILE * quota.files
    bounded: Any = _Bounded(file, quota, listing)
    with zipfile.ZipFile(bounded) as archive:
        for member in archive.infolist():
            name = _zip_name(member)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise member_error(name, "it is a link or a device")
            if member.flag_bits & 1:
                raise member_error(name, "it is encrypted")
            path = safe_path(name)
            if member.is_dir() or kind == stat.S_IFDIR:
                make_folders(folder, path, quota)
                continue
            with archive.open(member) as content:
                write_member(content, folder, path, quota)


def _zip_name(member: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 also where the flag that says so is missing, as Info-ZIP and
    macOS leave it, and zipfile reads code page 437."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _extract_tar(stream: IO[bytes], folder: Path, quota: Quota) -> None:
    bounded: Any = _Bounded(stream, quota, MAX_HEADER)
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        while (member := archive.next()) is not None:
            # tarfile keeps every member that it has seen: a gigabyte for a million files.
            archive.members.clear()  # type: ignore[attr-defined]
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise member_error(member.name, "it is a link or a device")
            if member.name in (".", "./"):
                continue
            path = safe_path(member.name)
            # Python's own filter as a second opinion; it raises where it sees an attack.
            tarfile.data_filter(member, str(folder))
            if member.isdir():
                make_folders(folder, path, quota)
                continue
            content = archive.extractfile(member)
            if content is None:
                raise member_error(member.name, "it has no content")
            write_member(content, folder, path, quota)
    # The checksum of a compressed stream stands at its very end.
    while bounded.read(CHUNK):
        continue


class _Bounded:
    """A stream that refuses to hand over a huge piece at once: a header that lies."""

    def __init__(self, stream: IO[bytes], quota: Quota, largest_read: int) -> None:
        self._stream = stream
        self._quota = quota
        self._largest_read = largest_read

    def read(self, size: int = -1) -> bytes:
        if size > self._largest_read:
            raise tarfile.ReadError("a header claims an impossible size")
        content = self._stream.read(self._largest_read + 1 if size < 0 else size)
        if len(content) > self._largest_read:
            raise tarfile.ReadError("a header claims an impossible size")
        self._quota.check_growth(self._stream.tell())
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        # Skipping costs time, as the bytes in between are decompressed all the same.
        ahead = offset - self._stream.tell() if whence == 0 else 0
        if ahead > max(self._quota.bytes, CHUNK) or (whence == 0 and offset < 0):
            raise tarfile.ReadError("a header claims an impossible size")
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True
