"""Azure Custom Vision exports: regions in fractions, tags of whole images, and the way back."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import customvision
from reprise.formats.file_index import FileIndex
from reprise.formats.records import SourceDataset

Entries = list[dict[str, Any]]


def _region(tag: str, *place: float) -> dict[str, Any]:
    return {"tagName": tag, **dict(zip(("left", "top", "width", "height"), place, strict=True))}


def _export() -> Entries:
    """Two images as the service lists them."""
    entry = {"width": 64, "height": 48, "created": "2018", "imageUri": None, "thumbnailUri": "x"}
    tags = [{"tagId": "1", "tagName": "Form"}, {"tagId": "2", "tagName": "Button"}]
    regions = [_region("Button", 0.1, 0.2, 0.3, 0.4), _region("Label", 0, 0, 1, 1)]
    return [
        {**entry, "id": "aa-1", "tags": tags, "regions": regions},
        {**entry, "id": "bb-2", "tags": [], "regions": []},
    ]


def _write(folder: Path, entries: Any, name: str = "dataset.json") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(entries), encoding="utf-8")


def _images(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def test_reads_regions_tags_and_sizes(tmp_path: Path) -> None:
    _images(tmp_path, "images/aa-1.png", "images/bb-2.jpg", "images/cc-3.png")
    _write(tmp_path, _export())
    dataset = read_labels(customvision, tmp_path)
    first, second, third = dataset.images
    assert [image.name for image in dataset.images] == [
        "images/aa-1.png",
        "images/bb-2.jpg",
        "images/cc-3.png",
    ]
    assert (first.width, first.height, first.normalised, first.keys) == (64, 48, True, {})
    assert [(box.class_name, box.xywh) for box in first.boxes] == [
        ("Button", (0.1, 0.2, 0.3, 0.4)),
        ("Label", (0, 0, 1, 1)),
    ]
    assert first.labels == ["Form", "Button"]
    assert (second.boxes, second.labels, second.labelled) == ([], [], True)
    assert not third.labelled
    assert dataset.classes == ["Form", "Button", "Label"]
    assert dataset.lists_images


@pytest.mark.parametrize(
    "name",
    ["aa-1.webp", "images/aa-1.png", "export/aa-1.png", "export/images/aa-1.png", "x/y/aa-1.bmp"],
)
def test_an_image_is_found_by_its_id(tmp_path: Path, name: str) -> None:
    _images(tmp_path, name, "images/aa-10.png", "images/baa-1.png")
    _write(tmp_path, _export()[:1], "export/dataset.json")
    labelled = [
        image.name for image in read_labels(customvision, tmp_path).images if image.labelled
    ]
    assert labelled == [name]


def test_of_several_images_of_an_id_the_one_in_the_folder_images_is_meant(tmp_path: Path) -> None:
    _images(tmp_path, "images/aa-1.png", "old/images/aa-1.png")
    _write(tmp_path, _export()[:1])
    labelled = [image.name for image in read_labels(customvision, tmp_path).images if image.boxes]
    assert labelled == ["images/aa-1.png"]


def test_an_image_that_is_missing_is_named_by_its_id(tmp_path: Path) -> None:
    _images(tmp_path, "images/bb-2.png")
    _write(tmp_path, _export())
    first = read_labels(customvision, tmp_path).images[0]
    assert (first.name, first.path, len(first.boxes)) == ("aa-1", None, 2)


def test_an_id_that_fits_several_images_is_a_problem_of_all_of_them(tmp_path: Path) -> None:
    _images(tmp_path, "images/aa-1.png", "images/aa-1.jpg")
    _write(tmp_path, _export())
    problem = "[0]: 'aa-1' fits several files: images/aa-1.jpg"
    images = {image.name: image for image in read_labels(customvision, tmp_path).images}
    for name in ("aa-1", "images/aa-1.jpg", "images/aa-1.png"):
        assert problem in images[name].problem


def test_an_image_that_nobody_has_tagged_is_unlabelled(tmp_path: Path) -> None:
    entries = _export()
    entries[1].update(tags=None, regions=None)
    _write(tmp_path, entries)
    assert [image.labelled for image in read_labels(customvision, tmp_path).images] == [
        True,
        False,
    ]


def test_files_named_after_splits_give_the_split(tmp_path: Path) -> None:
    one, other = _export()
    _write(tmp_path, [one], "train.json")
    _write(tmp_path, [other], "test.json")
    dataset = read_labels(customvision, tmp_path)
    assert [image.split for image in dataset.images] == ["train", "test"]
    _write(tmp_path, [one], "test.json")
    with pytest.raises(RepriseError, match=r"more than one of test, train: aa-1"):
        read_labels(customvision, tmp_path)


def test_what_is_no_number_is_left_to_the_box_rules(tmp_path: Path) -> None:
    entries = _export()
    entries[0]["regions"][0].update(left="near", top=None)
    del entries[0]["width"]
    _write(tmp_path, entries)
    image = read_labels(customvision, tmp_path).images[0]
    assert image.width is None
    assert [math.isnan(value) for value in image.boxes[0].xywh] == [True, True, False, False]


# A change, the image that it costs, and why.
FIRST, SECOND = "aa-1", "bb-2"
MISTAKES: list[tuple[Callable[[Entries], Any], str, str]] = [
    (lambda e: e[1].pop("id"), "dataset.json#[1]", "id None is not a text"),
    (lambda e: e[1].update(id=" "), "dataset.json#[1]", "id ' ' is not a text"),
    (lambda e: e[1].update(id="\ud800"), "dataset.json#[1]", "id '\\ud800' is not a text"),
    (lambda e: e.append([]), "dataset.json#[2]", "it is not an object"),  # type: ignore[arg-type]
    (lambda e: e[1].update(id="aa-1"), FIRST, "id 'aa-1' occurs twice"),
    (lambda e: e[1].update(width=-4), SECOND, "width -4 is not a positive number"),
    (lambda e: e[1].update(height=1e300), SECOND, "height 1e+300 is not a positive number"),
    (lambda e: e[1].update(tags={}), SECOND, "tags is not a list"),
    (lambda e: e[0]["tags"].append("x"), FIRST, "tags[2]: tagName None is not a text"),
    (lambda e: e[0]["regions"][1].pop("tagName"), FIRST, "regions[1]: tagName None is not"),
]


@pytest.mark.parametrize(("spoil", "name", "reason"), MISTAKES)
def test_a_mistake_costs_its_image_and_is_told(
    tmp_path: Path, spoil: Callable[[Entries], Any], name: str, reason: str
) -> None:
    entries = _export()
    spoil(entries)
    _write(tmp_path, entries)
    found = {image.name: image for image in read_labels(customvision, tmp_path).images}
    assert re.fullmatch(r"dataset\.json#\[\d\]: " + re.escape(reason) + ".*", found[name].problem)
    assert [image.name for image in found.values() if image.problem] == [name]


def test_no_label_file_says_what_was_looked_for(tmp_path: Path) -> None:
    _write(tmp_path, {"images": []}, "coco.json")
    with pytest.raises(RepriseError, match=r"no Custom Vision file was found.*found coco\.json"):
        read_labels(customvision, tmp_path)
    (tmp_path / "coco.json").write_text("[")
    with pytest.raises(RepriseError, match=r"coco\.json is not valid JSON"):
        read_labels(customvision, tmp_path)


def test_detection_needs_a_list_with_tags_and_regions(tmp_path: Path) -> None:
    def detected() -> str | None:
        return customvision.detect(FileIndex(tmp_path, "mine"))

    _write(tmp_path, {"id": 1, "tags": [], "regions": []}, "object.json")
    _write(tmp_path, [{"id": "a", "boxes": []}], "other.json")
    assert detected() is None
    _write(tmp_path, _export())
    assert detected() == "a list of tags and regions in dataset.json"


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "tagName", "left", "width"]), inner, max_size=4)
    ),
    max_leaves=6,
)
_ENTRY = st.dictionaries(
    st.sampled_from(["id", "width", "height", "tags", "regions", "synthetic", "site"]), _ANY
)


@settings(max_examples=100)
@given(entries=st.lists(_ENTRY | _ANY, max_size=3))
def test_any_content_is_read(tmp_path_factory: pytest.TempPathFactory, entries: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("customvision")
    _write(folder, [*_export(), *entries])
    dataset = read_labels(customvision, folder)
    assert all(
        image.problem.startswith("dataset.json#[")
        for image in dataset.images
        if image.name.startswith("dataset.json#")
    )
    assert len(dataset.images) <= 2 + len(entries)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("customvision")
    before = data.draw(datasets(folder / "from", labels=True, unlabelled=True, splits=splits))
    (folder / "to").mkdir()
    customvision.write(before, folder / "to")
    after = read_labels(customvision, folder / "to")
    assert_same(before, after)
    assert [image.name for image in after.images] == [image.name for image in before.images]
    assert sorted(after.classes) == before.classes


def test_keys_and_the_mark_of_synthetic_images_survive(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    image = images(tmp_path / "from")[0]
    image.keys, image.synthetic = {"site": "north, 1", "ünï": "7"}, True
    customvision.write(SourceDataset("mine", [image], []), tmp_path / "to")
    (again,) = read_labels(customvision, tmp_path / "to").images
    assert (again.keys, again.synthetic) == (image.keys, True)


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    one, other = images(tmp_path / "from")[:2]
    other.name = "a.jpg"
    with pytest.raises(RepriseError, match=r"a\.png and a\.jpg of 'mine' share one"):
        customvision.write(SourceDataset("mine", [one, other], []), tmp_path / "to")
    one.keys = {"created": "today"}
    with pytest.raises(RepriseError, match="cannot hold the key 'created'"):
        customvision.write(SourceDataset("mine", [one], []), tmp_path / "elsewhere")


def test_a_real_export(shared_datasets: Path) -> None:
    folder = shared_datasets / "gui_sketch2code"
    dataset = read_labels(customvision, folder, "sketches")
    assert len(dataset.images) == 80
    assert all(image.path and image.labelled and not image.problem for image in dataset.images)
    boxes = [box for image in dataset.images for box in image.boxes]
    assert len(boxes) == 1158
    assert Counter(box.class_name for box in boxes) == {
        "Label": 441,
        "Heading": 150,
        "TextBox": 137,
        "Image": 85,
        "CheckBox": 77,
        "Button": 73,
        "Paragraph": 72,
        "RadioButton": 72,
        "ComboBox": 37,
        "Link": 14,
    }
    assert Counter(name for image in dataset.images for name in image.labels) == {
        "Label": 71,
        "Heading": 65,
        "TextBox": 45,
        "Button": 44,
        "Image": 29,
        "Paragraph": 24,
        "RadioButton": 23,
        "CheckBox": 19,
        "ComboBox": 16,
        "Link": 8,
    }
    assert customvision.detect(FileIndex(folder, "sketches")) is not None
