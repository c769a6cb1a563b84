"""What a url says: where it points, what its file is called, what of it may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"<>]*)\?[^\s'\"<>]*")


def local_path(url: str, base: Path) -> Path | None:
    """Where a path or ``file://`` url points; None for any other url.

    Args:
        url: From ``data.sources``.
        base: Folder that relative paths start from.
    """
    if "://" not in url:
        return base / url
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def without_queries(text: str) -> str:
    """Text with the query of every url in it left out: signed urls carry a password there."""
    return _QUERY.sub(r"\1?...", text)


def file_name(url: str) -> str:
    """Last part of a url's path, decoded, without its query; empty when there is none."""
    path = urlsplit(url).path if "://" in url else url
    return unquote(path.rstrip("/").rsplit("/", 1)[-1])
