"""What labels that read well may still want to be looked at for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders import tiny_coco
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions
from reprise.formats.source_labels import label_warnings, read_source, similar_class_names


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["cat", "dog"], ""),
        (["cat", "Cat ", "dog"], "'cat' and 'Cat '. If"),
        (["a b", "A  b", "a_b", "stra\u00dfe", "STRASSE"], "'a b' and 'A  b'; 'stra\u00dfe' and"),
        ([f"{c}{i}" for i in range(7) for c in "aA"], "'a4' and 'A4'; and 2 more. If"),
    ],
)
def test_names_that_differ_in_capitals_or_spaces_only(classes: list[str], said: str) -> None:
    notes = similar_class_names(classes)
    assert len(notes) == bool(said)
    assert said in "".join(notes)


def test_boxes_and_labels_of_images_are_classes_alike() -> None:
    image = ImageRecord("a.png", None, boxes=[BoxRecord("cat", (1, 2, 3, 4))], labels=["Cat"])
    (note,) = label_warnings([image])
    assert "'Cat' and 'cat'" in note


def test_shapes_without_area_are_counted() -> None:
    drawn = ("line", "point", "line", "")
    boxes = [BoxRecord("cat", (1, 2, 0, 0), shape=shape) for shape in drawn]
    assert label_warnings(
        [ImageRecord("a.png", None), ImageRecord("b.png", None, boxes=boxes)]
    ) == [
        "3 shape(s) have no area, or none that is known, and become no box (line 2, point 1); "
        "the first is in b.png"
    ]


def test_every_source_gets_its_remarks(tmp_path: Path) -> None:
    tiny_coco(tmp_path, 2, ("cat", "CAT"))
    (note,) = read_source(tmp_path, "mine", "coco", ReadOptions()).notes
    assert "'cat' and 'CAT'" in note
    content = json.loads((tmp_path / "annotations.json").read_text())
    content["annotations"] = content["annotations"][::2]
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert read_source(tmp_path, "mine", "coco", ReadOptions()).notes == []
