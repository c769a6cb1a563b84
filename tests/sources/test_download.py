"""Sources arrive whole and verified, over bad lines too, or not at all."""

from __future__ import annotations

import hashlib
import io
import stat
import subprocess
import sys
import time
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources import file_download
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import download_folders
from reprise.sources.folders import digest
from sources.servers import Place, Serve


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


def test_an_experiment_in_a_copy_of_the_repository_finds_what_lies_beside_it(
    place: Place, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "person" / "beside"
    beside.mkdir(parents=True)
    (beside / "1.txt").write_text("1")
    workspace = tmp_path / "person" / "repository"
    workspace.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(workspace))
    assert place.get("../beside", None) == ["mine/1.txt"]
    # What the copy has itself is what was committed.
    (workspace / archive.name).write_bytes(b"edited since")
    assert place.get(archive.name, digest(archive)) == ["mine/sub/noise.bin"]


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


@pytest.mark.usefixtures("impatient")
def test_twenty_breaks_are_survived(
    place: Place, archive: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**14)
    monkeypatch.setattr(file_download, "SMALLEST_BLOCK", 2**14)
    server, url = serve(archive.read_bytes())
    server.breaks = 3
    real_answer = server.answer

    def breaking_every_third(request: BaseHTTPRequestHandler, body: bool) -> None:
        server.breaks = int(server.requests % 3 == 0)
        real_answer(request, body)

    monkeypatch.setattr(server, "answer", breaking_every_third)
    place.get(url, digest(archive))
    assert server.requests > 60 + 20


@pytest.mark.parametrize("length", [True, False])
def test_a_server_without_ranges_starts_again(
    place: Place, archive: Path, serve: Serve, length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**18)
    server, url = serve(archive.read_bytes())
    server.ranges, server.length, server.breaks = False, length, 0
    if length:
        server.breaks = 2
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


def test_a_file_that_changed_between_two_runs_is_fetched_afresh(
    place: Place, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    key = hashlib.sha256(f"{url}\n\n".encode()).hexdigest()[:16]
    place.scratch.mkdir()
    (place.scratch / f"{key}.part").write_bytes(b"the old file's beginning")
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("before", "after", "kept"), [('"1"', '"1"', True), ('"1"', '"2"', False), (None, None, False)]
)
def test_without_a_sum_only_the_same_content_is_gone_on_with(
    place: Place,
    archive: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
    after: str | None,
    kept: bool,
) -> None:
    """Or the sum of a mixture would be offered for pasting."""
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**18)
    server, url = serve(archive.read_bytes())
    real_answer = server.answer

    def dying_after_a_block(request: BaseHTTPRequestHandler, body: bool) -> None:
        server.breaks = 1000 if server.requests >= 1 else 0
        real_answer(request, body)

    server.etag = before
    monkeypatch.setattr(server, "answer", dying_after_a_block)
    place.fail(url, None)
    monkeypatch.setattr(server, "answer", real_answer)
    server.etag, server.breaks, server.sent = after, 0, 0
    assert f"sha256: {digest(archive)}" in place.fail(url, None)
    assert (server.sent < archive.stat().st_size) == kept


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_repeated(place: Place, serve: Serve, status: int) -> None:
    server, url = serve(b"")
    server.status = status
    message = place.fail(url, "0" * 64)
    assert f"the server answered {status}" in message
    assert server.requests <= 2


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


def test_one_bad_source_leaves_no_out(place: Place, archive: Path) -> None:
    good = SourceConfig(url="data.zip", sha256=digest(archive))
    bad = SourceConfig(url="nowhere")
    with pytest.raises(RepriseError, match=r"data\.sources\.b"):
        download_folders(
            {"a": good, "b": bad}, LimitsConfig(), place.out, place.root, place.scratch
        )
    assert not place.out.exists()


