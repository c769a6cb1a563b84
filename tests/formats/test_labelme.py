"""LabelMe files are read shape by shape, and written back."""

from __future__ import annotations

import base64
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import labelme
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.masks import rle


def shape(kind: str | None, points: Any, label: str = "cat", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, **more}


def read_shapes(folder: Path, *shapes: Any, **more: Any) -> ImageRecord:
    """One image of 64 x 48 with these shapes."""
    Image.fromarray(picture(1)).save(folder / "a.png")
    content = {"imagePath": "a.png", "imageWidth": 64, "imageHeight": 48, "shapes": [*shapes]}
    (folder / "a.json").write_text(json.dumps({**content, **more}), encoding="utf-8")
    return read_labels(labelme, folder).images[0]


def png(mask: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_rectangle_is_the_box_of_two_corners_in_any_order(tmp_path: Path) -> None:
    corners = [[10, 20.5], [30, 25]], [[30, 20.5], [10, 25]], [[30, 25], [10, 20.5]]
    image = read_shapes(tmp_path, *(shape("rectangle", points) for points in corners))
    assert (image.name, image.width, image.height) == ("a.png", 64, 48)
    assert [box.xywh for box in image.boxes] == [(10, 20.5, 20, 4.5)] * 3
    assert not image.boxes[0].segmentation


@pytest.mark.parametrize("kind", ["polygon", "oriented_rectangle", None, ""])
def test_polygons_are_outlines_with_their_bounds(tmp_path: Path, kind: str | None) -> None:
    (box,) = read_shapes(tmp_path, shape(kind, [[1, 2], [5, 2], [5, 8], [2, 9]])).boxes
    assert box.xywh == (1, 2, 4, 7)
    assert box.segmentation == [[1, 2, 5, 2, 5, 8, 2, 9]]


def test_a_circle_is_its_box_and_a_polygon_on_it(tmp_path: Path) -> None:
    (box,) = read_shapes(tmp_path, shape("circle", [[20, 20], [23, 24]])).boxes
    assert box.xywh == (15, 15, 10, 10)
    assert isinstance(box.segmentation, list)
    outline = np.array(box.segmentation[0]).reshape(-1, 2)
    assert len(outline) == 64
    assert np.hypot(*(outline - 20).T) == pytest.approx(5)


@pytest.mark.parametrize("kind", ["point", "points", "line", "linestrip"])
def test_what_has_no_area_is_a_box_without_size_for_the_rules(tmp_path: Path, kind: str) -> None:
    (box,) = read_shapes(tmp_path, shape(kind, [[7, 8], [9, 20], [1, 1]])).boxes
    assert box == BoxRecord("cat", (7, 8, 0, 0), area=box.area, shape=kind)


def test_coordinates_that_are_no_numbers_are_left_to_the_rules(tmp_path: Path) -> None:
    shapes = [
        shape("rectangle", [[1, None], [3, 4]]),
        shape("polygon", [[1, 2], [3, "four"], [5, 6]]),
        shape("rectangle", []),
    ]
    boxes = read_shapes(tmp_path, *shapes).boxes
    assert all(math.isnan(value) for box in boxes for value in box.xywh)
    assert not any(box.segmentation for box in boxes)


def test_a_mask_lies_at_its_first_point(tmp_path: Path) -> None:
    mask = np.zeros((6, 5), dtype=bool)
    mask[1:5, 2:4] = True
    points = [[10, 20], [14, 25]]
    (box,) = read_shapes(tmp_path, shape("mask", points, mask=png(mask))).boxes
    assert (box.xywh, box.area) == ((12, 21, 2, 4), 8)
    assert isinstance(box.segmentation, dict)
    whole = rle.decode(box.segmentation)
    assert whole.shape == (48, 64)
    assert whole[21:25, 12:14].all() and whole.sum() == 8


def test_a_mask_is_cut_at_the_edge_of_its_image(tmp_path: Path) -> None:
    points = [[62, -1], [70, 2]]
    (box,) = read_shapes(tmp_path, shape("mask", points, mask=png(np.ones((4, 9), bool)))).boxes
    assert (box.xywh, box.area) == ((62, -1, 9, 4), 6)


def test_shapes_of_one_label_and_group_are_one_object(tmp_path: Path) -> None:
    one, two = [[1, 1], [5, 1], [1, 5]], [[9, 9], [12, 9], [9, 15]]
    boxes = read_shapes(
        tmp_path,
        shape("polygon", one, group_id=1),
        shape("polygon", one, "dog", group_id=1),
        shape("rectangle", [[20, 20], [30, 30]]),
        shape("polygon", two, group_id=1),
        shape("rectangle", [[20, 20], [22, 22]], group_id=2),
        shape("rectangle", [[25, 25], [30, 30]], group_id=2),
    ).boxes
    assert [(box.class_name, box.xywh) for box in boxes] == [
        ("cat", (1, 1, 11, 14)),
        ("dog", (1, 1, 4, 4)),
        ("cat", (20, 20, 10, 10)),
        ("cat", (20, 20, 10, 10)),
    ]
    assert boxes[0].segmentation == [[1, 1, 5, 1, 1, 5], [9, 9, 12, 9, 9, 15]]
    assert boxes[3].segmentation == []


def test_masks_of_one_group_are_united_and_outlines_take_rectangles_in(tmp_path: Path) -> None:
    full = png(np.ones((3, 3), bool))
    masks = [shape("mask", [[x, 0], [x + 2, 2]], mask=full, group_id="a") for x in (0, 1)]
    triangle = shape("polygon", [[1, 1], [5, 1], [1, 5]], group_id="b")
    rectangle = shape("rectangle", [[8, 8], [9, 9]], group_id="b")
    united, mixed = read_shapes(tmp_path, *masks, triangle, rectangle).boxes
    assert (united.xywh, united.area) == ((0, 0, 4, 3), 12)
    assert mixed.segmentation == [[1, 1, 5, 1, 1, 5], [8, 8, 9, 8, 9, 9, 8, 9]]


def test_flags_that_are_true_are_labels_of_the_image(tmp_path: Path) -> None:
    image = read_shapes(tmp_path, flags={"wet": True, "dry": False, "": True, "odd": "yes"})
    assert image.labels == ["wet"]
    assert read_labels(labelme, tmp_path).classes == ["wet"]


PROBLEMS: list[tuple[Any, str]] = [
    (5, "shape 1 is not an object"),
    (shape(["blob"], [[1, 2]]), "its shape_type ['blob'] is not a text with something in it"),
    (shape("polygon", [[1, 2, 3]]), "has points that are not a list of [x, y]"),
    (shape("polygon", None), "has points that are not a list of [x, y]"),
    (shape("circle", [[1, 2]]), "is a circle of 1 points instead of 2"),
    (shape("polygon", [], " "), "label ' ' is not a text"),
    (shape("polygon", [], "\ud800"), "label '\\ud800' is not a text"),
    (shape("polygon", [], group_id=[1]), "has the group_id [1]"),
    (shape("mask", [[1, 2]]), "is a mask without pixels"),
    (shape("mask", [[1, 2]], mask="?"), "whose pixels are not a PNG image in base64"),
    (shape("mask", [[1, 2]], mask="aaaa"), "whose pixels are not a PNG image in base64"),
    (shape("mask", [], mask="aaaa"), "is a mask without a place"),
    (shape("mask", [[1e300, 2]], mask="aaaa"), "is a mask without a place"),
    (
        shape("mask", [[1, 2]], mask=png(np.ones((64, 64), bool))),
        "that fits the image: it has more than",
    ),
]


@pytest.mark.parametrize(("entry", "problem"), PROBLEMS)
def test_a_shape_that_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, entry: Any, problem: str
) -> None:
    image = read_shapes(tmp_path, entry, flags={"wet": True})
    assert problem in image.problem
    assert (image.boxes, image.labels) == ([], [])


