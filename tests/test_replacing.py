"""Files and folders take their place whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.replacing import replacing_file, replacing_folder


class CrashError(Exception):
    pass


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "metrics.json"
    with replacing_file(path, durable=True) as partial:
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [entry.name for entry in path.parent.iterdir()] == ["metrics.json"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(CrashError), replacing_file(path) as partial:
        partial.write_text("half")
        raise CrashError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["metrics.json"]


def test_a_folder_is_replaced_with_all_it_held(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "old").touch()
    left_by_a_crash = tmp_path / ".models.partial"
    left_by_a_crash.mkdir()
    (left_by_a_crash / "half").touch()
    with replacing_folder(folder) as partial:
        (partial / "new").touch()
        assert (folder / "old").exists()
    assert [entry.name for entry in folder.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["models"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(CrashError), replacing_folder(folder) as partial:
        (partial / "half").touch()
        raise CrashError
    assert [entry.name for entry in folder.iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["models"]
