"""A source is kept as one tar file and unpacked once for each content."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.sources.download import pack_source, pack_sources
from reprise.sources.unpack import unpack_source, unpack_sources


def source(folder: Path, text: str = "one") -> Path:
    (folder / "images of été").mkdir(parents=True)
    (folder / "images of été/a b.txt").write_text(text)
    (folder / ("long" * 40)).write_text("x" * 5000)
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def test_files_come_back_as_they_were(tmp_path: Path, raw: Path) -> None:
    folder = source(tmp_path / "mine")
    pack_source(folder, "ab" * 32, raw, "mine")
    found = unpack_source(raw, "mine", tmp_path / "scratch")
    names = sorted(p.relative_to(found).as_posix() for p in found.rglob("*") if p.is_file())
    assert names == ["images of été/a b.txt", "long" * 40]
    assert (found / "images of été/a b.txt").read_text() == "one"


def test_the_same_files_give_the_same_bytes(tmp_path: Path, raw: Path) -> None:
    pack_source(source(tmp_path / "mine"), "ab" * 32, raw, "mine")
    first = [path.read_bytes() for path in sorted(raw.iterdir())]
    pack_source(source(tmp_path / "copy"), "ab" * 32, raw, "mine")
    assert [path.read_bytes() for path in sorted(raw.iterdir())] == first


def test_one_content_is_unpacked_once_and_replaces_the_one_before(
    tmp_path: Path, raw: Path
) -> None:
    scratch = tmp_path / "scratch"
    pack_source(source(tmp_path / "mine"), "ab" * 32, raw, "mine")
    pack_source(source(tmp_path / "other"), "ef" * 32, raw, "mine-two")
    first = unpack_source(raw, "mine", scratch)
    unpack_source(raw, "mine-two", scratch)
    (raw / "mine.tar").unlink()
    assert unpack_source(raw, "mine", scratch) == first
    pack_source(source(tmp_path / "new", "two"), "cd" * 32, raw, "mine")
    second = unpack_source(raw, "mine", scratch)
    assert (second / "images of été/a b.txt").read_text() == "two"
    assert sorted(path.name for path in scratch.iterdir()) == [
        "mine-cdcdcdcdcdcdcdcd",
        "mine-two-efefefefefefefef",
    ]


def test_a_source_that_is_not_there(tmp_path: Path, raw: Path) -> None:
    with pytest.raises(RepriseError, match="'mine' has not been downloaded"):
        unpack_source(raw, "mine", tmp_path / "scratch")


@pytest.mark.parametrize("keep", [0, 700, 4000])
def test_a_damaged_archive_leaves_nothing(tmp_path: Path, raw: Path, keep: int) -> None:
    pack_source(source(tmp_path / "mine"), "ab" * 32, raw, "mine")
    content = (raw / "mine.tar").read_bytes()
    (raw / "mine.tar").write_bytes(content[:keep])
    with pytest.raises(RepriseError, match=r"damaged|instead of"):
        unpack_source(raw, "mine", tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_all_sources_of_a_run(tmp_path: Path, raw: Path) -> None:
    source(raw / "one")
    source(raw / "two", "other")
    pack_sources(raw)
    assert sorted(p.name for p in raw.iterdir()) == ["one.json", "one.tar", "two.json", "two.tar"]
    found = unpack_sources(raw, {"one": None, "two": None}, tmp_path / "scratch")
    assert (found["two"] / "images of été/a b.txt").read_text() == "other"
    assert found == unpack_sources(raw, {"one": None, "two": None}, tmp_path / "scratch")
