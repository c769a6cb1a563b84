"""What a url says: where it points, what its file is called, what of it may be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"<>]*)\?[^\s'\"<>]*")

# Of files and folders; `local` stands for a path, which carries no scheme.
SCHEMES = ("file", "http", "https", "s3", "gs", "az", "abfs", "sftp")
# Where the part before `@` is a login or a container; elsewhere it is as good as a password.
_USERS_ALLOWED = ("sftp", "git+ssh", "az", "abfs")


def local_path(url: str, base: Path) -> Path | None:
    """Where a path or ``file://`` url points; None for any other url.

    An experiment may run in a temporary copy of the repository, which has what Git knows and
    nothing beside it: what is not there is looked for from the repository that the person works
    in, which DVC names.

    Args:
        url: From ``data.sources``.
        base: Folder that relative paths start from.
    """
    if "://" not in url:
        path = base / url
        workspace = os.environ.get("DVC_ROOT")
        return path if workspace is None or path.exists() else Path(workspace, url)
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def without_queries(text: str) -> str:
    """Text with the query of every url in it left out: signed urls carry a password there."""
    return _QUERY.sub(r"\1?...", text)


def file_name(url: str) -> str:
    """Last part of a url's path, decoded, without its query; empty when there is none."""
    path = urlsplit(url).path if "://" in url else url
    return unquote(path.rstrip("/").rsplit("/", 1)[-1])


def check_remote_url(url: str, schemes: Sequence[str], example: str) -> None:
    """Check the parts of a url that is no local path.

    Args:
        url: With ``://`` in it.
        schemes: Those that are allowed.
        example: The path of a file url, for the message.

    Raises:
        ValueError: It has another scheme, holds a password, or is a file url with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"url may be a local path or start with {known}")
    if parts.password is not None or (parts.username and parts.scheme not in _USERS_ALLOWED):
        raise ValueError(
            "url must not hold a user name or password; credentials come from the environment"
        )
    if parts.scheme in ("file", "git+file") and parts.netloc not in ("", "localhost"):
        raise ValueError(f"a {parts.scheme} url has three slashes: {parts.scheme}:///{example}")
