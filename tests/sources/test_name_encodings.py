"""Names of archive members that are not Unicode are decoded by a stated or a told code page."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources.archives import extract_archive
from reprise.sources.name_encodings import decoded_names
from reprise.sources.quota import Quota

SPOKEN = [
    ("gb18030", ["数据/缺陷_1.jpg", "训练集/图片_2.jpg"]),
    ("gb18030", ["缺陷_1.jpg"]),
    ("cp932", ["表面_1.jpg", "キズ/ソ_1.png"]),
    ("cp949", ["결함/사진_1.jpg", "고양이.png"]),
    ("cp950", ["新增資料夾/圖片_1.jpg"]),
    ("cp866", ["Новая папка/КОШКА_1.jpg"]),
    ("cp1251", ["дефект/снимок_1.png"]),
    ("cp850", ["Größe/Prüfstück_1.png", "año.png"]),
    ("cp1252", ["Größe/Maß_1.png"]),
    ("cp852", ["zdjęcie_1.jpg"]),
]


def raw_zip(
    path: Path,
    members: dict[bytes, bytes],
    extra: bytes = b"",
    method: int = 0,
    packed: bytes = b"",
) -> Path:
    """A zip with these very bytes as names, and no flag that says what they are."""
    body, listing = b"", b""
    for name, data in members.items():
        stored = packed or data
        fields = struct.pack(
            "<HHHHIIIHH", 0, method, 0, 33, zlib.crc32(data), len(stored), len(data), len(name),
            len(extra),
        )  # fmt: skip
        place = struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        listing += struct.pack("<IHH", 0x02014B50, 20, 20) + fields + place + name + extra
        body += struct.pack("<IH", 0x04034B50, 20) + fields + name + extra + stored
    count = len(members)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(listing), len(body), 0)
    path.write_bytes(body + listing + end)
    return path


def extracted(
    archive: Path, encoding: str | None = None, size: int = 10**9
) -> tuple[dict[str, bytes], list[str]]:
    folder = archive.parent / "unpacked"
    folder.mkdir()
    notes = extract_archive(archive, folder, Quota(1000, size), encoding)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return found, notes


@pytest.mark.parametrize(("page", "names"), SPOKEN)
def test_the_code_page_is_guessed_and_told(page: str, names: list[str]) -> None:
    texts, (note,) = decoded_names([name.encode(page) for name in names], None)
    assert texts == names
    assert f"were taken for {page}, such as '{names[0]}'" in note
    assert "encoding in the source's entry" in note


def test_ascii_and_utf8_are_no_guess() -> None:
    assert decoded_names([b"a.jpg", "größe.jpg".encode()], None) == (["a.jpg", "größe.jpg"], [])


def test_a_stated_code_page_is_taken_or_refused() -> None:
    stored = ["è.jpg".encode("cp850"), b"a.jpg"]
    assert decoded_names(stored, "cp850") == (["è.jpg", "a.jpg"], [])
    with pytest.raises(RepriseError, match="is not utf-8, which encoding in its entry says"):
        decoded_names(stored, "utf-8")


def test_shift_jis_names_hold_backslash_bytes_that_are_no_separators(tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "a.zip", {"表面/ソ.txt".encode("cp932"): b"1"})
    found, (note,) = extracted(archive)
    assert found == {"表面/ソ.txt": b"1"}
    assert "cp932" in note


def test_the_unicode_path_field_counts_before_any_code_page(tmp_path: Path) -> None:
    old, name = "缺陷.txt".encode("gbk"), "缺陷 1.txt".encode()
    field = struct.pack("<BI", 1, zlib.crc32(old)) + name
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert extracted(raw_zip(tmp_path / "a.zip", {old: b"1"}, extra), "cp932") == (
        {"缺陷 1.txt": b"1"},
        [],
    )


def test_a_unicode_path_field_of_another_name_does_not_count(tmp_path: Path) -> None:
    field = struct.pack("<BI", 1, zlib.crc32(b"before.txt")) + b"other.txt"
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    found, _ = extracted(raw_zip(tmp_path / "a.zip", {b"renamed.txt": b"1"}, extra))
    assert found == {"renamed.txt": b"1"}


def test_decoded_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="leaves the folder"):
        extracted(raw_zip(tmp_path / "a.zip", {"../缺陷.txt".encode("gbk"): b"1"}))
    field = struct.pack("<BI", 1, zlib.crc32(b"a.txt")) + b"../a.txt"
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    (tmp_path / "second").mkdir()
    with pytest.raises(RepriseError, match="leaves the folder"):
        extracted(raw_zip(tmp_path / "second" / "a.zip", {b"a.txt": b"1"}, extra))


def test_what_macos_and_windows_add_is_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("__MACOSX/images/._a.jpg", b"fork")
        archive.writestr("images\\", b"")
        archive.writestr("images\\a.jpg", b"1")
    assert extracted(tmp_path / "a.zip") == ({"images/a.jpg": b"1"}, [])


def _deflate64(data: bytes) -> bytes:
    from inflate64 import Deflater

    deflater = Deflater()
    return bytes(deflater.deflate(data) + deflater.flush())


def test_deflate64_is_read(tmp_path: Path) -> None:
    # Far matches are what Deflate64 has and Deflate has not.
    data = bytes(range(256)) * 200 + b"end"
    archive = raw_zip(tmp_path / "a.zip", {b"a.txt": data}, method=9, packed=_deflate64(data))
    assert extracted(archive) == ({"a.txt": data}, [])


def test_deflate64_that_is_damaged_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="is compressed by Deflate64") as caught:
        extracted(raw_zip(tmp_path / "a.zip", {b"a.txt": b"\xff\xd8\xff\xe0" * 50}, method=9))
    assert "zip it again with Deflate" in caught.value.fix
    (tmp_path / "second").mkdir()
    packed = _deflate64(b"other content")
    with pytest.raises(RepriseError, match="damaged"):
        extracted(raw_zip(tmp_path / "second" / "a", {b"a.txt": b"data"}, method=9, packed=packed))


def test_a_bomb_in_deflate64_stops_at_the_limit(tmp_path: Path) -> None:
    data = bytes(20_000_000)
    archive = raw_zip(tmp_path / "a.zip", {b"a": data}, method=9, packed=_deflate64(data))
    with pytest.raises(RepriseError, match="larger than"):
        extracted(archive, size=10**6)


def test_other_methods_are_named(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"compressed by PPMd \(method 98\)") as caught:
        extracted(raw_zip(tmp_path / "a.zip", {b"a.txt": b"1"}, method=98))
    assert "zip it again with Deflate" in caught.value.fix
