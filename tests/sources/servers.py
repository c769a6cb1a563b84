"""Small real servers that fail on demand, and the folders of one download."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import download_folders


class Server:
    """An HTTP server of one file that can break, ignore ranges, or refuse."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ranges = True
        self.length = True
        self.etag: str | None = None
        self.breaks = 0  # answers that stop in the middle from now on
        self.whole: int | None = None  # answers before all others stop in the middle
        self.status = 200
        self.sent = 0
        self.requests = 0

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        self.requests += body
        if self.status != 200:
            request.send_error(self.status)
            return
        start, end = 0, len(self.content)
        asked = request.headers.get("Range") if self.ranges else None
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1, end)
        request.send_response(206 if asked else 200)
        if asked:
            request.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(self.content)}")
        if self.etag:
            request.send_header("ETag", self.etag)
        if self.length:
            request.send_header("Content-Length", str(end - start))
        request.end_headers()
        if not body:
            return
        if self.whole is not None and self.requests > self.whole:
            self.breaks = 1
        if self.breaks:
            self.breaks -= 1
            end = start + (end - start) // 2
        self.sent += end - start
        request.wfile.write(self.content[start:end])


@contextmanager
def serving(content: bytes) -> Iterator[tuple[Server, str]]:
    """An HTTP server on a free port, and the url of its one file."""
    server = Server(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self, body=True)

        def do_HEAD(self) -> None:
            server.answer(self, body=False)

        def log_message(self, *args: object) -> None:
            """Keep the test's output readable."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server, f"http://127.0.0.1:{listening.server_port}/data.zip"
    finally:
        listening.shutdown()
        listening.server_close()


Serve = Callable[[bytes], tuple[Server, str]]


class BreakingProxy:
    """Passes TCP connections on to a server on this machine, and cuts some of them.

    Attributes:
        port: Where it listens.
        breaks: Connections to cut from now on, each in the middle of an answer.
        every: Cut every connection, or every second, third and so on.
        cut: Connections cut so far.
    """

    def __init__(self, target: int, bytes_until_break: int) -> None:
        self._target = target
        self._bytes_until_break = bytes_until_break
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.breaks = 0
        self.every = 1
        self.cut = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # Closing alone would leave accept() waiting.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            for number in itertools.count():
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                limit = None if number % self.every else self._bytes_until_break
                for way in ((client, server, None), (server, client, limit)):
                    threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        sent = 0
        with suppress(OSError):
            while data := source.recv(8192):
                target.sendall(data)
                sent += len(data)
                if limit is not None and self.breaks and sent > limit:
                    self.breaks -= 1
                    self.cut += 1
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Place:
    """The folders of one download, and a short way to start it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root / "raw"
        self.scratch = root / "scratch"

    def get(
        self, url: str, sha256: str | None, limits: LimitsConfig | None = None, **more: str
    ) -> list[str]:
        """Names of the files that arrive."""
        source = SourceConfig(url=url, sha256=sha256, **more)
        limits = limits or LimitsConfig()
        download_folders({"mine": source}, limits, self.out, self.root, self.scratch)
        files = [path for path in self.out.rglob("*") if path.is_file()]
        return sorted(path.relative_to(self.out).as_posix() for path in files)

    def fail(
        self, url: str, sha256: str | None, limits: LimitsConfig | None = None, **more: str
    ) -> str:
        """What is said when they do not."""
        with pytest.raises(RepriseError) as caught:
            self.get(url, sha256, limits, **more)
        assert not self.out.exists()
        return str(caught.value)

    def unfinished(self) -> list[Path]:
        return sorted(self.scratch.glob("*.part"))

    def kept(self) -> list[Path]:
        return sorted([*self.scratch.glob("*.archive"), *self.scratch.glob("*.tree")])
