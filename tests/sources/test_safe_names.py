"""Names that strangers give to files, and what becomes of them here."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.errors import RepriseError
from reprise.sources.safe_names import check_name_clashes, safe_path, visible_paths


@given(st.text(max_size=60))
def test_a_safe_path_stays_in_its_folder(name: str) -> None:
    try:
        path = safe_path(name)
    except RepriseError:
        return
    assert not path.is_absolute() and ".." not in path.parts and path.parts


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../a", "leaves the folder"),
        ("a/../../b", "leaves the folder"),
        ("/etc/passwd", "leaves the folder"),
        ("\\\\server\\share", "leaves the folder"),
        ("C:\\a", "leaves the folder"),
        ("", "leaves the folder"),
        ("a" * 256, "too long"),
        ("é" * 128, "too long"),
        ("a\0b", "control character"),
        ("a\n0000  b", "control character"),
        ("a/" * 32 + "b", "folders deep"),
    ],
)
def test_names_that_no_file_here_may_have(name: str, reason: str) -> None:
    with pytest.raises(RepriseError, match=reason):
        safe_path(name)


def test_hidden_names_are_left_out_and_the_others_sorted() -> None:
    found = visible_paths({"b": 1, ".git/config": 2, "a/.DS_Store": 3, "./a/c": 4})
    assert list(found.items()) == [(PurePosixPath("a/c"), 4), (PurePosixPath("b"), 1)]


def test_names_that_exclude_one_another() -> None:
    with pytest.raises(RepriseError, match="occurs twice"):
        visible_paths({"a/b": 1, "a//b": 2})
    with pytest.raises(RepriseError, match="a file and a folder have the same name"):
        visible_paths({"a": 1, "a/b": 2})


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.JPG", "a.jpg"), ("Straße", "STRASSE"), ("é", unicodedata.normalize("NFD", "é"))],
)
def test_namesakes_on_other_disks_are_refused(tmp_path: Path, one: str, other: str) -> None:
    for name in (one, other):
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "sub" / name).write_text(name)
    if len(list((tmp_path / "sub").iterdir())) == 1:
        pytest.skip("on this disk they are one file already")
    with pytest.raises(RepriseError, match=r"in its folder 'sub' are the same name"):
        check_name_clashes(tmp_path)
