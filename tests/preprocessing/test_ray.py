"""The same bytes from a Ray cluster as from this machine's processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import tiny_coco
from preprocessing.running import machine
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.preprocess import Folders, preprocess


def test_ray_gives_what_this_machine_gives(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the optional extra `ray` is not installed")
    tiny_coco(tmp_path / "mine", 40)
    config = DataConfig.model_validate(
        {"sources": {"mine": {"url": "mine"}}, "image_size": 64, "split": {"seed": 1}}
    )
    bytes_of = {}
    for engine in ("local", "ray"):
        out = tmp_path / engine
        preprocess(
            data=config,
            machine=machine(2, engine=engine),
            folders=Folders(raw={"mine": tmp_path / "mine"}, processed=out),
        )
        files = sorted(path for path in out.rglob("*") if path.is_file())
        bytes_of[engine] = {path.relative_to(out): path.read_bytes() for path in files}
    assert bytes_of["local"] == bytes_of["ray"]
