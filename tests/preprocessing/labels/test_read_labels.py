"""Labels are read in this process or, of a large source, in one of its own: with one outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import tiny_coco
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.labels import read_labels as module
from reprise.preprocessing.labels.read_labels import read_labels


@pytest.mark.parametrize("files", [0, 1000])
def test_a_large_source_is_read_apart_with_the_same_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    monkeypatch.setattr(module, "_FEW_FILES", files)
    tiny_coco(tmp_path / "mine", 5, ("cat", "dog"))
    config = DataConfig.model_validate({"sources": {"mine": {"url": "mine"}}, "image_size": 64})
    raw = {"mine": tmp_path / "mine"}
    apart = read_labels(config, raw, None, tmp_path / "apart", apart=True)[0]
    here = read_labels(config, raw, None, tmp_path / "here", apart=False)[0]
    assert list(apart.records()) == list(here.records())
    assert (apart.count, apart.classes, apart.notes) == (here.count, here.classes, here.notes)
