"""Downloads that survive a broken line: ranges through fsspec, retries, a size limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError

# Seconds before each new attempt in a row; any new byte starts the row again.
WAITS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
LARGEST_BLOCK = 8 * 2**20
SMALLEST_BLOCK = 64 * 2**10
# A request that the server answers this way will not do better the next time.
PERMANENT = frozenset(range(400, 500)) - {408, 425, 429}


class _NoRangesError(Exception):
    """The server sends a file only from its beginning."""


class _Remote:
    """One file on a server, read in blocks from any offset where the server allows it."""

    def __init__(self, url: str) -> None:
        import aiohttp
        from fsspec.core import url_to_fs

        # aiohttp gives a whole request five minutes by default, which a large file exceeds.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
        self._filesystem, self._path = url_to_fs(
            url,
            skip_instance_cache=True,
            headers={"Accept-Encoding": "identity"},
            client_kwargs={"timeout": timeout, "trust_env": True},
        )
        self.errors: tuple[type[Exception], ...] = (OSError, TimeoutError, aiohttp.ClientError)
        self.ranged = True
        self.block = LARGEST_BLOCK

    def size(self) -> int | None:
        """Length in bytes, None when the server does not say."""
        info: dict[str, Any] = self._filesystem.info(self._path)
        size: int | None = info["size"]
        self.ranged = size is not None and info.get("partial", True)
        return size

    def chunks(self, offset: int, size: int | None) -> Iterator[bytes]:
        """The file's bytes from an offset on, a piece at a time."""
        if not self.ranged or size is None:
            with self._filesystem.open(self._path, "rb", block_size=0, size=size) as stream:
                while chunk := stream.read(2**20):
                    yield chunk
            return
        with self._filesystem.open(
            self._path, "rb", block_size=LARGEST_BLOCK, size=size, cache_type="none"
        ) as file:
            while offset < size:
                file.seek(offset)
                try:
                    chunk = file.read(min(self.block, size - offset))
                except ValueError:  # how fsspec says that the server ignored the range
                    raise _NoRangesError from None
                if not chunk:
                    raise OSError("the server sent nothing")
                offset += len(chunk)
                yield chunk


def fetch(url: str, part: Path, max_bytes: int) -> None:
    """Download a file, going on from what an earlier attempt left.

    Args:
        url: ``http://`` or ``https://``.
        part: Where the bytes go. What it holds already is taken as the file's beginning;
            after a failure it stays, for the next attempt.
        max_bytes: Largest size allowed.

    Raises:
        RepriseError: The file does not exist, is too large, or the server failed
            repeatedly.
        OSError: ``part`` cannot be written.
    """
    from tqdm import tqdm

    remote = _Remote(url)
    size = _size(remote, url)
    if size is not None:
        _check_size(url, size, max_bytes)
        if part.exists() and part.stat().st_size > size:
            part.unlink()
    failures = 0
    with (
        part.open("ab") as file,
        tqdm(total=size, unit="B", unit_scale=True, desc=_label(url), disable=None) as bar,
    ):
        while size is None or file.tell() < size:
            if not remote.ranged:
                file.truncate(0)
                file.seek(0)
            bar.update(file.tell() - bar.n)
            chunks = remote.chunks(file.tell(), size)
            try:
                while chunk := next(chunks, b""):
                    _check_size(url, file.tell() + len(chunk), max_bytes)
                    _write(file, chunk)
                    bar.update(len(chunk))
                    failures = 0 if remote.ranged else failures
                if size is None:
                    return
                if file.tell() < size:
                    raise ConnectionError("the server ended early")
            except _NoRangesError:
                remote.ranged = False
            except _CannotWriteError as error:
                raise error.reason from None
            except remote.errors as error:
                remote.block = max(remote.block // 2, SMALLEST_BLOCK)
                _wait_or_give_up(url, error, failures)
                failures += 1


class _CannotWriteError(Exception):
    """Sets a full disk apart from a broken connection: both are OSErrors."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _write(file: Any, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise _CannotWriteError(error) from error


def _size(remote: _Remote, url: str) -> int | None:
    failures = 0
    while True:
        try:
            return remote.size()
        except remote.errors as error:
            # fsspec reports every failure of this request as a missing file.
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            _wait_or_give_up(url, cause, failures)
            failures += 1


def _wait_or_give_up(url: str, error: Exception, failures: int) -> None:
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError):
        status = 404
    if status in PERMANENT:
        raise RepriseError(
            f"{url}: the server answered {status}.",
            "check the url in data.sources, and that it opens without signing in.",
        ) from None
    if failures >= len(WAITS):
        reason = str(error) or type(error).__name__
        raise RepriseError(
            f"{url}: gave up after {failures + 1} failed attempts in a row ({reason}).",
            "check the connection and run again; the download goes on where it stopped.",
        ) from None
    time.sleep(WAITS[failures])


def _check_size(url: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise RepriseError(
            f"{url} is larger than {max_bytes / 1e9:g} GB.",
            "raise data.limits.max_download_gb if the file is meant to be that large.",
        )


def _label(url: str) -> str:
    return url.split("?")[0].rstrip("/").rsplit("/", 1)[-1][:40]