def test_a_full_disk_ends_with_one_message(place: Place, archive: Path) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from reprise.errors import RepriseError\n"
        "from reprise.sources.config import LimitsConfig, SourceConfig\n"
        "from reprise.sources.download import download_folders\n"
        "root, sha256 = Path(sys.argv[1]), sys.argv[2]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "source = SourceConfig(url='data.zip', sha256=sha256)\n"
        "try:\n"
        "    download_folders({'a': source}, LimitsConfig(), root / 'raw', root, root / 's')\n"
        "except RepriseError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(place.root), digest(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot read or write" in done.stdout and "free disk space" in done.stdout
    assert not place.out.exists()


def test_a_wrong_sum_names_both_and_keeps_nothing(
    place: Place, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    for where in (url, "data.zip"):
        message = place.fail(where, "0" * 64)
        assert "0" * 64 in message and digest(archive) in message
    assert place.unfinished() == place.kept() == []


def test_one_wrong_byte_is_noticed(place: Place, archive: Path, serve: Serve) -> None:
    content = bytearray(archive.read_bytes())
    content[500_000] ^= 1
    _, url = serve(bytes(content))
    assert "another content" in place.fail(url, digest(archive))


def test_the_next_run_does_not_fetch_again(place: Place, archive: Path, serve: Serve) -> None:
    server, url = serve(archive.read_bytes())
    place.get(url, digest(archive))
    requests = server.requests
    server.status = 404
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]
    assert server.requests == requests and place.unfinished() == []


def test_another_source_fetches_only_its_own(
    place: Place, archive: Path, serve: Serve, tmp_path: Path
) -> None:
    server, url = serve(archive.read_bytes())
    sources = {"one": SourceConfig(url=url, sha256=digest(archive))}
    download_folders(sources, LimitsConfig(), place.out, tmp_path, place.scratch)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.json").write_text("{}")
    sources["two"] = SourceConfig(url="labels")
    sent = server.sent
    download_folders(sources, LimitsConfig(), place.out, tmp_path, place.scratch)
    assert server.sent == sent and (place.out / "two" / "a.json").exists()


def test_a_damaged_kept_download_is_fetched_again(
    place: Place, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    place.get(url, digest(archive))
    kept = place.kept()[0]
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]
    assert digest(kept) == digest(archive)


def test_nothing_is_kept_where_the_limit_is_zero(place: Place, archive: Path, serve: Serve) -> None:
    _, url = serve(archive.read_bytes())
    place.get(url, digest(archive), LimitsConfig(keep_downloads_gb=0))
    assert place.kept() == place.unfinished() == []


@pytest.mark.usefixtures("impatient")
def test_a_dead_line_ends_with_advice_and_the_next_run_goes_on(
    place: Place, archive: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**18)
    server, url = serve(archive.read_bytes())
    real_answer = server.answer

    def dying_after_three_blocks(request: BaseHTTPRequestHandler, body: bool) -> None:
        server.breaks = 1000 if server.requests >= 3 else 0
        real_answer(request, body)

    monkeypatch.setattr(server, "answer", dying_after_three_blocks)
    message = place.fail(url, digest(archive))
    assert "gave up after 4 failed attempts" in message and "what was downloaded is kept" in message
    held = place.unfinished()[0].stat().st_size
    assert held >= 3 * 2**18
    monkeypatch.setattr(server, "answer", real_answer)
    server.breaks, server.sent = 0, 0
    place.get(url, digest(archive))
    assert server.sent == archive.stat().st_size - held


