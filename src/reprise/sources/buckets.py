"""Folders in buckets: every object below a prefix, several at a time, resumable."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

from reprise.errors import RepriseError
from reprise.sources.archives import make_folders
from reprise.sources.backends import Connection
from reprise.sources.file_download import (
    RemoteFile,
    discard_if_stale,
    download_file,
    in_parallel,
    progress_bar,
)
from reprise.sources.folders import visible_files
from reprise.sources.quota import Quota
from reprise.sources.retry import with_retries
from reprise.sources.safe_names import visible_paths
from reprise.sources.urls import without_queries


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
