"""VIA projects and exports: their shapes, the attribute that is the class, and the way back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images
from reprise.errors import RepriseError
from reprise.formats import via
from reprise.formats.files import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.formats.tables import write_table
from reprise.formats.via_shapes import ROUND_POINTS, shape_box

Shape = dict[str, Any]
RECT = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4.5}
TRIANGLE = {"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 2, 8]}
CSV_COLUMNS = [
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]


def _region(shape: Shape, **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def _entry(filename: str, *regions: dict[str, Any], size: int = -1, **about: Any) -> dict[str, Any]:
    return {"filename": filename, "size": size, "regions": list(regions), "file_attributes": about}


def _export(folder: Path, *entries: dict[str, Any], name: str = "via_export.json") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    content = {f"{entry['filename']}{entry['size']}": entry for entry in entries}
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def _csv(folder: Path, *rows: list[object], header: list[str] = CSV_COLUMNS) -> None:
    texts = [
        [cell if isinstance(cell, str | int) else json.dumps(cell) for cell in r] for r in rows
    ]
    text = write_table(header, texts)  # type: ignore[arg-type]
    (folder / "via_export.csv").write_text(text, encoding="utf-8", newline="")


def _images(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def _classes(image: ImageRecord) -> list[str]:
    return [box.class_name for box in image.boxes]


def test_an_export_gives_boxes_outlines_classes_and_keys(tmp_path: Path) -> None:
    _images(tmp_path, "pictures/a.png", "pictures/b.png", "pictures/c.png")
    about = {"site": "north", "caption": "", "quality": {"good": True}}
    rect, triangle = _region(RECT, kind="cat"), _region(TRIANGLE, kind=" big dog\n")
    _export(tmp_path, _entry("a.png", rect, triangle, **about), _entry("b.png"))
    dataset = via.read(tmp_path, "mine")
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
    entry = _entry("a.png") | {"regions": {"0": _region(RECT, type="cat"), "1": _region(TRIANGLE)}}
    _export(tmp_path, _entry("b.png", _region(RECT, type="dog")), entry)
    image = via.read(tmp_path, "mine").images[0]
    assert _classes(image) == ["cat"]
    assert "entry 'a.png-1', regions[1]: no class in the attribute 'type'" in image.problem


def test_a_project_declares_the_order_of_classes(tmp_path: Path) -> None:
    project = {
        "_via_settings": {},
        "_via_img_metadata": {"a.png7": _entry("a.png", _region(RECT, kind="dog"))},
        "_via_attributes": {
            "region": {"kind": {"type": "radio", "options": {"cat": "a cat", "dog": "a dog"}}},
            "file": {},
        },
    }
    (tmp_path / "project.json").write_text(json.dumps(project))
    dataset = via.read(tmp_path, "mine")
    assert dataset.classes == ["cat", "dog"]
    assert _classes(dataset.images[0]) == ["dog"]


def test_a_csv_export_is_the_same_as_json(tmp_path: Path) -> None:
    _images(tmp_path, "a, 1.png", "b.png")
    rows: list[list[object]] = [
        ["a, 1.png", 5, {"site": "north"}, 2, 0, RECT, {"class": 'the "cat", 猫'}],
        ["a, 1.png", 5, {"site": "north"}, 2, 1, TRIANGLE, {"class": "dog"}],
        ["b.png", 6, {}, 0, 0, {}, {}],
    ]
    _csv(tmp_path, *rows)
    first, second = via.read(tmp_path, "mine").images
    assert first.name == "a, 1.png"
    assert _classes(first) == ['the "cat", 猫', "dog"]
    assert first.boxes[1].segmentation == [[1, 2, 9, 2, 5, 8]]
    assert first.keys == {"site": "north"}
    assert (second.boxes, second.labelled, second.problem) == ([], True, "")
    _csv(tmp_path, *rows, header=["#filename", *CSV_COLUMNS[1:]])
    assert _classes(via.read(tmp_path, "mine").images[0]) == _classes(first)


def test_a_project_and_its_exports_are_not_counted_twice(tmp_path: Path) -> None:
    entries = [_entry("a.png", _region(RECT, kind="cat"), _region(TRIANGLE, kind="cat"))]
    _export(tmp_path, *entries)
    _export(tmp_path, *entries, _entry("b.png", _region(RECT, kind="dog")), name="later.json")
    _csv(tmp_path, *(["a.png", -1, {}, 2, 0, shape, {"kind": "cat"}] for shape in (RECT, TRIANGLE)))
    dataset = via.read(tmp_path, "mine")
    assert [_classes(image) for image in dataset.images] == [["cat", "cat"], ["dog"]]
    assert dataset.notes == ["2 image(s) have the same regions in two files"]


@pytest.mark.parametrize(
    ("value", "classes"),
    [("cat", ["cat"]), (7, ["7"]), ({"cat": True, "dog": False, "7": True}, ["cat", "7"])],
)
def test_text_and_ticked_names_are_classes(
    tmp_path: Path, value: object, classes: list[str]
) -> None:
    _export(tmp_path, _entry("a.png", _region(RECT, kind=value)))
    assert _classes(via.read(tmp_path, "mine").images[0]) == classes


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
    _export(tmp_path, _entry("a.png", _region(RECT, **attributes)))
    assert _classes(via.read(tmp_path, "mine").images[0]) == [class_name]


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
    _export(tmp_path, _entry("a.png", _region(RECT, **attributes)))
    with pytest.raises(RepriseError, match=message):
        via.read(tmp_path, "mine")


def test_without_any_attribute_all_regions_are_of_one_class(tmp_path: Path) -> None:
    _export(tmp_path, _entry("a.png", _region(RECT), _region(TRIANGLE)))
    dataset = via.read(tmp_path, "mine")
    assert _classes(dataset.images[0]) == ["object", "object"]
    assert dataset.notes == ["no region has an attribute: all are of the class 'object'"]


def test_the_size_of_the_file_tells_images_of_one_name_apart(tmp_path: Path) -> None:
    _images(tmp_path, "x/a.png")
    Image.fromarray(picture(5, 32, 32)).save(tmp_path / "b.png")
    (tmp_path / "y").mkdir()
    (tmp_path / "b.png").rename(tmp_path / "y/a.png")
    size = (tmp_path / "y/a.png").stat().st_size
    _export(tmp_path, _entry("a.png", size=size))
    labelled = [image.name for image in via.read(tmp_path, "mine").images if image.labelled]
    assert labelled == ["y/a.png"]
    _export(tmp_path, _entry("a.png"))
    with pytest.raises(RepriseError, match=r"entry 'a.png-1': 'a.png' fits several files: x/a.png"):
        via.read(tmp_path, "mine")


def test_label_files_beside_the_images_of_each_split(tmp_path: Path) -> None:
    _images(tmp_path, "train/1.png", "val/1.png")
    for split in ("train", "val"):
        _export(tmp_path, _entry("1.png", _region(RECT, kind=split)), name=f"{split}/via.json")
    dataset = via.read(tmp_path, "mine")
    found = {image.name: (image.split, _classes(image)) for image in dataset.images}
    assert found == {"train/1.png": ("train", ["train"]), "val/1.png": ("val", ["val"])}


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        (RECT, (1, 2, 3, 4.5)),
        (TRIANGLE, (1, 2, 8, 6)),
        ({"name": "circle", "cx": 10, "cy": 20, "r": 5}, (5, 15, 10, 10)),
        ({"name": "ellipse", "cx": 10, "cy": 20, "rx": 5, "ry": 2}, (5, 18, 10, 4)),
        (
            {"name": "ellipse", "cx": 10, "cy": 20, "rx": 5, "ry": 2, "theta": math.pi / 2},
            (8, 15, 4, 10),
        ),
        ({"name": "point", "cx": 3, "cy": 4}, (3, 4, 0, 0)),
        ({"name": "polyline", "all_points_x": [3, 9], "all_points_y": [4, 1]}, (3, 4, 0, 0)),
    ],
)
def test_shapes_as_boxes(shape: Shape, box: tuple[float, ...]) -> None:
    found = shape_box(shape)
    assert found is not None
    assert found[0] == pytest.approx(box)


def test_a_circle_and_an_ellipse_have_outlines_that_fill_their_boxes() -> None:
    for shape in (
        {"name": "circle", "cx": 10, "cy": 20, "r": 5},
        {"name": "ellipse", "cx": 10, "cy": 20, "rx": 9, "ry": 2, "theta": 0.6},
    ):
        found = shape_box(shape)
        assert found is not None
        (x, y, w, h), (outline,) = found
        xs, ys = outline[0::2], outline[1::2]
        assert len(xs) == ROUND_POINTS
        assert (min(xs), max(xs)) == pytest.approx((x, x + w), abs=0.05)
        assert (min(ys), max(ys)) == pytest.approx((y, y + h), abs=0.05)


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "rect", "x": "1", "y": None, "width": True},
        {"name": "circle", "cx": 1, "cy": 2},
        {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": [1, "2", 3], "all_points_y": [1, 2, 3]},
        {"name": "polygon"},
        {"name": "polyline", "all_points_x": 7},
        {"name": "point"},
    ],
)
def test_what_is_no_number_is_left_to_the_box_rules(shape: Shape) -> None:
    found = shape_box(shape)
    assert found is not None
    assert any(math.isnan(value) for value in found[0])
    assert found[1] == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"regions": [_region({"name": "star"}, kind="cat")]}, "regions[0]: unknown shape 'star'"),
        ({"regions": [_region(RECT, kind="\ud800")]}, "regions[0]: no class in the attribute"),
        ({"regions": ["x"]}, "entry 'a.png-1': regions[0] is not an object"),
        ({"regions": 7}, "regions is not a list"),
        ({"file_attributes": []}, "file_attributes is not an object"),
    ],
)
def test_labels_that_cannot_be_read_are_a_problem_of_their_image_alone(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    good = _entry("b.png", _region(RECT, kind="cat"))
    _export(tmp_path, _entry("a.png") | change, good)
    first, second = via.read(tmp_path, "mine").images
    assert problem in first.problem
    assert (second.problem, _classes(second)) == ("", ["cat"])


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["a.png", 1, {}, 1, 0, "{", {}], "line 2: region_shape_attributes is not JSON"),
        (["a.png", 1, {}, 1, 0, RECT, "[1]"], "line 2: region_attributes is not an object"),
        (["a.png", 1, {}, 1, 0, RECT], "line 2: 6 cells where the header has 7"),
    ],
)
def test_a_bad_row_of_a_csv_export_is_a_problem_of_its_image(
    tmp_path: Path, row: list[object], problem: str
) -> None:
    _csv(tmp_path, row, ["b.png", 1, {}, 1, 0, RECT, {"kind": "cat"}])
    first, second = via.read(tmp_path, "mine").images
    assert problem in first.problem
    assert (second.problem, _classes(second)) == ("", ["cat"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"via\.json is not valid JSON"),
        ('{"_via_img_metadata": []}', r"via\.json, _via_img_metadata: it is not an object"),
        ('{"_via_img_metadata": {"a": {}}}', r"via\.json, entry 'a': it has no filename"),
        ('{"_via_img_metadata": {"a": {"filename": ""}}}', "the image name '' has nothing in it"),
        ('{"images": []}', r"no VIA file was found.*found via\.json"),
        ("[1]", "no VIA file was found"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "via.json").write_text(content)
    with pytest.raises(RepriseError, match=message):
        via.read(tmp_path, "mine")


def test_detection_knows_projects_and_both_exports(tmp_path: Path) -> None:
    def detected() -> str | None:
        return via.detect(FileIndex(tmp_path, "mine"))

    (tmp_path / "coco.json").write_text('{"images": [], "annotations": [], "categories": []}')
    (tmp_path / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n")
    assert detected() is None
    _csv(tmp_path)
    assert detected() == "the VIA export via_export.csv"
    _export(tmp_path, _entry("a.png"))
    assert detected() == "the VIA export via_export.json"
    (tmp_path / "a.json").write_text('{"_via_settings": {}, "_via_img_metadata": {}}')
    assert detected() == "the VIA project a.json"


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "x", "cx", "r", "kind", "0"]), inner, max_size=4)
    ),
    max_leaves=6,
)
_SHAPE = st.fixed_dictionaries(
    {"name": st.sampled_from(["rect", "circle", "ellipse", "polygon", "polyline", "point", "no"])},
    optional=dict.fromkeys(("x", "cx", "cy", "r", "rx", "theta", "all_points_x"), _ANY),
)


@settings(max_examples=100, deadline=None)
@given(shape=_SHAPE | _ANY, attributes=_ANY, about=_ANY, regions=_ANY)
def test_any_content_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, shape: Any, attributes: Any, about: Any, regions: Any
) -> None:
    folder = tmp_path_factory.mktemp("via")
    region = {"shape_attributes": shape, "region_attributes": attributes}
    entries = [_entry("a.png", region) | {"file_attributes": about}, _entry("b.png")]
    _export(folder, *entries, entries[1] | {"regions": regions, "filename": "c.png", "size": about})
    _csv(folder, ["d.png", "1", json.dumps(about), 1, 0, json.dumps(shape), json.dumps(attributes)])
    try:
        dataset = via.read(folder, "mine")
    except RepriseError as refusal:
        assert "do not show which attribute is the class" in refusal.problem
    else:
        assert [image.name for image in dataset.images] == ["a.png", "b.png", "c.png", "d.png"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("via")
    drawn = datasets(folder / "from", polygons=True, splits=splits, unlabelled=not splits)
    before = data.draw(drawn)
    (folder / "to").mkdir()
    via.write(before, folder / "to")
    after = via.read(folder / "to", "mine")
    assert_same(before, after)
    assert [image.name for image in after.images] == [image.name for image in before.images]
    assert set(before.classes) <= set(after.classes)


_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0"), min_size=1, max_size=8
)


@settings(max_examples=50, deadline=None)
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
    (again,) = via.read(folder / "to", "mine").images
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
    (again,) = via.read(tmp_path / "to", "mine").images
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
