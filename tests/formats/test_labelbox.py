"""Labelbox's exports are read row by row, and written back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, read_labels
from reprise.errors import RepriseError
from reprise.formats import labelbox
from reprise.formats.file_index import FileIndex
from reprise.formats.records import NO_GEOMETRY

BOX = {"left": 1, "top": 2, "width": 30, "height": 20}


def row(*objects: Any, kinds: Any = (), **data_row: Any) -> dict[str, Any]:
    annotations = {"objects": list(objects), "classifications": list(kinds)}
    return {
        "data_row": {"id": "ck1", "external_id": "a.png", **data_row},
        "media_attributes": {"width": 64, "height": 48, "mime_type": "image/png"},
        "projects": {"p1": {"name": "pets", "labels": [{"annotations": annotations}]}},
    }


def put(folder: Path, *rows: Any, name: str = "export.ndjson") -> None:
    Image.fromarray(picture(1)).save(folder / "a.png")
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text(lines if name.endswith(".ndjson") else json.dumps(rows))


@pytest.mark.parametrize("name", ["export.ndjson", "export.json"])
def test_objects_and_answers(tmp_path: Path, name: str) -> None:
    points = [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 9, "y": 12}]
    put(
        tmp_path,
        row(
            {"name": "cat", "annotation_kind": "ImageBoundingBox", "bounding_box": BOX},
            {"name": "cat", "annotation_kind": "ImagePolygon", "polygon": points},
            {"name": "cat", "annotation_kind": "ImageSegmentationMask", "mask": {"url": "x"}},
            {"name": "cat"},
            kinds=[
                {"name": "sky", "radio_answer": {"name": "blue"}},
                {"name": "kinds", "checklist_answers": [{"name": "wet"}, {"name": "blue"}]},
                {"name": "remark", "text_answer": {"content": "nice"}},
            ],
        ),
        name=name,
    )
    dataset = read_labels(labelbox, tmp_path)
    (image,) = dataset.images
    assert (image.name, image.width, image.height) == ("a.png", 64, 48)
    assert image.boxes[0].xywh == (1, 2, 30, 20)
    assert image.boxes[1].segmentation == [[1, 2, 9, 2, 9, 12]]
    assert image.boxes[1].xywh == (1, 2, 8, 10)
    assert [box.shape for box in image.boxes[2:]] == ["ImageSegmentationMask", NO_GEOMETRY]
    assert image.labels == ["blue", "wet"]
    assert dataset.classes == ["cat", "blue", "wet"]
    assert labelbox.detect(FileIndex(tmp_path, "mine"))


def test_the_image_of_an_address(tmp_path: Path) -> None:
    put(tmp_path, row(external_id=None, row_data="https://h/x/a.png?token=1"))
    assert [image.name for image in read_labels(labelbox, tmp_path).images] == ["a.png"]


def test_a_row_without_labels_is_unlabelled(tmp_path: Path) -> None:
    put(tmp_path, {**row(), "projects": {"p1": {"labels": []}}})
    assert not read_labels(labelbox, tmp_path).images[0].labelled


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (row(5), "line 1: objects[0] is not an object"),
        (row({"name": ""}), "objects[0]: name '' is not a text"),
        ({**row(), "projects": {"p": {"labels": 7}}}, "labels is not a list"),
        ({**row(), "media_attributes": {"width": -1}}, "width -1 is not a positive number"),
        (row(kinds=[{"radio_answer": {"name": 3}}]), "an answer's name 3 is not a text"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, entry: Any, problem: str
) -> None:
    put(tmp_path, entry)
    assert problem in read_labels(labelbox, tmp_path).images[0].problem


def test_a_row_without_an_image_has_a_row_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, row(), {"data_row": {}, "projects": {}})
    images = {image.name: image for image in read_labels(labelbox, tmp_path).images}
    assert "line 2: it names no image" in images["export.ndjson#line 2"].problem


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    put(tmp_path, row())
    with (tmp_path / "export.ndjson").open("a") as file:
        file.write("{oops\n")
    with pytest.raises(RepriseError, match=r"export.ndjson, line 2: it is not valid JSON"):
        read_labels(labelbox, tmp_path)


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    dataset = data.draw(datasets(pictures, polygons=True, labels=True, unlabelled=True))
    out = tmp_path_factory.mktemp("out")
    labelbox.write(dataset, out)
    assert_same(dataset, read_labels(labelbox, out))
