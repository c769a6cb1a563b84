"""What is kept of downloads: bounded, verified, and never taken from another run's hands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprise.sources.folders import digest
from reprise.sources.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "scratch")


def put(kept: Kept, content: str, age: int = 0, folder: bool = False) -> str:
    """Keep a file, or a folder of one file, last used ``age`` seconds ago."""
    part = kept.unfinished("key")
    if folder:
        part.mkdir()
        (part / "a.txt").write_text(content)
    else:
        part.write_text(content)
    sha256 = digest(part)
    path = kept.keep(part, sha256)
    os.utime(path, (10**9 - age, 10**9 - age))
    return sha256


def sizes(kept: Kept) -> list[int]:
    files = [path for path in kept.folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return sorted(path.stat().st_size for path in files)


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_kept_is_found_by_its_digest(kept: Kept, folder: bool) -> None:
    sha256 = put(kept, "content", folder=folder)
    path = kept.find(sha256)
    assert path is not None and digest(path) == sha256
    assert kept.find("0" * 64) is None


@pytest.mark.parametrize("folder", [False, True])
def test_what_was_damaged_is_thrown_away(kept: Kept, folder: bool) -> None:
    sha256 = put(kept, "content", folder=folder)
    path = kept.find(sha256)
    assert path is not None
    (path / "a.txt" if folder else path).write_text("other")
    assert kept.find(sha256) is None and not path.exists()


def test_the_longest_unused_go_first(kept: Kept) -> None:
    for age, size in ((30, 10), (20, 20), (10, 30)):
        put(kept, "x" * size, age, folder=size == 20)
    kept.trim(55)
    assert sizes(kept) == [20, 30]
    kept.trim(49)
    assert sizes(kept) == [30]
    kept.trim(0)
    assert sizes(kept) == []


def test_use_makes_young(kept: Kept) -> None:
    old, _ = put(kept, "x" * 10, age=20), put(kept, "x" * 11, age=10)
    kept.find(old)
    kept.trim(12)
    assert sizes(kept) == [10]


def test_what_could_never_be_kept_does_not_drive_out_the_rest(kept: Kept) -> None:
    put(kept, "x" * 10, age=20)
    put(kept, "x" * 100)
    kept.trim(50)
    assert sizes(kept) == [10]


def test_unfinished_downloads_count_too(kept: Kept) -> None:
    kept.unfinished("abandoned").write_text("x" * 100)
    os.utime(kept.unfinished("abandoned"), (1, 1))
    put(kept, "x" * 10)
    kept.trim(50)
    assert sizes(kept) == [10]


def test_what_another_process_uses_stays(kept: Kept) -> None:
    sha256 = put(kept, "x" * 10)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reprise.sources.kept import Kept\n"
        "with Kept(Path(sys.argv[1])).locked(sys.argv[2]):\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(kept.folder), sha256]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        kept.trim(0)
        assert sizes(kept) == [10]
        other.communicate("")
    kept.trim(0)
    assert sizes(kept) == []


def test_everything_may_be_deleted_at_any_time(kept: Kept) -> None:
    sha256 = put(kept, "content")
    with kept.locked(sha256):
        for path in kept.folder.iterdir():
            path.unlink()
        assert kept.find(sha256) is None
    assert put(kept, "content") == sha256
