"""Archives are unpacked completely, or refused with a reason: never half trusted."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources.archives import Budget, safe_path, unpack

ROOMY = (1000, 10**9)


def make_zip(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path: Path, members: list[tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def tar_member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, "/etc/passwd"
    return member


def unpacked(archive: Path, files: int = 1000, size: int = 10**9) -> dict[str, bytes]:
    folder = archive.parent / "unpacked"
    folder.mkdir()
    unpack(archive, folder, Budget(files, size))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refusal(archive: Path, files: int = 1000, size: int = 10**9) -> str:
    with pytest.raises(RepriseError) as caught:
        unpacked(archive, files, size)
    written = [path for path in archive.parent.rglob("*") if path.name == "escaped"]
    assert not written
    return caught.value.problem


def test_zip_with_folders_and_unicode_names(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a", [("empty/", b""), ("a/ü b.txt", b"1"), ("a/c.txt", b"")])
    assert unpacked(archive) == {"a/ü b.txt": b"1", "a/c.txt": b""}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_of_every_compression(tmp_path: Path, mode: str) -> None:
    members = [tar_member("./", 0, tarfile.DIRTYPE), tar_member("./a/b.txt"), tar_member("c")]
    archive = make_tar(tmp_path / "named.wrongly", members, mode)
    assert unpacked(archive) == {"a/b.txt": b"xxx", "c": b"xxx"}


def test_windows_separators_become_folders(tmp_path: Path) -> None:
    assert unpacked(make_zip(tmp_path / "a", [("x\\y.txt", b"1")])) == {"x/y.txt": b"1"}


ESCAPES = ["../escaped", "/escaped", "a/../../escaped", "..\\escaped", "C:\\escaped", "a/.."]


@pytest.mark.parametrize("name", ESCAPES)
def test_paths_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "tar").mkdir()
    assert "leaves the folder" in refusal(make_zip(tmp_path / "a.zip", [(name, b"1")]))
    assert "leaves the folder" in refusal(make_tar(tmp_path / "tar" / "a", [tar_member(name)]))


KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices_in_tar(tmp_path: Path, kind: bytes) -> None:
    archive = make_tar(tmp_path / "a.tar", [tar_member("escaped", 0, kind)])
    assert "link or a device" in refusal(archive)


def test_links_in_zip(tmp_path: Path) -> None:
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    assert "link or a device" in refusal(tmp_path / "a.zip")


def test_encrypted_zip(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("a", b"1")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a/b", "a//b", "./a/b", "a\\b"])
def test_the_same_path_twice(tmp_path: Path, second: str) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a/b", b"1"), (second, b"2")])
    assert "occurs twice" in refusal(archive)


def test_a_file_that_is_also_a_folder(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a", b"1"), ("a/b", b"2")])
    assert "same name" in refusal(archive)


def test_more_files_than_allowed(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [(str(i), b"1") for i in range(4)])
    assert "data.limits.max_files" in refusal(archive, files=3)


def test_more_bytes_than_allowed_are_counted_not_believed(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("a", b"1" * 5000)])
    assert "data.limits.max_unpacked_gb" in refusal(path, size=4999)


def test_bomb_in_zip(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a", bytes(40 * 2**20))])
    assert archive.stat().st_size < 100_000
    assert "grows more than" in refusal(archive)


def test_bomb_spread_over_many_members_of_a_tar(tmp_path: Path) -> None:
    members = [tar_member(str(i), 4 * 2**20) for i in range(10)]
    archive = make_tar(tmp_path / "a.tar.gz", members, "w:gz")
    assert "grows more than" in refusal(archive)


def test_tar_header_that_claims_a_huge_size(tmp_path: Path) -> None:
    member = tar_member("pax", 0, tarfile.XHDTYPE)
    member.size = 2**40
    (tmp_path / "a.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    assert "broken" in refusal(tmp_path / "a.tar")


def test_nesting_ten_thousand_folders_deep(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a/" * 10_000 + "b", b"1")])
    assert "folders deep" in refusal(archive)


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(RepriseError, match="too long or holds a zero byte"):
        safe_path(name)


def test_broken_archives(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "whole", [("a", bytes(range(256)) * 50)]).read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 255
    packed = make_tar(tmp_path / "t", [tar_member("a", 5000)], "w:gz").read_bytes()
    broken = {
        "cut.zip": whole[:-30],
        "flipped.zip": bytes(flipped),
        "cut.tar.gz": packed[:-20],
        "empty": b"",
        "text": b"this is no archive at all" * 50,
    }
    for name, content in broken.items():
        folder = tmp_path / f"in {name}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        assert "broken" in refusal(folder / name), name
