"""Caches outside DVC go stale with the code that dvc.yaml lists for their stage."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reprise.code_digest import code_digest


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    deps = ["data/raw", "stages/train.py", "src/package/models"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": {"deps": deps}}}))
    for name in ("stages/train.py", "src/package/models/a.py", "src/package/other.py", "data/raw"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("edited", ["stages/train.py", "src/package/models/a.py"])
def test_it_changes_with_each_code_file_of_the_stage(checkout: Path, edited: str) -> None:
    before = code_digest("train", checkout)
    (checkout / edited).write_text("edited")
    assert code_digest("train", checkout) != before


def test_a_new_file_of_a_listed_folder_counts(checkout: Path) -> None:
    before = code_digest("train", checkout)
    (checkout / "src/package/models/b.py").write_text("")
    assert code_digest("train", checkout) != before


def test_other_code_data_and_compiled_files_do_not_count(checkout: Path) -> None:
    before = code_digest("train", checkout)
    (checkout / "src/package/other.py").write_text("edited")
    (checkout / "data/raw").write_text("edited")
    (checkout / "src/package/models/__pycache__").mkdir()
    (checkout / "src/package/models/__pycache__/a.cpython-311.pyc").write_text("")
    assert code_digest("train", checkout) == before


def test_mask_code_belongs_to_what_training_runs(repository: Path) -> None:
    """An interrupted run must not go on under other mask code."""
    deps = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]["train"]["deps"]
    assert any(dep.endswith(("rle.py", "src/reprise/masks")) for dep in deps)
    assert len(code_digest("train")) == 64
