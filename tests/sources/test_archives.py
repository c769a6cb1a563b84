"""Archives are unpacked completely, or refused with a reason: never half trusted."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.errors import RepriseError
from reprise.sources.archives import extract_archive
from reprise.sources.quota import Quota


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
    extract_archive(archive, folder, Quota(files, size))
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


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
def test_links_and_devices_in_zip(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("escaped")
    member.external_attr = (kind | 0o777) << 16
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


def test_folders_count_too(tmp_path: Path) -> None:
    folders = [tar_member(f"{i}/", 0, tarfile.DIRTYPE) for i in range(4)]
    archive = make_tar(tmp_path / "a.tar", folders)
    assert "data.limits.max_files" in refusal(archive, files=3)


def test_more_bytes_than_allowed_are_counted_not_believed(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("a", b"1" * 5000)])
    assert "data.limits.max_unpacked_gb" in refusal(path, size=4999)


def test_bomb_in_zip(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a", bytes(40 * 2**20))])
    assert archive.stat().st_size < 100_000
    assert "grows more than" in refusal(archive)


def test_bomb_of_members_that_share_their_bytes(tmp_path: Path) -> None:
    """Many entries of the list point at one compressed kernel."""
    path = make_zip(tmp_path / "a.zip", [(f"{i:03}", bytes(2**20)) for i in range(60)])
    content = bytearray(path.read_bytes())
    listing = content.index(b"PK\x01\x02")
    while listing >= 0:
        content[listing + 42 : listing + 46] = bytes(4)
        listing = content.find(b"PK\x01\x02", listing + 1)
    path.write_bytes(content)
    assert "broken" in refusal(path)


def test_bomb_spread_over_many_small_members_of_a_zip(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [(str(i), bytes(4 * 2**20)) for i in range(10)])
    assert "grows more than" in refusal(archive)


def test_bomb_of_headers_without_files(tmp_path: Path) -> None:
    """Comments that a tar's reader skips: nothing is ever written, and time goes by."""
    comments = tarfile.TarInfo.create_pax_global_header({"comment": "x" * 2**20})
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        for _ in range(50):
            file.write(comments)
    assert "grows more than" in refusal(tmp_path / "a.tar.gz")


def test_a_chain_of_headers_about_headers(tmp_path: Path) -> None:
    header = tar_member("././@LongLink", 2, tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes((header + b"a".ljust(512, b"\0")) * 5000)
    assert "broken" in refusal(tmp_path / "a.tar")


def test_a_list_of_members_larger_than_the_limit_on_files_could_need(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("a", b"1")])
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    ending = bytearray(content[content.index(b"PK\x05\x06") :])
    ending[12:16] = (2**26).to_bytes(4, "little")
    path.write_bytes(content[:start] + bytes(2**26) + bytes(ending))
    assert "impossible size" in refusal(path)


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
    (tmp_path / "tar").mkdir()
    name = "a/" * 10_000 + "b"
    assert "folders deep" in refusal(make_zip(tmp_path / "a.zip", [(name, b"1")]))
    assert "folders deep" in refusal(make_tar(tmp_path / "tar" / "a", [tar_member(name)]))


def test_broken_archives(tmp_path: Path) -> None:
    whole = make_zip(tmp_path / "whole", [("a", bytes(range(256)) * 50)]).read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 255
    packed = make_tar(tmp_path / "t", [tar_member("a", 5000)], "w:gz").read_bytes()
    broken = {
        "cut.zip": whole[:-30],
        "flipped.zip": bytes(flipped),
        "cut.tar.gz": packed[:-20],
        "flipped.tar.gz": packed[:-6] + b"1" + packed[-5:],
        "cut.tar": make_tar(tmp_path / "u", [tar_member("a", 5000)]).read_bytes()[:3000],
        "damaged.tar.bz2": b"BZh91AY&SY" + bytes(500),
    }
    for name, content in broken.items():
        folder = tmp_path / f"in {name}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        assert "broken" in refusal(folder / name), name


DISGUISES = {
    b"\n<!DOCTYPE html><html><title>Sign in</title>": "an HTML page",
    b"<!-- comment --><HTML>": "an HTML page",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>": "an XML document",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "a Git LFS pointer",
    b"Rar!\x1a\x07\x01\x00": "a RAR archive",
    b"": "an empty file",
    b"a,b\n1,2\n": "text",
    bytes(range(128, 256)): "something else",
}


@pytest.mark.parametrize("content", DISGUISES, ids=DISGUISES.values())
def test_what_is_no_archive_is_called_by_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    assert f"neither a zip nor a tar archive but {DISGUISES[content]}" in refusal(
        tmp_path / "a.zip"
    )


def test_an_empty_tar_is_one(tmp_path: Path) -> None:
    assert unpacked(make_tar(tmp_path / "a.tar.gz", [], "w:gz")) == {}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    members = [tar_member("a/b", 700), tar_member("c" * 120, 30)]
    archives = [make_tar(folder / f"a{mode[2:]}", members, mode) for mode in ("w", "w:gz", "w:xz")]
    archives.append(make_tar(folder / "bz2", members, "w:bz2"))
    archives.append(make_zip(folder / "zip", [("a/b", b"12" * 300), ("c/", b""), ("ü", b"3")]))
    return {archive.name: archive.read_bytes() for archive in archives}


@settings(max_examples=300)
@given(data=st.data())
def test_damage_anywhere_is_refused_or_harmless(
    whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(whole[data.draw(st.sampled_from(sorted(whole)))])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    (folder / "archive").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    (folder / "out").mkdir()
    with suppress(RepriseError):
        extract_archive(folder / "archive", folder / "out", Quota(100, 10**6))
    assert sorted(path.name for path in folder.iterdir()) == ["archive", "out"]


def test_a_zip_whose_names_are_utf8_without_saying_so(tmp_path: Path) -> None:
    path = tmp_path / "names.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img 000 ü.jpg", b"pixels")
    # The flag of both headers, as Info-ZIP leaves it.
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        data[data.index(mark) + place] &= ~0x08
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    extract_archive(path, tmp_path / "out", Quota(10, 10**6))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["img 000 ü.jpg"]
