"""Sources arrive whole and verified, over bad lines too, or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.sources import fetch
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import digest, download_all


class Server:
    """An HTTP server of one file that can break, ignore ranges, or refuse."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ranges = True
        self.length = True
        self.breaks = 0  # answers that stop in the middle from now on
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
        if self.length:
            request.send_header("Content-Length", str(end - start))
        request.end_headers()
        if not body:
            return
        if self.breaks:
            self.breaks -= 1
            end = start + (end - start) // 2
        self.sent += end - start
        request.wfile.write(self.content[start:end])


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], tuple[Server, str]]]:
    running: list[ThreadingHTTPServer] = []

    def start(content: bytes) -> tuple[Server, str]:
        server = Server(content)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self, body=True)

            def do_HEAD(self) -> None:
                server.answer(self, body=False)

            def log_message(self, *args: object) -> None:
                """Keep the test's output readable."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(listening)
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        return server, f"http://127.0.0.1:{listening.server_port}/data.zip"

    yield start
    for listening in running:
        listening.shutdown()
        listening.server_close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip of 1 MB that does not compress."""
    noise = np.random.default_rng(0).bytes(1_000_000)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as out:
        out.writestr("sub/noise.bin", noise)
    return tmp_path / "data.zip"


class Place:
    """The folders of one download, and a short way to start it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root / "raw"
        self.scratch = root / "scratch"

    def get(self, url: str, sha256: str | None, limits: LimitsConfig | None = None) -> list[str]:
        source = SourceConfig(url=url, sha256=sha256, format="coco")
        limits = limits or LimitsConfig()
        download_all({"mine": source}, limits, self.out, self.root, self.scratch)
        return [name.relative_to(self.out).as_posix() for name in sorted(self.out.rglob("*.*"))]

    def fail(self, url: str, sha256: str | None, limits: LimitsConfig | None = None) -> str:
        with pytest.raises(RepriseError) as caught:
            self.get(url, sha256, limits)
        assert not self.out.exists()
        return str(caught.value)

    def unfinished(self) -> list[Path]:
        return sorted(self.scratch.glob("*.part"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WAITS", (0.0, 0.0, 0.0))


Serve = Callable[[bytes], tuple[Server, str]]


def test_local_archive_by_path_and_by_url(place: Place, archive: Path) -> None:
    expected = ["mine/sub/noise.bin"]
    assert place.get("data.zip", digest(archive)) == expected
    assert place.get(archive.as_uri(), digest(archive)) == expected


def test_local_folder_is_copied_without_hidden_files(place: Place) -> None:
    folder = place.root / "mine"
    (folder / "a").mkdir(parents=True)
    for name in ("a/1.txt", ".hidden", "2.txt"):
        (folder / name).write_text(name)
    assert place.get("mine", None) == ["mine/2.txt", "mine/a/1.txt"]
    assert (folder / ".hidden").exists()


def test_a_folder_may_have_a_sum_too(place: Place) -> None:
    folder = place.root / "mine"
    folder.mkdir()
    (folder / "1.txt").write_text("1")
    before = digest(folder)
    assert place.get("mine", before) == ["mine/1.txt"]
    (folder / "1.txt").write_text("2")
    assert "another content" in place.fail("mine", before)


def test_a_folder_with_a_linked_folder_or_the_outs_inside_is_refused(place: Place) -> None:
    folder = place.root / "mine"
    folder.mkdir()
    (folder / "circle").symlink_to(folder)
    assert "is a link" in place.fail("mine", None)
    assert "holds the folder that the pipeline writes to" in place.fail(".", None)


def test_what_is_not_there(place: Place) -> None:
    message = place.fail("nowhere.zip", "0" * 64)
    assert "data.sources.mine" in message and "'nowhere.zip' does not exist" in message


def test_missing_sum_is_computed_for_pasting(place: Place, archive: Path, serve: Serve) -> None:
    assert f"sha256: {digest(archive)}" in place.fail("data.zip", None)
    server, url = serve(archive.read_bytes())
    assert f"sha256: {digest(archive)}" in place.fail(url, None)
    sent = server.sent
    place.get(url, digest(archive))
    assert server.sent == sent, "what was fetched to compute the sum is used, not fetched again"


def test_wrong_sum_names_both_and_keeps_nothing(place: Place, archive: Path, serve: Serve) -> None:
    _, url = serve(archive.read_bytes())
    for where in (url, "data.zip"):
        message = place.fail(where, "0" * 64)
        assert "0" * 64 in message and digest(archive) in message
    assert place.unfinished() == []


def test_download_leaves_no_scratch(place: Place, archive: Path, serve: Serve) -> None:
    _, url = serve(archive.read_bytes())
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]
    assert place.unfinished() == []


@pytest.mark.usefixtures("impatient")
def test_twenty_breaks_are_survived(
    place: Place, archive: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LARGEST_BLOCK", 2**14)
    monkeypatch.setattr(fetch, "SMALLEST_BLOCK", 2**14)
    server, url = serve(archive.read_bytes())
    server.breaks = 3
    real_answer = server.answer

    def breaking_every_third(request: BaseHTTPRequestHandler, body: bool) -> None:
        server.breaks = int(server.requests % 3 == 0)
        real_answer(request, body)

    monkeypatch.setattr(server, "answer", breaking_every_third)
    place.get(url, digest(archive))
    assert server.requests > 60 + 20


@pytest.mark.usefixtures("impatient")
def test_a_dead_line_ends_with_advice_and_the_next_run_goes_on(
    place: Place, archive: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LARGEST_BLOCK", 2**18)
    server, url = serve(archive.read_bytes())
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    place.scratch.mkdir()
    (place.scratch / f"{key}.part").write_bytes(archive.read_bytes()[:700_000])
    server.breaks = 1000
    message = place.fail(url, digest(archive))
    assert "gave up after 4 failed attempts" in message and "goes on where it stopped" in message
    assert place.unfinished()[0].stat().st_size == 700_000
    server.breaks, server.sent = 0, 0
    place.get(url, digest(archive))
    assert server.sent == archive.stat().st_size - 700_000


@pytest.mark.parametrize("length", [True, False])
def test_a_server_without_ranges_starts_again(
    place: Place, archive: Path, serve: Serve, length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LARGEST_BLOCK", 2**18)
    server, url = serve(archive.read_bytes())
    server.ranges, server.length, server.breaks = False, length, 0
    if length:
        server.breaks = 2
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


def test_a_file_that_changed_between_two_runs_is_fetched_afresh(
    place: Place, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    place.scratch.mkdir()
    (place.scratch / f"{key}.part").write_bytes(b"the old file's beginning")
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_repeated(place: Place, serve: Serve, status: int) -> None:
    server, url = serve(b"")
    server.status = status
    message = place.fail(url, "0" * 64)
    assert f"the server answered {status}" in message
    assert server.requests <= 2


@pytest.mark.usefixtures("impatient")
def test_nobody_listens(place: Place) -> None:
    assert "gave up after 4" in place.fail("http://127.0.0.1:9/data.zip", "0" * 64)


def test_limits_hold_before_and_during_a_download(
    place: Place, archive: Path, serve: Serve
) -> None:
    server, url = serve(archive.read_bytes())
    small = LimitsConfig(max_download_gb=0.0005)
    assert "max_download_gb" in place.fail(url, digest(archive), small)
    assert server.sent == 0
    server.length = server.ranges = False
    assert "max_download_gb" in place.fail(url, digest(archive), small)
    tight = LimitsConfig(max_unpacked_gb=0.0005)
    assert "max_unpacked_gb" in place.fail("data.zip", digest(archive), tight)


def test_two_runs_at_once_do_not_harm_each_other(
    tmp_path: Path, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    source = SourceConfig(url=url, sha256=digest(archive), format="coco")

    def run(name: str) -> None:
        download_all({"mine": source}, LimitsConfig(), tmp_path / name, tmp_path, tmp_path / "s")

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_one_bad_source_leaves_no_out(place: Place, archive: Path) -> None:
    good = SourceConfig(url="data.zip", sha256=digest(archive), format="coco")
    bad = SourceConfig(url="nowhere", format="coco")
    with pytest.raises(RepriseError, match=r"data\.sources\.b"):
        download_all({"a": good, "b": bad}, LimitsConfig(), place.out, place.root, place.scratch)
    assert not place.out.exists()


def test_a_full_disk_ends_with_one_message(place: Place, archive: Path) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from reprise.errors import RepriseError\n"
        "from reprise.sources.config import LimitsConfig, SourceConfig\n"
        "from reprise.sources.download import download_all\n"
        "root, sha256 = Path(sys.argv[1]), sys.argv[2]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "source = SourceConfig(url='data.zip', sha256=sha256, format='coco')\n"
        "try:\n"
        "    download_all({'a': source}, LimitsConfig(), root / 'raw', root, root / 's')\n"
        "except RepriseError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(place.root), digest(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot read or write" in done.stdout and "free disk space" in done.stdout
    assert not place.out.exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://server/a.zip", "start with file://, http://, https://"),
        ("https://me:secret@server/a.zip", "must not hold a user name"),
        ("file://data/a.zip", "three slashes"),
        ("", "at least 1 character"),
    ],
)
def test_urls_that_are_refused_before_any_download(url: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SourceConfig(url=url, format="coco")
