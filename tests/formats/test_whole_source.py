"""What is decided over all labels of a source, whatever its format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import picture, tiny_coco, tiny_yolo, write_labels
from reprise.errors import RepriseError
from reprise.formats.records import (
    NO_GEOMETRY,
    ROTATED,
    BoxRecord,
    ImageRecord,
    ReadOptions,
    SourceDataset,
)
from reprise.formats.source_labels import read_source
from reprise.formats.whole_source import settle
from reprise.masks import rle

NAN = float("nan")
NO_BOX = (NAN, NAN, NAN, NAN)


def settled(*boxes: BoxRecord, **fields: Any) -> tuple[ImageRecord, list[str]]:
    """One image of 200 x 160 pixels after the decisions, and what is told."""
    image = ImageRecord("a.png", Path("a.png"), 200, 160, boxes=list(boxes), **fields)
    dataset = settle(SourceDataset("mine", [image], ["cat"]))
    return dataset.images[0], dataset.notes


def coco(folder: Path, *annotations: dict[str, Any]) -> SourceDataset:
    """A COCO source of one image with these annotations of its class ``cat``."""
    content = tiny_coco(folder, 1, ("cat", "Background"), size=(200, 160))
    content["annotations"] = [
        {"id": place, "image_id": 1, "category_id": 1, **entry}
        for place, entry in enumerate(annotations, start=1)
    ]
    write_labels(folder, content)
    return read_source(folder, "mine", "coco", ReadOptions())


@pytest.mark.parametrize("bbox", [None, [], [0, 0, 0, 0], [NAN, 1, 2, 3], [5, 5]])
def test_a_missing_box_is_that_around_the_outline(tmp_path: Path, bbox: Any) -> None:
    rim = [50, 40, 120, 40, 120, 100, 50, 100]
    entry = {"segmentation": [rim], **({} if bbox is None else {"bbox": bbox})}
    dataset = coco(tmp_path, entry)
    (box,) = dataset.images[0].boxes
    assert (box.xywh, box.segmentation) == ((50, 40, 70, 60), [rim])
    assert "1 box(es) were missing or empty: taken around their outlines" in dataset.notes[0]


def test_a_missing_box_is_that_around_the_mask() -> None:
    mask = np.zeros((160, 200), dtype=bool)
    mask[30:40, 50:70] = True
    image, _ = settled(BoxRecord("cat", NO_BOX, segmentation=rle.encode_mask(mask)))
    assert image.boxes[0].xywh == (50, 30, 20, 10)
    broken = BoxRecord("cat", NO_BOX, segmentation={"size": [160, 200], "counts": [7]})
    assert np.isnan(settled(broken)[0].boxes[0].xywh[0])


def test_a_box_turned_by_its_attribute(tmp_path: Path) -> None:
    entry = {"bbox": [50, 70, 100, 20], "segmentation": [], "attributes": {"rotation": 90.0}}
    dataset = coco(tmp_path, entry, entry | {"attributes": {"rotation": 0.0}})
    turned, plain = dataset.images[0].boxes
    assert turned.xywh == (90, 30, 20, 100)
    assert turned.segmentation == [[110, 30, 110, 130, 90, 130, 90, 30]]
    assert (plain.xywh, plain.segmentation) == ((50, 70, 100, 20), [])
    assert dataset.notes == [
        "1 rotated rectangle(s) are read as polygons, with the boxes around them; the first is in "
        "images/0000.png"
    ]


def test_a_box_of_five_numbers_is_not_guessed_at(tmp_path: Path) -> None:
    good = {"bbox": [1, 2, 30, 40]}
    (image,) = coco(tmp_path, good, {"bbox": [50, 70, 100, 20, 30]}).images
    assert "bbox has 5 numbers, a turned box" in image.problem
    (image,) = coco(tmp_path / "b", good, {"bbox": [50, 70, 100, 20], "angle": 30}).images
    assert "the box is turned by its 'angle', which may be of several kinds" in image.problem


def test_a_category_without_geometry_is_a_label_of_the_image(tmp_path: Path) -> None:
    dataset = coco(tmp_path, {}, {"bbox": [], "segmentation": [[]]}, {"bbox": [1, 2, 30, 40]})
    (image,) = dataset.images
    assert (image.labels, len(image.boxes)) == (["cat"], 1)
    assert "2 label(s) have a class and no place" in dataset.notes[0]
    assert settled(BoxRecord("cat", NO_BOX, shape=NO_GEOMETRY))[0].labels == ["cat"]


def test_background_is_no_class(tmp_path: Path) -> None:
    entry = {"bbox": [1, 2, 30, 40]}
    dataset = coco(tmp_path, entry, entry | {"category_id": 2})
    assert dataset.classes == ["cat"]
    assert [box.class_name for box in dataset.images[0].boxes] == ["cat"]
    assert dataset.notes == ["1 label(s) of the class 'Background' are taken as none"]
    image, _ = settled(labels=["background", "cat"])
    assert image.labels == ["cat"]


def test_pictures_whose_labels_may_be_lost_are_no_background(tmp_path: Path) -> None:
    tiny_yolo(tmp_path, 3)
    (tmp_path / "labels/0001.txt").rename(tmp_path / "labels/other.txt")
    dataset = read_source(tmp_path, "mine", "yolo", ReadOptions())
    assert dataset.lists_images
    assert (
        "1 label(s) find no picture, such as labels/other.txt, so that the 1 pict"
        in (dataset.notes[-1])
    )
    (tmp_path / "labels/other.txt").unlink()
    dataset = read_source(tmp_path, "mine", "yolo", ReadOptions())
    assert (dataset.lists_images, dataset.notes) == (False, [])


def test_coordinates_that_all_lie_between_0_and_1_are_fractions() -> None:
    rim = [0.25, 0.25, 0.6, 0.25, 0.6, 0.75]
    image, notes = settled(BoxRecord("cat", (0.25, 0.25, 0.35, 0.5), segmentation=[rim]))
    assert image.normalised
    assert notes == [
        "all coordinates lie between 0 and 1: the 1 box(es) are read as fractions of their "
        "images, not as pixels"
    ]
    one = [BoxRecord("cat", (0, 0, 1, 1)), BoxRecord("cat", (0, 0, 30, 20))]
    assert not settled(*one)[0].normalised
    mask = rle.encode_mask(np.ones((160, 200), dtype=bool))
    assert not settled(BoxRecord("cat", (0, 0, 1, 1), segmentation=mask))[0].normalised


def test_fractions_far_above_1_are_pixels(tmp_path: Path) -> None:
    tiny_yolo(tmp_path, 3)
    for label in tmp_path.glob("labels/*.txt"):
        label.write_text("0 32 24 40 20\n")
    dataset = read_source(tmp_path, "mine", "yolo", ReadOptions())
    assert dataset.opened_images
    assert [image.boxes[0].xywh for image in dataset.images] == [(12, 14, 40, 20)] * 3
    assert not any(image.normalised for image in dataset.images)
    assert dataset.notes == [
        "most coordinates are far above 1: the 3 box(es) are read as pixels, not as fractions of "
        "their images"
    ]


@pytest.mark.parametrize(
    ("line", "size", "said"),
    [
        ("0 300 240 400 200", (64, 48), "leave their images, whether their numbers are read as"),
        ("0 50 50 20 40", (640, 480), "they may be percent of the image"),
    ],
)
def test_numbers_that_fit_neither_are_asked_about(
    tmp_path: Path, line: str, size: tuple[int, int], said: str
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for number in range(3):
        Image.fromarray(picture(number, *size)).save(tmp_path / f"images/{number}.png")
        (tmp_path / f"labels/{number}.txt").write_text(line)
    with pytest.raises(RepriseError, match=said):
        read_source(tmp_path, "mine", "yolo", ReadOptions())


def test_boxes_that_mostly_leave_their_images_mean_something_else(tmp_path: Path) -> None:
    corners = [[40 + n, 50, 120 + n, 130] for n in range(12)]
    with pytest.raises(RepriseError, match=r"12 of 12 boxes leave.* as left, top, right, bottom"):
        coco(tmp_path / "coco", *({"bbox": [x, y, w + 60, h]} for x, y, w, h in corners))
    tiny_yolo(tmp_path / "yolo", 12)
    for label in (tmp_path / "yolo/labels").iterdir():
        label.write_text("0 0.1 0.2 0.9 0.7\n")
    with pytest.raises(RepriseError, match=r"12 of 12 boxes leave.* as left, top, right, bottom"):
        read_source(tmp_path / "yolo", "mine", "yolo", ReadOptions())


@pytest.mark.parametrize("kind", ["rotation", "star"])
def test_a_shape_that_is_not_known_costs_itself_alone(tmp_path: Path, kind: str) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    points = [[4, 3], [12, 2], [12.5, 6], [4.5, 7]]
    shapes = [
        {"label": "nut", "points": points, "shape_type": kind, "direction": 6.15},
        {"label": "nut", "points": [[1, 1], [5, 5]], "shape_type": "rectangle"},
    ]
    content = {"shapes": shapes, "imagePath": "a.png", "imageHeight": 48, "imageWidth": 64}
    (tmp_path / "a.json").write_text(json.dumps(content))
    dataset = read_source(tmp_path, "mine", "labelme", ReadOptions())
    first, second = dataset.images[0].boxes
    assert second.xywh == (1, 1, 4, 4)
    if kind == "rotation":
        assert first.xywh == (4, 2, 8.5, 5)
        assert first.segmentation == [[value for point in points for value in point]]
    else:
        assert first.shape == "star"
        assert "1 shape(s) have no area, or none that is known" in dataset.notes[0]


def test_a_shape_of_via_that_is_not_known_costs_itself_alone(tmp_path: Path) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    rect = {"name": "rect", "x": 1, "y": 2, "width": 30, "height": 40}
    regions = [
        {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
        for shape in (rect, {"name": "star"}, {})
    ]
    entry = {"filename": "a.png", "size": -1, "regions": regions, "file_attributes": {}}
    (tmp_path / "via.json").write_text(json.dumps({"a.png-1": entry}))
    (image,) = read_source(tmp_path, "mine", "via", ReadOptions()).images
    assert [box.shape for box in image.boxes] == ["", "star"]
    assert image.labels == ["cat"]


def test_an_angle_beside_a_plain_box_is_never_passed_over(tmp_path: Path) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    shape = {"label": "nut", "points": [[1, 1], [5, 5]], "shape_type": "rectangle", "angle": 0.5}
    content = {"shapes": [shape], "imagePath": "a.png", "imageHeight": 48, "imageWidth": 64}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = read_source(tmp_path, "mine", "labelme", ReadOptions()).images
    assert image.boxes[0].shape == "rectangle with angle"
    (tmp_path / "a.json").unlink()
    (tmp_path / "b.csv").write_text(
        "filename,class,xmin,ymin,xmax,ymax,Rotation\na.png,cat,1,2,30,40,90\n"
    )
    dataset = read_source(tmp_path, "mine", "boxes_csv", ReadOptions())
    assert dataset.notes[0].startswith("boxes are not turned by Rotation: ")


def test_turned_boxes_are_counted() -> None:
    turned = BoxRecord("cat", (1, 2, 30, 40), shape=ROTATED)
    assert settled(turned, turned)[1][0].startswith("2 rotated rectangle(s)")