def test_a_server_that_never_answers_is_given_up_soon_and_aloud(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    message = place.fail("http://127.0.0.1:9/data.zip?token=secret", "0" * 64)
    assert time.monotonic() - started < 5
    assert "gave up after 3 failed attempts in a row" in message
    retries = capsys.readouterr().err.splitlines()
    assert ["attempt 2 of 3" in retries[0], "attempt 3 of 3" in retries[1]] == [True, True]
    assert len(retries) == 2 and "secret" not in message + "".join(retries)


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.usefixtures("impatient")
def test_signed_urls_are_never_shown_whole(
    place: Place, serve: Serve, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    server, url = serve(b"not a zip")
    signed = f"{url}?X-Amz-Signature=secret&Expires=1"
    said = place.fail(signed, None) + place.fail(signed, "0" * 64)
    server.status = status
    said += place.fail(signed, "0" * 64)
    assert "secret" not in said + "".join(capfd.readouterr())


def test_a_page_in_place_of_the_archive_is_called_one(place: Place, serve: Serve) -> None:
    _, url = serve(b"<!DOCTYPE html><html><body>Please sign in.</body></html>")
    for sha256 in (None, "0" * 64):
        message = place.fail(url, sha256)
        assert "neither a zip nor a tar archive but an HTML page" in message
    assert place.unfinished() == place.kept() == []


def zipped(*members: tuple[str, bytes], mode: int = stat.S_IFREG) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


HOSTILE = {
    "path escape": zipped(("fine.png", b"1"), ("../../escaped", b"2")),
    "link": zipped(("escaped", b"/etc/passwd"), mode=stat.S_IFLNK),
    "bomb": zipped(("fine.png", b"1"), ("bomb.bmp", bytes(40 * 2**20))),
    "bomb in an archive": zipped(("a.zip", zipped(("bomb.bmp", bytes(40 * 2**20))))),
    "namesakes": zipped(("a.png", b"1"), ("A.png", b"2")),
    "deep": zipped(("a/" * 10_000 + "b", b"1")),
    "truncated": zipped(("a.png", b"1" * 9999))[:-40],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_leaves_nothing_behind(place: Place, serve: Serve, kind: str) -> None:
    _, url = serve(HOSTILE[kind])
    place.fail(url, hashlib.sha256(HOSTILE[kind]).hexdigest())
    assert {path.suffix for path in place.scratch.iterdir()} == {".lock"}
    assert {path.name for path in place.root.iterdir()} == {"scratch"}


def test_after_a_limit_was_raised_nothing_is_fetched_again(
    place: Place, archive: Path, serve: Serve
) -> None:
    server, url = serve(archive.read_bytes())
    tight = LimitsConfig(max_unpacked_gb=0.0005)
    assert "max_unpacked_gb" in place.fail(url, digest(archive), tight)
    server.status = 404
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


PROGRAM = """
import sys
from pathlib import Path
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import download_folders
out, root, url, sha256 = sys.argv[1:]
sources, limits = {"mine": SourceConfig(url=url, sha256=sha256)}, LimitsConfig(keep_downloads_gb=0)
download_folders(sources, limits, Path(out), Path(root), Path(root, "s"))
"""


def test_two_processes_at_once_do_not_harm_each_other(
    tmp_path: Path, archive: Path, serve: Serve
) -> None:
    _, url = serve(archive.read_bytes())
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, tmp_path / name, tmp_path, url, digest(archive)]
        )
        for name in ("one", "two")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert [path for path in (tmp_path / "s").iterdir() if path.suffix != ".lock"] == []


def test_archives_inside_a_folder_are_unpacked_in_the_copy(place: Place, archive: Path) -> None:
    folder = place.root / "mine"
    folder.mkdir()
    archive.rename(folder / "images.zip")
    assert place.get("mine", None) == ["mine/images/sub/noise.bin"]
    assert [path.name for path in folder.iterdir()] == ["images.zip"]


def test_namesakes_in_an_archive_leave_nothing_behind(place: Place, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twins.zip", "w") as twins:
        twins.writestr("a.jpg", "1")
        twins.writestr("A.JPG", "2")
    message = place.fail("twins.zip", digest(tmp_path / "twins.zip"))
    assert "'A.JPG' and 'a.jpg'" in message and "same name" in message


def test_a_folder_a_hundred_deep_is_refused(place: Place) -> None:
    (place.root / "mine" / Path(*["a"] * 101)).mkdir(parents=True)
    assert "folders deep" in place.fail("mine", None)
