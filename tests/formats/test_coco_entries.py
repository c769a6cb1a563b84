"""A COCO entry that cannot be used costs the image that it is about, and says why."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders import tiny_coco, write_labels
from formats.strategies import read_labels
from reprise.errors import RepriseError
from reprise.formats import coco
from reprise.formats.records import ImageRecord

Content = dict[str, Any]
Spoil = Callable[[Content], None]


def _delete(section: str, key: str) -> Spoil:
    return lambda content: content[section][1].pop(key)


def _set(section: str, key: str, value: Any) -> Spoil:
    return lambda content: content[section][1].__setitem__(key, value)


def _append(section: str, entry: Any) -> Spoil:
    return lambda content: content[section].append(entry)


def _read(folder: Path, spoil: Spoil) -> dict[str, ImageRecord]:
    """Two images with two boxes each, of which something is spoilt."""
    content = tiny_coco(folder, 2, ("cat", "dog"))
    spoil(content)
    write_labels(folder, content)
    return {image.name: image for image in read_labels(coco, folder).images}


FIRST, SECOND = "images/0000.png", "images/0001.png"
A_BOX = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}


def test_outlines_are_read_as_they_are_and_left_to_the_rules(tmp_path: Path) -> None:
    triangle = [1.0, 1.0, 5.0, 1.0, 5.0, 5.0]
    rle = {"size": [48, 64], "counts": [0, 5, 3067]}
    cases: list[tuple[Any, Any]] = [
        ([triangle], [triangle]),
        ([triangle, [1.0, 2.0]], [triangle, [1.0, 2.0]]),
        ([[*triangle, "x", 1.0]], [[*triangle, math.nan, 1.0]]),
        (rle, rle),
        ({"size": [48], "counts": "x", "more": 1}, {"size": [48], "counts": "x"}),
        ("x", [[math.nan]]),
        (["x", triangle], [[math.nan], triangle]),
        (None, []),
    ]
    content = tiny_coco(tmp_path, 1, boxes_each=len(cases))
    for annotation, (written, _) in zip(content["annotations"], cases, strict=True):
        annotation["segmentation"] = written
    write_labels(tmp_path, content)
    found = [box.segmentation for box in read_labels(coco, tmp_path).images[0].boxes]
    # As text, for NaN is not equal to itself.
    assert repr(found) == repr([read for _, read in cases])


@pytest.mark.parametrize(
    ("spoil", "name", "problem"),
    [
        (_delete("images", "id"), SECOND, "images[1]: the key 'id' is missing"),
        (_set("images", "id", [2]), SECOND, "images[1]: id [2] is neither a whole number nor text"),
        (_set("images", "id", 2.5), SECOND, "images[1]: id 2.5 is neither"),
        (_set("images", "width", -5), SECOND, "images[1]: width -5 is not a positive number"),
        (_set("images", "height", "tall"), SECOND, "height 'tall' is not a positive number"),
        (_delete("annotations", "category_id"), FIRST, "the key 'category_id' is missing"),
        (_set("annotations", "category_id", 99), FIRST, "99 is not among its categories"),
        (_set("annotations", "category_id", "01"), FIRST, "'01' is not among its categories"),
        (_set("annotations", "category_id", True), FIRST, "neither a whole number nor text"),
    ],
)
def test_a_mistake_about_an_image_is_its_problem_alone(
    tmp_path: Path, spoil: Spoil, name: str, problem: str
) -> None:
    images = _read(tmp_path, spoil)
    assert images[name].problem.startswith("annotations.json, ")
    assert problem in images[name].problem
    (other,) = {FIRST, SECOND} - {name}
    assert (images[other].problem, len(images[other].boxes)) == ("", 2)


@pytest.mark.parametrize(
    ("spoil", "name", "problem"),
    [
        (_delete("images", "file_name"), "#images[1]", "the key 'file_name' is missing"),
        (_set("images", "file_name", "\ud800"), "#images[1]", "is not a text with something in it"),
        (_append("images", 5), "#images[2]", "it is not an object"),
        (_append("annotations", 5), "#annotations[4]", "it is not an object"),
        (_delete("annotations", "image_id"), "#annotations[1]", "the key 'image_id' is missing"),
        (_set("annotations", "image_id", [1]), "#annotations[1]", "neither a whole number nor"),
        (_set("annotations", "image_id", "01"), "#image_id='01'", "'01' is not among its images"),
        (_set("annotations", "image_id", 99), "#image_id=99", "99 is not among its images"),
    ],
)
def test_an_entry_about_no_known_image_stands_as_an_image_without_a_file(
    tmp_path: Path, spoil: Spoil, name: str, problem: str
) -> None:
    images = _read(tmp_path, spoil)
    stand_in = images[f"annotations.json{name}"]
    assert (stand_in.path, stand_in.labelled) == (None, True)
    assert problem in stand_in.problem
    assert images[FIRST].problem == ""


def test_annotations_of_one_unknown_image_stand_together(tmp_path: Path) -> None:
    def spoil(content: Content) -> None:
        for annotation in content["annotations"][:2]:
            annotation["image_id"] = 99

    assert len(_read(tmp_path, spoil)["annotations.json#image_id=99"].boxes) == 2


def test_of_two_images_with_one_id_nobody_knows_whose_the_boxes_are(tmp_path: Path) -> None:
    images = _read(tmp_path, _set("images", "id", 1))
    for name in (FIRST, SECOND):
        assert images[name].problem == "annotations.json, images[1]: id 1 is that of two images"


def test_an_image_that_is_listed_twice_is_one(tmp_path: Path) -> None:
    images = _read(tmp_path, lambda content: content["images"].append(content["images"][0]))
    assert [image.problem for image in images.values()] == ["", ""]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_delete("categories", "name"), "categories[1]: the key 'name' is missing"),
        (_set("categories", "name", " "), "name ' ' is not a text with something in it"),
        (_append("categories", {"id": 2, "name": "cow"}), "id 2 is that of 'dog' too"),
    ],
)
def test_a_bad_category_costs_the_images_that_have_it(
    tmp_path: Path, spoil: Spoil, problem: str
) -> None:
    content = tiny_coco(tmp_path, 3, ("cat", "dog"))
    content["annotations"] = [
        {**A_BOX, "image_id": image_id, "category_id": category_id}
        for image_id, category_id in ((1, 1), (2, 2), (3, 1))
    ]
    spoil(content)
    write_labels(tmp_path, content)
    dataset = read_labels(coco, tmp_path)
    assert dataset.classes == ["cat"]
    assert problem in dataset.notes[0]
    first, second, third = dataset.images
    assert (first.problem, third.problem) == ("", "")
    assert "category_id 2 cannot be used: " in second.problem and problem in second.problem


def test_a_category_without_an_id_is_noted(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 1)
    content["categories"] += [{"name": "lost"}, {"id": 1, "name": "button"}]
    write_labels(tmp_path, content)
    dataset = read_labels(coco, tmp_path)
    assert dataset.notes == ["annotations.json, categories[3]: the key 'id' is missing"]
    assert [image.problem for image in dataset.images] == [""]


def test_ids_that_were_written_as_floats_are_whole_numbers(tmp_path: Path) -> None:
    def spoil(content: Content) -> None:
        for annotation in content["annotations"]:
            annotation["image_id"] = float(annotation["image_id"])
            annotation["category_id"] = float(annotation["category_id"])

    assert [len(image.boxes) for image in _read(tmp_path, spoil).values()] == [2, 2]


@pytest.mark.parametrize("bbox", [None, [1, 2, 3], "1 2 3 4", {"x": 1}])
def test_a_box_without_four_numbers_is_left_to_the_rules(tmp_path: Path, bbox: Any) -> None:
    images = _read(tmp_path, _set("annotations", "bbox", bbox))
    assert all(map(math.isnan, images[FIRST].boxes[1].xywh))
    assert images[FIRST].problem == ""


def test_ids_of_annotations_mean_nothing(tmp_path: Path) -> None:
    for spoil in (_set("annotations", "id", 1), _delete("annotations", "id")):
        images = _read(tmp_path, spoil)
        assert [(image.problem, len(image.boxes)) for image in images.values()] == [("", 2)] * 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content.__setitem__("images", {}), "images: it is not a list"),
        (lambda content: content.__setitem__("categories", []), "none of the 4 can be used"),
        (lambda content: content.__setitem__("images", []), r"annotations\[0\]: image_id 1 is not"),
    ],
)
def test_a_file_that_means_nothing_as_a_whole_is_refused(
    tmp_path: Path, spoil: Spoil, message: str
) -> None:
    with pytest.raises(RepriseError, match=message) as caught:
        _read(tmp_path, spoil)
    assert "source 'mine': annotations.json" in caught.value.problem
