"""Downloads that survive a broken line: ranges through fsspec, retries, limits; folders too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from reprise.errors import RepriseError
from reprise.replacing import remove
from reprise.sources.archives import make_folders
from reprise.sources.backends import Connection, NoRangesError
from reprise.sources.folders import visible_files
from reprise.sources.quota import Quota
from reprise.sources.retry import Retry, with_retries
from reprise.sources.safe_names import visible_paths
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
    note = part.with_suffix(".stamp")
    before = note.read_text() if note.exists() else ""
    if before != stamp or not (stamp or verified):
        remove(part)
    note.write_text(stamp)


def discard(part: Path) -> None:
    """Remove an unfinished download and the stamp beside it."""
    remove(part)
    remove(part.with_suffix(".stamp"))


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
    with part.open("ab") as file:
        bar.update(file.tell())
        for offset, chunk in _received(url, connection, remote, file.tell()):
            bar.update(offset + len(chunk) - file.tell())
            if offset < file.tell():
                file.seek(offset)
                file.truncate()
            _check_size(url, offset + len(chunk), max_bytes)
            file.write(chunk)
            file.flush()


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Call a function for each item, several at a time; the first error ends it."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for done in as_completed([pool.submit(work, item) for item in items]):
                done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _received(
    url: str, connection: Connection, remote: RemoteFile, offset: int
) -> Iterator[tuple[int, bytes]]:
    """The file's bytes from an offset on, each piece with its own offset.

    A server that sends a file only from its beginning begins again, at 0, after each failure.
    """
    retry = Retry(url, connection.backend)
    retry.answered()
    block, ranged = LARGEST_BLOCK, remote.ranged
    while remote.size is None or offset < remote.size:
        filesystem = None
        try:
            filesystem = connection.filesystem()
            if ranged and remote.size is not None:
                end = min(offset + block, remote.size)
                place = (remote.path, remote.size, offset, end)
                chunk = connection.backend.read(filesystem, *place)
                if not chunk:
                    raise ConnectionError("the server sent nothing")
                retry.answered()
                yield offset, chunk
                offset += len(chunk)
                continue
            offset = 0
            yield offset, b""
            with filesystem.open(remote.path, "rb", block_size=0, size=remote.size) as stream:
                while chunk := stream.read(2**20):
                    yield offset, chunk
                    offset += len(chunk)
            if remote.size is None:
                return
            if offset < remote.size:
                raise ConnectionError("the server ended early")
        except NoRangesError:
            ranged = False
        except connection.backend.errors as error:
            block = max(block // 2, SMALLEST_BLOCK)
            connection.broke(filesystem)
            retry.failed(error)


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


def download_folder(
    url: str, connection: Connection, part: Path, quota: Quota, verified: bool
) -> None:
    """Download every visible object below a prefix.

    Args:
        url: A folder in a bucket.
        connection: To its server.
        part: The folder to fill. Files that it holds already are taken as the beginnings of
            the objects with the same names; after a failure it stays, for the next attempt.
        quota: Limits on files and bytes, counted down.
        verified: Whether a digest is expected of the whole.

    Raises:
        RepriseError: The folder holds nothing, a name cannot be a file's, a limit is reached,
            or the server failed repeatedly.
        OSError: ``part`` cannot be written.
    """
    files = _list_files(url, connection, quota)
    lines = [f"{path} {remote.stamp}\n" for path, remote in files.items()]
    stamped = all(remote.stamp for remote in files.values())
    stamp = hashlib.sha256("".join(lines).encode()).hexdigest() if stamped else ""
    discard_if_stale(part, stamp, verified)
    part.mkdir(exist_ok=True)
    for name, found in visible_files(part):
        if PurePosixPath(name) not in files:
            found.unlink()
    for path in files:
        make_folders(part, path.parent, quota)
    top = url.rstrip("/")
    sizes = {path: remote.size or 0 for path, remote in files.items()}
    with progress_bar(url, sum(sizes.values())) as bar:

        def download(path: PurePosixPath) -> None:
            where = (part / path, sizes[path], bar)
            download_file(f"{top}/{path}", connection, files[path], *where)

        in_parallel(download, files)


def _list_files(url: str, connection: Connection, quota: Quota) -> dict[PurePosixPath, RemoteFile]:
    """Path below the folder to object; checked and counted before any download."""
    files = visible_paths(_objects(url, connection))
    for path, remote in files.items():
        quota.count_file(str(path))
        quota.count_bytes(str(path), remote.size or 0)
    if not files:
        raise RepriseError(f"{without_queries(url)} holds no files.", "correct the url.")
    return files


def _objects(url: str, connection: Connection) -> dict[str, RemoteFile]:
    """Name below the folder to object."""

    def find(filesystem: Any) -> dict[str, RemoteFile]:
        root = filesystem._strip_protocol(url).rstrip("/") + "/"
        found: dict[str, dict[str, Any]] = filesystem.find(root, detail=True)
        # Consoles mark an empty folder with an object whose name ends in a slash.
        return {
            path.removeprefix(root): RemoteFile.of(path, info)
            for path, info in found.items()
            if info["type"] == "file" and not path.endswith("/")
        }

    return with_retries(url, connection, find)
