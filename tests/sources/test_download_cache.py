"""What is kept of downloads: bounded, verified, and never taken from another run's hands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprise.sources.download_cache import DownloadCache
from reprise.sources.folders import digest


@pytest.fixture
def cache(tmp_path: Path) -> DownloadCache:
    return DownloadCache(tmp_path / "scratch")


def put(cache: DownloadCache, content: str, age: int = 0, folder: bool = False) -> str:
    """Keep a file, or a folder of one file, last used ``age`` seconds ago."""
    part = cache.unfinished("key")
    if folder:
        part.mkdir()
        (part / "a.txt").write_text(content)
    else:
        part.write_text(content)
    sha256 = digest(part)
    path = cache.keep(part, sha256)
    os.utime(path, (10**9 - age, 10**9 - age))
    return sha256


def sizes(cache: DownloadCache) -> list[int]:
    files = [path for path in cache.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return sorted(path.stat().st_size for path in files)


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_kept_is_found_by_its_digest(cache: DownloadCache, folder: bool) -> None:
    sha256 = put(cache, "content", folder=folder)
    path = cache.find(sha256)
    assert path is not None and digest(path) == sha256
    assert cache.find("0" * 64) is None


@pytest.mark.parametrize("folder", [False, True])
def test_what_was_damaged_is_thrown_away(cache: DownloadCache, folder: bool) -> None:
    sha256 = put(cache, "content", folder=folder)
    path = cache.find(sha256)
    assert path is not None
    (path / "a.txt" if folder else path).write_text("other")
    assert cache.find(sha256) is None and not path.exists()


def test_the_longest_unused_go_first(cache: DownloadCache) -> None:
    for age, size in ((30, 10), (20, 20), (10, 30)):
        put(cache, "x" * size, age, folder=size == 20)
    cache.trim(55)
    assert sizes(cache) == [20, 30]
    cache.trim(49)
    assert sizes(cache) == [30]
    cache.trim(0)
    assert sizes(cache) == []


def test_use_makes_young(cache: DownloadCache) -> None:
    old, _ = put(cache, "x" * 10, age=20), put(cache, "x" * 11, age=10)
    cache.find(old)
    cache.trim(12)
    assert sizes(cache) == [10]


def test_what_could_never_be_kept_does_not_drive_out_the_rest(cache: DownloadCache) -> None:
    put(cache, "x" * 10, age=20)
    put(cache, "x" * 100)
    cache.trim(50)
    assert sizes(cache) == [10]


def test_unfinished_downloads_count_too(cache: DownloadCache) -> None:
    cache.unfinished("abandoned").write_text("x" * 100)
    os.utime(cache.unfinished("abandoned"), (1, 1))
    put(cache, "x" * 10)
    cache.trim(50)
    assert sizes(cache) == [10]


def test_what_another_process_uses_stays(cache: DownloadCache) -> None:
    sha256 = put(cache, "x" * 10)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reprise.sources.download_cache import DownloadCache\n"
        "with DownloadCache(Path(sys.argv[1])).locked(sys.argv[2]):\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(cache.folder), sha256]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        cache.trim(0)
        assert sizes(cache) == [10]
        other.communicate("")
    cache.trim(0)
    assert sizes(cache) == []


def test_everything_may_be_deleted_at_any_time(cache: DownloadCache) -> None:
    sha256 = put(cache, "content")
    with cache.locked(sha256):
        for path in cache.folder.iterdir():
            path.unlink()
        assert cache.find(sha256) is None
    assert put(cache, "content") == sha256
