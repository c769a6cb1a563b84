"""Downloads that survive a broken line: ranges through fsspec, retries, a size limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reprise.errors import RepriseError
from reprise.sources.backends import Connection, NoRangesError, ReadRange
from reprise.sources.folders import remove
from reprise.sources.retry import Retry, with_retries
from reprise.sources.urls import file_name, without_queries

CONNECTIONS = 8
LARGEST_BLOCK = 8 * 2**20
SMALLEST_BLOCK = 64 * 2**10
Item = TypeVar("Item")
_STAMPS = ("ETag", "etag", "Last-Modified", "mtime")


@dataclass(frozen=True)
class RemoteFile:
    """One file as its server describes it.

    Attributes:
        path: Its path as the backend's file system knows it.
        size: In bytes; None when the server does not say.
        stamp: What the server says to tell this content from a later one; may be empty.
        ranged: Whether it can be read from any offset.
    """

    path: str
    size: int | None
    stamp: str = ""
    ranged: bool = True

    @classmethod
    def of(cls, path: str, info: dict[str, Any]) -> RemoteFile:
        """From what a file system of fsspec says."""
        size: int | None = info["size"]
        stamps = [str(info[key]) for key in _STAMPS if info.get(key)]
        stamp = f"{size} {' '.join(stamps)}" if stamps else ""
        return cls(path, size, stamp, size is not None and info.get("partial", True))


def discard_if_stale(part: Path, stamp: str, verified: bool) -> None:
    """Remove what an earlier attempt left of another content.

    Args:
        part: The unfinished download; its stamp is written beside it.
        stamp: Of what is there to download now.
        verified: Whether a digest will tell a mixture of two contents in the end.
    """
    note = stamp_file(part)
    before = note.read_text() if note.exists() else ""
    if before != stamp or not (stamp or verified):
        remove(part)
    note.write_text(stamp)


def stamp_file(part: Path) -> Path:
    """Where the stamp of an unfinished download is noted."""
    return part.with_suffix(".stamp")


class _CannotWriteError(Exception):
    """Sets a full disk apart from a broken connection: both are OSErrors."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def remote_info(url: str, connection: Connection) -> RemoteFile | None:
    """What the server says about a file; None when the url names a folder.

    Raises:
        RepriseError: It does not exist, access is denied, or the server does not answer.
    """

    def info(filesystem: Any) -> RemoteFile | None:
        path = filesystem._strip_protocol(url)
        found: dict[str, Any] = filesystem.info(path)
        return None if found["type"] == "directory" else RemoteFile.of(path, found)

    return with_retries(url, connection, info)


def download_file(
    url: str, connection: Connection, remote: RemoteFile, part: Path, max_bytes: int, bar: Any
) -> None:
    """Download a file, going on from what an earlier attempt left.

    Args:
        url: For messages.
        connection: To its server.
        remote: From :func:`remote_info`.
        part: Where the bytes go. What it holds already is taken as the file's beginning;
            after a failure it stays, for the next attempt.
        max_bytes: Largest size allowed.
        bar: A tqdm bar, updated with every new byte.

    Raises:
        RepriseError: The file is too large, or the server failed repeatedly.
        OSError: ``part`` cannot be written.
    """
    if remote.size is not None:
        _check_size(url, remote.size, max_bytes)
        if part.exists() and part.stat().st_size > remote.size:
            part.unlink()
    retry = Retry(url, connection.backend)
    retry.answered()
    block = LARGEST_BLOCK
    ranged = remote.ranged
    with part.open("ab") as file:
        bar.update(file.tell())
        while remote.size is None or file.tell() < remote.size:
            if not ranged:
                bar.update(-file.tell())
                file.truncate(0)
                file.seek(0)
            filesystem = None
            try:
                filesystem = connection.filesystem()
                read = connection.backend.read if ranged else None
                for chunk in _chunks(filesystem, read, remote, file.tell(), block):
                    _check_size(url, file.tell() + len(chunk), max_bytes)
                    _write(file, chunk)
                    bar.update(len(chunk))
                    if ranged:
                        retry.answered()
                if remote.size is None:
                    return
                if file.tell() < remote.size:
                    raise ConnectionError("the server ended early")
            except NoRangesError:
                ranged = False
            except _CannotWriteError as error:
                raise error.reason from None
            except connection.backend.errors as error:
                block = max(block // 2, SMALLEST_BLOCK)
                connection.broke(filesystem)
                retry.failed(error)


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Call a function for each item, several at a time; the first error ends it."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for done in as_completed([pool.submit(work, item) for item in items]):
                done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _chunks(
    filesystem: Any, read: ReadRange | None, remote: RemoteFile, offset: int, block: int
) -> Iterator[bytes]:
    """The file's bytes from an offset on, a block at a time; in one stream without ``read``."""
    if read is None or remote.size is None:
        with filesystem.open(remote.path, "rb", block_size=0, size=remote.size) as stream:
            while chunk := stream.read(2**20):
                yield chunk
        return
    while offset < remote.size:
        end = min(offset + block, remote.size)
        chunk = read(filesystem, remote.path, remote.size, offset, end)
        if not chunk:
            raise ConnectionError("the server sent nothing")
        offset += len(chunk)
        yield chunk


def _write(file: Any, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise _CannotWriteError(error) from error


def _check_size(url: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise RepriseError(
            f"{without_queries(url)} is larger than {max_bytes / 1e9:g} GB.",
            "raise data.limits.max_download_gb if the file is meant to be that large.",
        )


def progress_bar(url: str, total: int | None) -> Any:
    """A tqdm bar of bytes, named after the file and shown on a terminal only."""
    from tqdm import tqdm

    name = file_name(url)[:40]
    return tqdm(total=total, unit="B", unit_scale=True, desc=name, disable=None)
