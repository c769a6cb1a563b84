"""VIA projects and exports: the attribute that is the class, splits, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from formats.via_files import (
    CSV_COLUMNS,
    RECT,
    TRIANGLE,
    classes_of,
    entry,
    export,
    put_images,
    region,
    write_csv,
)
from reprise.errors import RepriseError
from reprise.formats import via
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset


def test_an_export_gives_boxes_outlines_classes_and_keys(tmp_path: Path) -> None:
    put_images(tmp_path, "pictures/a.png", "pictures/b.png", "pictures/c.png")
    about = {"site": "north", "caption": "", "quality": {"good": True}}
    rect, triangle = region(RECT, kind="cat"), region(TRIANGLE, kind=" big dog\n")
    export(tmp_path, entry("a.png", rect, triangle, **about), entry("b.png"))
    dataset = read_labels(via, tmp_path)
    first, second, third = dataset.images
    assert (first.name, first.width, first.height) == ("pictures/a.png", None, None)
    assert [(box.class_name, box.xywh) for box in first.boxes] == [
        ("cat", (1, 2, 3, 4.5)),
        ("big dog", (1, 2, 8, 6)),
    ]
    assert [box.segmentation for box in first.boxes] == [[], [[1, 2, 9, 2, 5, 8]]]
    assert first.keys == {"site": "north"}
    assert (second.boxes, second.labelled, third.labelled) == ([], True, False)
    assert dataset.classes == ["cat", "big dog"]
    assert dataset.lists_images


def test_regions_of_version_1_are_an_object(tmp_path: Path) -> None:
    regions = {"0": region(RECT, type="cat"), "1": region(TRIANGLE)}
    old = entry("a.png") | {"regions": regions}
    export(tmp_path, entry("b.png", region(RECT, type="dog")), old)
    image = read_labels(via, tmp_path).images[0]
    assert classes_of(image) == ["cat"]
    assert "entry 'a.png-1', regions[1]: no class in the attribute 'type'" in image.problem


def test_a_project_declares_the_order_of_classes(tmp_path: Path) -> None:
    project = {
        "_via_settings": {},
        "_via_img_metadata": {"a.png7": entry("a.png", region(RECT, kind="dog"))},
        "_via_attributes": {
            "region": {"kind": {"type": "radio", "options": {"cat": "a cat", "dog": "a dog"}}},
            "file": {},
        },
    }
    (tmp_path / "project.json").write_text(json.dumps(project))
    dataset = read_labels(via, tmp_path)
    assert dataset.classes == ["cat", "dog"]
    assert classes_of(dataset.images[0]) == ["dog"]


def test_a_csv_export_is_the_same_as_json(tmp_path: Path) -> None:
    put_images(tmp_path, "a, 1.png", "b.png")
    rows: list[list[object]] = [
        ["a, 1.png", 5, {"site": "north"}, 2, 0, RECT, {"class": 'the "cat", 猫'}],
        ["a, 1.png", 5, {"site": "north"}, 2, 1, TRIANGLE, {"class": "dog"}],
        ["b.png", 6, {}, 0, 0, {}, {}],
    ]
    write_csv(tmp_path, *rows)
    first, second = read_labels(via, tmp_path).images
    assert first.name == "a, 1.png"
    assert classes_of(first) == ['the "cat", 猫', "dog"]
    assert first.boxes[1].segmentation == [[1, 2, 9, 2, 5, 8]]
    assert first.keys == {"site": "north"}
    assert (second.boxes, second.labelled, second.problem) == ([], True, "")
    write_csv(tmp_path, *rows, header=["#filename", *CSV_COLUMNS[1:]])
    assert classes_of(read_labels(via, tmp_path).images[0]) == classes_of(first)


def test_a_project_and_its_exports_are_not_counted_twice(tmp_path: Path) -> None:
    entries = [entry("a.png", region(RECT, kind="cat"), region(TRIANGLE, kind="cat"))]
    export(tmp_path, *entries)
    export(tmp_path, *entries, entry("b.png", region(RECT, kind="dog")), name="later.json")
    write_csv(
        tmp_path, *(["a.png", -1, {}, 2, 0, shape, {"kind": "cat"}] for shape in (RECT, TRIANGLE))
    )
    dataset = read_labels(via, tmp_path)
    assert [classes_of(image) for image in dataset.images] == [["cat", "cat"], ["dog"]]
    assert dataset.notes == ["2 image(s) have the same regions in two files"]


@pytest.mark.parametrize(
    ("value", "classes"),
    [("cat", ["cat"]), (7, ["7"]), ({"cat": True, "dog": False, "7": True}, ["cat", "7"])],
)
def test_text_and_ticked_names_are_classes(
    tmp_path: Path, value: object, classes: list[str]
) -> None:
    export(tmp_path, entry("a.png", region(RECT, kind=value)))
    assert classes_of(read_labels(via, tmp_path).images[0]) == classes


@pytest.mark.parametrize(
    ("attributes", "class_name"),
    [
        ({"colour": "red", "Label": "cat"}, "cat"),
        ({"name": "no. 1", "CLASS": "cat", "object": "x"}, "cat"),
        ({"colour": "", "species": "cat"}, "cat"),
    ],
)
def test_of_several_attributes_a_usual_name_is_the_class(
    tmp_path: Path, attributes: dict[str, str], class_name: str
) -> None:
    export(tmp_path, entry("a.png", region(RECT, **attributes)))
    assert classes_of(read_labels(via, tmp_path).images[0]) == [class_name]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"colour": "red", "species": "cat"}, "of colour, species several have a value: colour"),
        ({"cat": "", "dog": ""}, "of cat, dog none has a value"),
    ],
)
def test_attributes_that_do_not_show_the_class_are_refused(
    tmp_path: Path, attributes: dict[str, str], message: str
) -> None:
    export(tmp_path, entry("a.png", region(RECT, **attributes)))
    with pytest.raises(RepriseError, match=message):
        read_labels(via, tmp_path)


def test_without_any_attribute_all_regions_are_of_one_class(tmp_path: Path) -> None:
    export(tmp_path, entry("a.png", region(RECT), region(TRIANGLE)))
    dataset = read_labels(via, tmp_path)
    assert classes_of(dataset.images[0]) == ["object", "object"]
    assert dataset.notes == ["no region has an attribute: all are of the class 'object'"]


def test_the_size_of_the_file_tells_images_of_one_name_apart(tmp_path: Path) -> None:
    put_images(tmp_path, "x/a.png")
    Image.fromarray(picture(5, 32, 32)).save(tmp_path / "b.png")
    (tmp_path / "y").mkdir()
    (tmp_path / "b.png").rename(tmp_path / "y/a.png")
    size = (tmp_path / "y/a.png").stat().st_size
    export(tmp_path, entry("a.png", size=size))
    labelled = [image.name for image in read_labels(via, tmp_path).images if image.labelled]
    assert labelled == ["y/a.png"]
    export(tmp_path, entry("a.png"))
    problem = "entry 'a.png-1': 'a.png' fits several files: x/a.png"
    assert all(problem in image.problem for image in read_labels(via, tmp_path).images)


def test_label_files_beside_the_images_of_each_split(tmp_path: Path) -> None:
    put_images(tmp_path, "train/1.png", "val/1.png")
    for split in ("train", "val"):
        export(tmp_path, entry("1.png", region(RECT, kind=split)), name=f"{split}/via.json")
    dataset = read_labels(via, tmp_path)
    found = {image.name: (image.split, classes_of(image)) for image in dataset.images}
    assert found == {"train/1.png": ("train", ["train"]), "val/1.png": ("val", ["val"])}


def test_detection_knows_projects_and_both_exports(tmp_path: Path) -> None:
    def detected() -> str | None:
        return via.detect(FileIndex(tmp_path, "mine"))

    (tmp_path / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')
    (tmp_path / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n")
    assert detected() is None
    write_csv(tmp_path)
    assert detected() == "the VIA export via_export.csv"
    export(tmp_path, entry("a.png"))
    assert detected() == "the VIA export via_export.json"
    (tmp_path / "a.json").write_text('{"_via_settings": {}, "_via_img_metadata": {}}')
    assert detected() == "the VIA project a.json"


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("via")
    drawn = datasets(folder / "from", polygons=True, splits=splits, unlabelled=not splits)
    before = data.draw(drawn)
    (folder / "to").mkdir()
    via.write(before, folder / "to")
    after = read_labels(via, folder / "to")
    assert_same(before, after)
    assert [image.name for image in after.images] == [image.name for image in before.images]
    assert set(before.classes) <= set(after.classes)


_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0"), min_size=1, max_size=8
)


@settings(max_examples=50)
@given(name=_TEXT, class_name=_TEXT.map(str.strip).filter(bool), value=_TEXT.filter(str.strip))
def test_quotes_and_other_alphabets_in_names_survive(
    tmp_path_factory: pytest.TempPathFactory, name: str, class_name: str, value: str
) -> None:
    folder = tmp_path_factory.mktemp("via")
    (picture_file, *_) = images(folder / "from")
    image = ImageRecord(f"images/_{name}.png", picture_file.path, 64, 48, keys={"site": value})
    image.boxes, image.synthetic = [BoxRecord(class_name, (1.5, 2, 3, 1 / 3))], True
    (folder / "to").mkdir()
    via.write(SourceDataset("mine", [image], [class_name]), folder / "to")
    (again,) = read_labels(via, folder / "to").images
    assert (again.name, again.keys, again.synthetic) == (image.name, image.keys, True)
    assert [(box.class_name, box.xywh) for box in again.boxes] == [(class_name, (1.5, 2, 3, 1 / 3))]


def test_an_outline_that_is_not_one_polygon_in_its_box_is_written_as_a_rectangle(
    tmp_path: Path,
) -> None:
    (tmp_path / "to").mkdir()
    image = images(tmp_path / "from")[0]
    part = [1.0, 1.0, 5.0, 1.0, 5.0, 5.0]
    image.boxes = [
        BoxRecord("cat", (1, 1, 4, 4), segmentation=[part, part]),
        BoxRecord("cat", (1, 1, 2, 4), segmentation=[part]),
        BoxRecord("cat", (1, 1, 2, 2), segmentation={"size": [48, 64], "counts": "abc"}),
    ]
    via.write(SourceDataset("mine", [image], ["cat"]), tmp_path / "to")
    (again,) = read_labels(via, tmp_path / "to").images
    assert [box.xywh for box in again.boxes] == [box.xywh for box in image.boxes]
    assert [box.segmentation for box in again.boxes] == [[], [], []]


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    image = images(tmp_path / "from")[0]
    image.boxes = [BoxRecord("cat ", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match="via cannot hold the class 'cat '"):
        via.write(SourceDataset("mine", [image], []), tmp_path / "to")
    image.keys = {"synthetic": "no"}
    with pytest.raises(RepriseError, match="via cannot hold the key 'synthetic'"):
        via.write(SourceDataset("mine", [image], []), tmp_path / "to")