def test_what_masks_need_of_their_image(tmp_path: Path) -> None:
    mask = shape("mask", [[1, 2]], mask=png(np.ones((2, 2), bool)))
    assert "does not state the image's size" in read_shapes(tmp_path, mask, imageWidth=0).problem
    assert "more than 64000000 pixels" in read_shapes(tmp_path, mask, imageWidth=10**8).problem
    mixed = [{**mask, "group_id": 1}, shape("rectangle", [[1, 2], [3, 4]], group_id=1)]
    assert "group 1 of 'cat' mixes masks" in read_shapes(tmp_path, *mixed).problem


@given(place=st.integers(0, 80), byte=st.integers(0, 255), cut=st.integers(0, 80))
def test_a_damaged_mask_is_read_or_becomes_a_problem(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    data = bytearray(base64.b64decode(png(np.eye(6, dtype=bool))))
    data[place % len(data)] = byte
    text = base64.b64encode(data[: len(data) - cut % len(data)]).decode()
    image = read_shapes(folder, shape("mask", [[1, 2]], mask=text))
    assert bool(image.problem) != bool(image.boxes)


@pytest.mark.parametrize("side", [-5, "wide", True, 10**400, 1e30])
def test_a_size_that_is_no_number_of_pixels(tmp_path: Path, side: Any) -> None:
    assert "imageWidth" in read_shapes(tmp_path, imageWidth=side).problem


def test_the_image_is_found_from_the_label_file(tmp_path: Path) -> None:
    for name in ("images/a.png", "train/b.png", "val/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(len(name))).save(tmp_path / name)
    (tmp_path / "labels").mkdir()
    cases = {
        "labels/a.json": ("..\\images\\a.png", "images/a.png"),
        "labels/1.json": ("/home/me/train/b.png", "train/b.png"),
        "val/b.json": ("b.png", "val/b.png"),
        "labels/gone.json": ("gone.jpg", "gone.jpg"),
        "labels/unnamed.json": (None, "labels/unnamed.json"),
    }
    for label, (written, _) in cases.items():
        content: dict[str, Any] = {"shapes": [], "imagePath": written, "imageData": "ignored"}
        (tmp_path / label).write_text(json.dumps(content))
    dataset = read_labels(labelme, tmp_path)
    assert [image.name for image in dataset.images] == sorted(name for _, name in cases.values())
    assert {image.name for image in dataset.images if image.path is None} == {
        "gone.jpg",
        "labels/unnamed.json",
    }
    assert [image.split for image in dataset.images if image.name[-5:] == "b.png"] == [
        "train",
        "val",
    ]


@pytest.mark.parametrize("text", ['{"shapes": [', "\xff", "[" * 100_000])
def test_what_is_not_json_is_a_problem_of_its_image(tmp_path: Path, text: str) -> None:
    read_shapes(tmp_path)
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    (image,) = read_labels(labelme, tmp_path).images
    assert image.problem.startswith("its label file is not valid JSON")
    assert image.name == "a.png"


def test_other_json_is_neither_read_nor_taken_for_labelme(tmp_path: Path) -> None:
    for name, content in (("list.json", []), ("config.json", {"shapes": 5, "imagePath": ""})):
        (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(
        RepriseError, match=r"no LabelMe file was found.*found \w+\.json, \w+\.json"
    ):
        read_labels(labelme, tmp_path)
    (tmp_path / "config.json").unlink()
    assert labelme.detect(FileIndex(tmp_path, "mine")) is None
    read_shapes(tmp_path, imageData="x" * 300_000)
    found = labelme.detect(FileIndex(tmp_path, "mine"))
    assert found == "2 JSON file(s), a.json in the form of LabelMe"


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    options = {"polygons": True, "parts": 3, "masks": True, "labels": True, "unlabelled": True}
    before = data.draw(datasets(pictures, splits=data.draw(st.booleans()), **options))
    folder = tmp_path_factory.mktemp("written")
    labelme.write(before, folder)
    if any(image.labelled for image in before.images):
        after = read_labels(labelme, folder)
        assert_same(before, after)
        assert after.classes == before.classes
        assert labelme.detect(FileIndex(folder, "mine")) is not None


def test_what_labelme_cannot_hold_is_refused(tmp_path: Path) -> None:
    def refused(message: str, segmentation: dict[str, object], iscrowd: int = 0) -> None:
        image = images(tmp_path / "pictures")[0]
        image.boxes = [BoxRecord("cat", (1, 2, 3, 4), 1.0, iscrowd, segmentation)]
        with pytest.raises(RepriseError, match=message):
            labelme.write(SourceDataset("mine", [image], []), tmp_path / message[:9])

    refused("labelme cannot hold crowds", {}, iscrowd=1)
    refused(
        r"image a.png: .* has a mask of 2 x 2 pixels, the image is 64 x 48",
        {"size": [2, 2], "counts": [4]},
    )
    refused(r"run lengths do not fill a mask of 48 x 64", {"size": [48, 64], "counts": [4]})


def test_a_mask_without_pixels_is_written_as_its_box(tmp_path: Path) -> None:
    image = images(tmp_path / "pictures")[0]
    empty = {"size": [48, 64], "counts": [48 * 64]}
    image.boxes = [BoxRecord("cat", (1, 2, 3, 4), segmentation=empty)]
    labelme.write(SourceDataset("mine", [image], []), tmp_path / "out")
    (box,) = read_labels(labelme, tmp_path / "out").images[0].boxes
    assert (box.xywh, box.segmentation) == ((1, 2, 3, 4), [])


def test_real_screenshots(shared_datasets: Path) -> None:
    dataset = read_labels(labelme, shared_datasets / "gui_screens_labelme", "screens")
    found = {
        image.name: (image.width, image.height, Counter(box.class_name for box in image.boxes))
        for image in dataset.images
    }
    adobe = {"textview": 12, "textbutton": 6, "iconbutton": 4}
    bitget = {"combinedbutton": 14, "textview": 11, "iconbutton": 6, "imageview": 5}
    assert found == {
        "Adobe/6.jpg": (1080, 2340, adobe),
        "Bitget1/1.jpg": (1080, 2400, {**bitget, "textbutton": 5, "inputbox": 1}),
    }
    assert all(box.xywh[2] > 0 < box.xywh[3] for i in dataset.images for box in i.boxes)
