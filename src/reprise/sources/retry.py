"""When a failed request is sent again, and what is printed meanwhile."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from reprise.errors import RepriseError
from reprise.sources.backends import Backend, Connection
from reprise.sources.urls import without_queries

# Seconds before each new attempt in a row; any new byte starts the row again.
WAITS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
# For a server that has not answered once: a wrong name or port stays wrong.
WAITS_UNANSWERED = (0.5, 1.0)
# A request that the server answers this way will not do better the next time.
PERMANENT = frozenset(range(400, 500)) - {408, 425, 429}

Answer = TypeVar("Answer")


class Retry:
    """Counts failures in a row and decides after each whether to try again.

    Args:
        url: For messages.
        backend: Tells permanent errors from temporary ones.
    """

    def __init__(self, url: str, backend: Backend) -> None:
        self._url = without_queries(url)
        self._backend = backend
        self._answered = False
        self._failures = 0

    def answered(self) -> None:
        """The server has sent something useful: the row of failures starts again."""
        self._answered = True
        self._failures = 0

    def failed(self, error: Exception) -> None:
        """Wait before the next attempt, or give up.

        Raises:
            RepriseError: Another attempt cannot succeed, or there were enough.
        """
        from tqdm import tqdm

        status = _status(error, self._backend.status)
        permanent = self._permanent_problem(error, status)
        if permanent is not None:
            raise RepriseError(f"{self._url}: {permanent}.", self._backend.advice) from None
        self._failures += 1
        waits = WAITS if self._answered or status is not None else WAITS_UNANSWERED
        if self._failures > len(waits):
            raise RepriseError(
                f"{self._url}: gave up after {self._failures} failed attempts in a row "
                f"({_reason(error)}).",
                "check the url and the connection, then run again; what was downloaded is kept.",
            ) from None
        wait = waits[self._failures - 1]
        # Above the bar, which stays the last line.
        tqdm.write(
            f"{self._url}: {_reason(error)}; attempt {self._failures + 1} of "
            f"{len(waits) + 1} in {wait:g} s",
            file=sys.stderr,
        )
        time.sleep(wait)

    def _permanent_problem(self, error: Exception, status: int | None) -> str | None:
        """What is wrong, when another attempt cannot succeed."""
        if status in PERMANENT:
            return f"the server answered {status}"
        if isinstance(error, self._backend.denials):
            return _reason(error)
        if isinstance(error, FileNotFoundError) and error.__cause__ is None:
            return "it does not exist"
        return "access is denied" if isinstance(error, PermissionError) else None


def with_retries(url: str, connection: Connection, request: Callable[[Any], Answer]) -> Answer:
    """The answer to a request, sent again after temporary errors.

    Args:
        url: For messages.
        connection: To the server; opened again after each error.
        request: Called with the file system.

    Raises:
        RepriseError: The server refused the request, or failed repeatedly.
    """
    retry = Retry(url, connection.backend)
    while True:
        filesystem = None
        try:
            filesystem = connection.filesystem()
            return request(filesystem)
        except connection.backend.errors as error:
            connection.broke(filesystem)
            retry.failed(error)


def causes(error: BaseException | None) -> Iterator[Any]:
    """An error, what caused it, and so on; fsspec reports many failures as a missing file."""
    for _ in range(5):
        if error is None:
            return
        yield error
        error = error.__cause__


def _status(error: Exception, attribute: str) -> int | None:
    """The HTTP status behind an error."""
    for cause in causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, dict):  # botocore's
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            status = getattr(cause, attribute, None)
        if isinstance(status, int):
            return status
    return None


def _reason(error: Exception) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke in the middle of an answer"
    cause = list(causes(error))[-1]
    text = " ".join(str(cause).split()) or type(cause).__name__
    return without_queries(text.removeprefix("[Errno None] "))[:300].rstrip(".")
