"""Labels are read in this process or in one of their own: with one outcome."""

from __future__ import annotations

from pathlib import Path

from builders import tiny_coco
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.labels.read_labels import read_labels


def test_a_source_is_read_apart_with_the_same_outcome(tmp_path: Path) -> None:
    tiny_coco(tmp_path / "mine", 5, ("cat", "dog"))
    config = DataConfig.model_validate({"sources": {"mine": {"url": "mine"}}, "image_size": 64})
    raw = {"mine": tmp_path / "mine"}
    apart = read_labels(config, raw, None, tmp_path / "apart", apart=True)[0]
    here = read_labels(config, raw, None, tmp_path / "here")[0]
    assert list(apart.records()) == list(here.records())
    assert (apart.count, apart.classes, apart.notes) == (here.count, here.classes, here.notes)
