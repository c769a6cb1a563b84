"""Exports of labelling tools are named for what they are, and their boxes are those drawn."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest

from reprise.formats.file_index import FileIndex
from reprise.formats.records import ReadOptions
from reprise.formats.source_labels import detect_format, read_source
from tool_exports import EXPORTS, HEIGHT, WIDTH, Export, drawn


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: f"{export.tool} {export.kind}")
def test_an_export_is_named_and_its_boxes_are_those_drawn(export: Export, tmp_path: Path) -> None:
    export.write(tmp_path)
    assert detect_format(FileIndex(tmp_path, "mine"))[0] == export.format
    images = read_source(tmp_path, "mine", "auto", ReadOptions()).images
    assert [image.problem for image in images] == [""] * len(drawn())
    for image in images:
        (wanted,) = (d for d in drawn() if d.stem in posixpath.basename(image.name))
        if not export.boxes:
            assert (sorted(image.labels), image.boxes) == (["cat", "dog"], [])
            continue
        scale = (WIDTH, HEIGHT) if image.normalised else (1, 1)
        found = [
            (box.class_name, *(value * scale[n % 2] for n, value in enumerate(box.xywh)))
            for box in image.boxes
        ]
        for box, (name, *xywh) in zip(sorted(found), wanted.boxes, strict=True):
            assert box[0] == name
            assert box[1:] == pytest.approx(xywh, abs=0.01)
