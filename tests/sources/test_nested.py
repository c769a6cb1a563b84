"""Archives inside a source become folders, within the limits of the source."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources.archives import extract_archive
from reprise.sources.nested import extract_nested
from reprise.sources.quota import Quota


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(tmp_path: Path, content: bytes, files: int = 1000, size: int = 10**9) -> list[str]:
    """Names below the folder once everything is unpacked."""
    (tmp_path / "source").write_bytes(content)
    folder = tmp_path / "out"
    folder.mkdir()
    quota = Quota(files, size)
    extract_archive(tmp_path / "source", folder, quota)
    extract_nested(folder, quota)
    files_below = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in files_below)


def refusal(tmp_path: Path, content: bytes, **limits: int) -> str:
    with pytest.raises(RepriseError) as caught:
        unpacked(tmp_path, content, **limits)
    return caught.value.problem


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "zip"])
def test_an_archive_becomes_a_folder_named_after_it(tmp_path: Path, suffix: str) -> None:
    modes = {"tar": "w", "tar.gz": "w:gz", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}
    pages = {"a.html": b"1", "b/c.png": b"2"}
    inner = tarred(pages, modes[suffix]) if suffix in modes else zipped(pages)
    source = zipped({f"data/pages.{suffix}": inner, "labels.json": b"{}"})
    assert unpacked(tmp_path, source) == [
        *("data/pages/a.html", "data/pages/b/c.png"),
        "labels.json",
    ]


def test_where_the_name_is_taken_the_suffix_stays(tmp_path: Path) -> None:
    inner = {"images.zip": zipped({"1.png": b"1"}), "images/2.png": b"2", "images.tar": b"no"}
    assert unpacked(tmp_path, zipped(inner)) == ["images.tar", "images.zip/1.png", "images/2.png"]


def test_only_what_looks_like_an_archive_is_one(tmp_path: Path) -> None:
    inner = zipped({"1.png": b"1"})
    source = zipped({"report.docx": inner, "page.zip": b"<html>", ".hidden.zip": inner})
    assert unpacked(tmp_path, source) == [".hidden.zip", "page.zip", "report.docx"]


def wrapped(content: bytes, times: int) -> bytes:
    for _ in range(times):
        content = zipped({"a.zip": content})
    return content


def test_three_levels_are_unpacked_and_a_fourth_refused(tmp_path: Path) -> None:
    inner = zipped({"1.png": b"1"})
    (tmp_path / "deeper").mkdir()
    assert unpacked(tmp_path, wrapped(inner, 3)) == ["a/a/a/1.png"]
    assert "more than 3 archives" in refusal(tmp_path / "deeper", wrapped(inner, 4))


def deep(levels: int) -> bytes:
    """Zips in zips, written by hand: zipfile would copy the inside once for each level."""
    before, after, size = [], [zipped({})], len(zipped({}))
    for _ in range(levels):
        numbers = (0, size, size, 5)
        before.append(struct.pack("<4s5H3LHH", b"PK\3\4", 20, 0, 0, 0, 0, *numbers, 0) + b"a.zip")
        after.append(
            struct.pack("<4s6H3L5HLL", b"PK\1\2", 20, 20, 0, 0, 0, 0, *numbers, *(0,) * 6)
            + b"a.zip"
            + struct.pack("<4s4HLLH", b"PK\5\6", 0, 0, 1, 1, 51, size + 35, 0)
        )
        size += 35 + 51 + 22
    return b"".join([*reversed(before), *after])


def test_ten_thousand_levels_are_refused_at_once(tmp_path: Path) -> None:
    assert "more than 3 archives" in refusal(tmp_path, wrapped(deep(10_000), 5))


def test_an_archive_that_holds_itself_is_refused(tmp_path: Path) -> None:
    """A quine would go on for ever; one level more than allowed stands for it."""
    assert "in 'a.zip': in 'a.zip': in 'a.zip': 'a.zip' lies inside" in refusal(
        tmp_path, wrapped(zipped({"a.zip": zipped({})}), 3)
    )


def test_a_bomb_that_grows_level_by_level_is_measured_by_its_outermost_size(
    tmp_path: Path,
) -> None:
    blank = zipped({f"{i}.bmp": bytes(2**20) for i in range(8)})
    bomb = zipped({"a.zip": zipped({f"{i}.zip": blank for i in range(8)})})
    assert len(bomb) < 100_000
    assert "grows more than 200 times" in refusal(tmp_path, bomb)


def test_all_levels_share_one_limit(tmp_path: Path) -> None:
    inner = {f"{i}.zip": zipped({"a": b"1" * 400, "b": b"2"}) for i in range(3)}
    for name, limits in {"bytes": {"size": 1500}, "files": {"files": 10}}.items():
        (tmp_path / name).mkdir()
        assert "data.limits" in refusal(tmp_path / name, zipped(inner), **limits)


def test_a_broken_or_hostile_archive_inside_is_named(tmp_path: Path) -> None:
    (tmp_path / "hostile").mkdir()
    broken = zipped({"sub/a.zip": zipped({"1.png": b"1" * 999})[:-30]})
    assert "in 'sub/a.zip': the archive is broken" in refusal(tmp_path, broken)
    hostile = zipped({"a.zip": zipped({"../../escaped": b"1"})})
    assert "leaves the folder" in refusal(tmp_path / "hostile", hostile)
    assert not list(tmp_path.rglob("escaped"))
