"""data/splits.csv remembers who is in which split, and says so when it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.errors import RepriseError
from reprise.preprocessing.split.assignments import read_assignments, write_assignments

KEY = "0123456789abcdef"
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


def test_the_file_is_short_sorted_text(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    write_assignments(path, KEY, {"b" * 64: "train", "a" * 64: "test"})
    assert path.read_text() == (
        f"# settings {KEY}\ndigest,split\n{'a' * 16},test\n{'b' * 16},train\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["splits.csv"]


@given(splits=st.dictionaries(DIGESTS, st.sampled_from(["train", "val", "test"])))
def test_what_is_written_is_read(splits: dict[str, str], tmp_path_factory: object) -> None:
    path = tmp_path_factory.mktemp("record") / "splits.csv"  # type: ignore[attr-defined]
    write_assignments(path, KEY, splits)
    assert read_assignments(path, KEY) == {digest[:16]: split for digest, split in splits.items()}


def test_no_file_means_nothing_is_known(tmp_path: Path) -> None:
    assert read_assignments(tmp_path / "splits.csv", KEY) == {}


def test_a_record_of_other_settings_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    write_assignments(path, KEY, {"a" * 64: "test"})
    assert read_assignments(path, "f" * 16) == {}


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(f"# settings {KEY}\r\ndigest,split\r\n{'a' * 16},val\r\n".encode())
    assert read_assignments(path, KEY) == {"a" * 16: "val"}


HEAD = f"# settings {KEY}\ndigest,split\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HEAD}<<<<<<< HEAD\n{'a' * 16},val\n=======\n{'b' * 16},val\n>>>>>>> other\n",
            "line 3: '<<<<<<< HEAD' is a mark of an unresolved merge",
        ),
        ("<<<<<<< HEAD\n# settings a\n", "line 1: '<<<<<<< HEAD' is a mark"),
        (f"{HEAD}{'a' * 16},val\n{'a' * 16},test\n", f"line 4: {'a' * 16} is in another split"),
        (f"{HEAD}{'a' * 16},dev\n", f"line 3: '{'a' * 16},dev' is not what Reprise writes"),
        (f"{HEAD}{'a' * 15},val\n", "line 3: "),
        (f"{HEAD}\n", "line 3: '' is not"),
        (f"{'a' * 16},val\n", "line 1: "),
        (f"{HEAD}\x1b[31m\n", r"line 3: '\\x1b\[31m' is not"),
        ("", "it is empty"),
    ],
)
def test_a_damaged_file_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_text(text)
    with pytest.raises(RepriseError, match=message) as caught:
        read_assignments(path, KEY)
    assert "git checkout --ours" in caught.value.fix and "delete it" in caught.value.fix
    assert "\x1b" not in str(caught.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RepriseError, match="it is not text"):
        read_assignments(path, KEY)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.mkdir()
    with pytest.raises(RepriseError, match="cannot be read"):
        read_assignments(path, KEY)
    with pytest.raises(RepriseError, match="cannot be written"):
        write_assignments(path, KEY, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["splits.csv"]
