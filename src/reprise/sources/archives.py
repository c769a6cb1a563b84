"""Extracting untrusted archives.

Names that are not Unicode are decoded by :mod:`reprise.sources.name_encodings`.

Members are written by this module, never by ``extractall``: every path is checked, links and
devices are refused, and sizes are counted on the bytes that come out, because headers lie.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any

from reprise.errors import RepriseError
from reprise.sources.deflate64 import DEFLATE64, Deflate64Reader
from reprise.sources.name_encodings import decoded_names
from reprise.sources.quota import Quota
from reprise.sources.safe_names import member_error, safe_path

CHUNK = 2**20
# tarfile reads extended headers into memory at the size that they claim, and zipfile the whole
# list of members: some 100 bytes each.
MAX_HEADER = 2**24
LISTED_BYTES_PER_FILE = 192
_RESOURCE_FORKS = "__MACOSX"
_UTF8_FLAG, _UNICODE_PATH = 0x800, 0x7075
_METHODS = {
    1: "Shrink",
    6: "Implode",
    93: "Zstandard",
    95: "XZ",
    96: "JPEG",
    98: "PPMd",
    99: "AES encryption",
}
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


def extract_archive(
    archive: Path, folder: Path, quota: Quota, encoding: str | None = None
) -> list[str]:
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) into an empty folder.

    ``__MACOSX``, in which macOS keeps what is no data, is left out.

    Args:
        archive: The archive; its kind is read from its content.
        folder: An existing empty folder.
        quota: Limits, counted down.
        encoding: Code page of names that are not Unicode; None guesses that of a zip.

    Returns:
        Notes for a person: which code page was guessed, if any was.

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
                return _extract_zip(file, folder, quota, encoding)
            stream = file if kind == "tar" else _COMPRESSIONS[kind](file)
            _extract_tar(stream, folder, quota, encoding)
            return []
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


def _extract_zip(file: IO[bytes], folder: Path, quota: Quota, encoding: str | None) -> list[str]:
    listing = MAX_HEADER + LISTED_BYTES_PER_FILE * quota.files
    bounded: Any = _Bounded(file, quota, listing)
    with zipfile.ZipFile(bounded) as archive:
        names, notes = _zip_names(archive.infolist(), encoding)
        for name, member in zip(names, archive.infolist(), strict=True):
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise member_error(name, "it is a link or a device")
            if member.flag_bits & 1:
                raise member_error(name, "it is encrypted")
            path = safe_path(name)
            if path.parts[0] == _RESOURCE_FORKS:
                continue
            # Windows' own .NET ends the names of folders with a backslash.
            if name.endswith(("/", "\\")) or kind == stat.S_IFDIR:
                make_folders(folder, path, quota)
                continue
            with _open_member(archive, member, name) as content:
                write_member(content, folder, path, quota)
    return notes


def _zip_names(members: list[zipfile.ZipInfo], encoding: str | None) -> tuple[list[str], list[str]]:
    """The members' names, and notes: the Unicode name beside the old one first, then UTF-8
    where a flag says so, then what the bytes are likeliest to be."""
    names: list[str | None] = []
    unknown: list[bytes] = []
    for member in members:
        name: str | None = member.orig_filename.partition("\0")[0]
        if not member.flag_bits & _UTF8_FLAG:
            # zipfile reads code page 437, in which every byte is a letter.
            stored = member.orig_filename.partition("\0")[0].encode("cp437")
            name = _unicode_name(member.extra, stored)
            if name is None:
                unknown.append(stored)
        names.append(name)
    texts, notes = decoded_names(unknown, encoding)
    rest = iter(texts)
    return [next(rest) if name is None else name for name in names], notes


def _unicode_name(extra: bytes, stored: bytes) -> str | None:
    """The name in Info-ZIP's Unicode path field, if there is one and it is about this name."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        known = kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1
        # The checksum says whether a tool that did not know the field has renamed the member.
        if known and struct.unpack("<I", field[1:5])[0] == zlib.crc32(stored):
            return field[5:].decode("utf-8")
    return None


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> IO[bytes]:
    if member.compress_type == DEFLATE64:
        return io.BufferedReader(Deflate64Reader(archive, member, name))
    try:
        return archive.open(member)
    except NotImplementedError:
        method = member.compress_type
        shown = f"{_METHODS[method]} (method {method})" if method in _METHODS else str(method)
        raise RepriseError(
            f"{name[:80]!r} in it is compressed by {shown}, which is not read.",
            "unpack it with the program that made it and name the folder, or zip it again "
            "with Deflate, the usual method.",
        ) from None


def _extract_tar(stream: IO[bytes], folder: Path, quota: Quota, encoding: str | None) -> None:
    bounded: Any = _Bounded(stream, quota, MAX_HEADER)
    names = encoding or "utf-8"
    with tarfile.open(fileobj=bounded, mode="r:", encoding=names) as archive:
        while (member := archive.next()) is not None:
            # tarfile keeps every member that it has seen: a gigabyte for a million files.
            archive.members.clear()  # type: ignore[attr-defined]
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise member_error(member.name, "it is a link or a device")
            if member.name in (".", "./"):
                continue
            path = safe_path(_tar_name(member.name, encoding))
            if path.parts[0] == _RESOURCE_FORKS:
                continue
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


def _tar_name(name: str, encoding: str | None) -> str:
    """A member's name, which must be text.

    Raises:
        RepriseError: It is not of the encoding that it is read in.
    """
    if not any("\udc80" <= letter <= "\udcff" for letter in name):
        return name
    stored = name.encode(encoding or "utf-8", "surrogateescape")
    raise RepriseError(
        f"the name {stored[:80]!r} in it is not {encoding or 'UTF-8'}.",
        "name the code page it is in: encoding in the source's entry, gb18030 say.",
    )


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
