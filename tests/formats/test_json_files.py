"""Looks into files stay at their two ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.formats.json_files import END_BYTES, file_ends, has_json_keys


@pytest.mark.parametrize("size", [0, 1, END_BYTES, END_BYTES + 1, 2 * END_BYTES])
def test_a_file_of_up_to_two_ends_is_read_once_and_whole(tmp_path: Path, size: int) -> None:
    data = bytes(place * 7 % 251 for place in range(size))
    (tmp_path / "a").write_bytes(data)
    assert file_ends(tmp_path / "a") == data


def test_the_middle_of_a_longer_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * END_BYTES + b"middle" + b"z" * END_BYTES)
    assert file_ends(tmp_path / "a") == b"a" * END_BYTES + b"z" * END_BYTES


def test_keys_are_told_from_values() -> None:
    text = b'{"images" : ["shapes"], "a.b": 1}'
    assert has_json_keys(text, ["images", "a.b"])
    assert not has_json_keys(text, ["shapes"])
    assert not has_json_keys(text, ["images", "axb"])
