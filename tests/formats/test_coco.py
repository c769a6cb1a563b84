"""COCO label files are read as they are, or refused with the place of the mistake."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture, tiny_coco, write_labels
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import coco
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, SourceDataset


def test_reads_images_boxes_classes_and_grouping_keys(tmp_path: Path) -> None:
    tiny_coco(tmp_path, 3, ("cat", "dog"), keys=lambda i: {"template": f"t{i}", "look": 7})
    dataset = read_labels(coco, tmp_path)
    assert dataset.source == "mine"
    assert dataset.classes == ["cat", "dog"]
    assert [image.name for image in dataset.images] == [f"images/000{i}.png" for i in range(3)]
    first = dataset.images[0]
    assert first.path == tmp_path / "images/0000.png"
    assert (first.width, first.height, first.synthetic) == (64, 48, False)
    assert first.keys == {"template": "t0", "look": "7"}
    assert [box.class_name for box in first.boxes] == ["cat", "dog"]
    assert first.boxes[0].area == first.boxes[0].xywh[2] * first.boxes[0].xywh[3]


def test_order_of_the_entries_does_not_matter(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 4)
    before = read_labels(coco, tmp_path)
    content["images"].reverse()
    write_labels(tmp_path, content)
    assert read_labels(coco, tmp_path) == before


def test_several_files_are_merged_each_with_its_own_ids(tmp_path: Path) -> None:
    tiny_coco(tmp_path / "train", 2, ("cat", "dog"))
    tiny_coco(tmp_path / "val", 1, ("dog", "bird"), seed=1)
    dataset = read_labels(coco, tmp_path)
    assert dataset.classes == ["cat", "dog", "bird"]
    assert [image.name for image in dataset.images] == [
        "train/images/0000.png",
        "train/images/0001.png",
        "val/images/0000.png",
    ]
    assert [box.class_name for box in dataset.images[2].boxes] == ["dog", "bird"]


def test_labels_in_another_folder_than_the_images(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 2)
    (tmp_path / "annotations.json").unlink()
    (tmp_path / "labels").mkdir()
    for written in ("0000.png", "images/0000.png", "images\\0000.png", "./images/0000.png"):
        content["images"][0]["file_name"] = written
        write_labels(tmp_path / "labels", content)
        assert read_labels(coco, tmp_path).images[0].name == "images/0000.png"


def test_a_file_name_cannot_reach_outside_the_source(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path / "mine", 2)
    Image.fromarray(picture(1)).save(tmp_path / "secret.png")
    for written in ("../secret.png", str(tmp_path / "secret.png")):
        content["images"][0]["file_name"] = written
        write_labels(tmp_path / "mine", content)
        dataset = read_labels(coco, tmp_path / "mine")
        assert [image.name for image in dataset.images if image.path is None] == [written]


def test_a_name_that_fits_several_files_is_a_problem_of_all_of_them(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 1)
    (tmp_path / "more").mkdir()
    (tmp_path / "images/0000.png").rename(tmp_path / "more/0000.png")
    tiny_coco(tmp_path / "third", 1)
    (tmp_path / "third/annotations.json").unlink()
    content["images"][0]["file_name"] = "0000.png"
    write_labels(tmp_path, content)
    images = read_labels(coco, tmp_path).images
    assert [image.name for image in images] == [
        "0000.png",
        "more/0000.png",
        "third/images/0000.png",
    ]
    assert all("fits several files: more/0000.png, third/images" in i.problem for i in images)


def test_of_two_namesakes_the_one_near_the_label_file_is_meant(tmp_path: Path) -> None:
    for place in ("north", "south"):
        content = tiny_coco(tmp_path / place, 1)
        (tmp_path / place / "annotations.json").unlink()
    content["images"][0]["file_name"] = "0000.png"
    (tmp_path / "south/labels").mkdir()
    write_labels(tmp_path / "south/labels", content)
    found = {image.name: image.labelled for image in read_labels(coco, tmp_path).images}
    assert found == {"north/images/0000.png": False, "south/images/0000.png": True}


def test_of_two_namesakes_the_one_in_the_label_files_own_folder_is_meant(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for split in ("train", "val"):
        content = tiny_coco(tmp_path / split, 1)
        (tmp_path / split / "annotations.json").unlink()
        content["images"][0]["file_name"] = "0000.png"
        labels = tmp_path / "annotations" / f"instances_{split}.json"
        labels.write_text(json.dumps(content))
    names = [image.name for image in read_labels(coco, tmp_path).images]
    assert names == ["train/images/0000.png", "val/images/0000.png"]


def test_what_the_labels_do_not_say(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 2)
    for key in ("width", "height"):
        content["images"][0][key] = 0
        del content["images"][1][key]
    del content["annotations"][0]["area"]
    content["annotations"][0]["bbox"][0] = None
    (tmp_path / "images/0001.png").unlink()
    Image.fromarray(picture(9)).save(tmp_path / "images/extra.PNG")
    write_labels(tmp_path, content)
    dataset = read_labels(coco, tmp_path)
    assert [(image.width, image.height) for image in dataset.images[:2]] == [(None, None)] * 2
    assert dataset.images[1].path is None
    extra = dataset.images[2]
    assert (extra.name, extra.labelled, extra.boxes) == ("images/extra.PNG", False, [])
    assert dataset.lists_images
    box = dataset.images[0].boxes[0]
    assert math.isnan(box.area) and math.isnan(box.xywh[0])


@pytest.mark.parametrize("text", ['{"images": [', "\xff\xfe", "[" * 100_000, "1" * 5000])
def test_what_is_not_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text, encoding="latin-1")
    with pytest.raises(RepriseError, match=r"labels\.json is not valid JSON"):
        read_labels(coco, tmp_path)


def test_no_label_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"found no \.json file at all"):
        read_labels(coco, tmp_path)
    (tmp_path / "captions.json").write_text(json.dumps({"images": [], "annotations": []}))
    with pytest.raises(RepriseError, match=r"images, annotations, categories; found captions"):
        read_labels(coco, tmp_path)


def test_a_real_coco_dataset_with_two_label_files(shared_datasets: Path) -> None:
    folder = shared_datasets / "coco_polygons_car_tree_bug"
    dataset = read_labels(coco, folder, "cars")
    assert {"car", "tree", "bug"} >= {box.class_name for i in dataset.images for box in i.boxes}
    assert all(image.path is not None for image in dataset.images)
    assert any(box.segmentation for image in dataset.images for box in image.boxes)
    assert {image.split for image in dataset.images} == {"train", "val"}
    found = coco.detect(FileIndex(folder, "cars"))
    assert found is not None and "annotations/instances_train.json" in found


def test_the_split_is_the_label_files_or_else_the_folders(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path / "Training", 1)
    assert read_labels(coco, tmp_path).images[0].split == "train"
    (tmp_path / "Training/annotations.json").unlink()
    for name, split in (("all.json", "train"), ("instances_val2017.json", "val")):
        (tmp_path / name).write_text(json.dumps(content))
        assert read_labels(coco, tmp_path).images[0].split == split
        (tmp_path / name).unlink()


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    drawn = datasets(
        tmp_path_factory.getbasetemp() / "pictures",
        polygons=True,
        parts=3,
        masks=True,
        crowds=True,
        keys=True,
        unlabelled=True,
        splits=data.draw(st.booleans()),
    )
    before = data.draw(drawn)
    folder = tmp_path_factory.mktemp("written")
    coco.write(before, folder)
    after = read_labels(coco, folder)
    assert_same(before, after, keys=True, pixels=0)
    assert set(after.classes) == set(before.classes)
    if any(image.boxes for image in before.images):
        assert coco.detect(FileIndex(folder, "mine")) is not None


def test_a_written_file_has_ids_from_one_and_an_area_for_every_box(tmp_path: Path) -> None:
    image = images(tmp_path / "pictures")[0]
    image.boxes = [BoxRecord("cat", (1, 2, 3, 4)), BoxRecord("dog", (1, 2, 3, 4), area=5.0)]
    image.split, image.synthetic = "val", True
    coco.write(SourceDataset("mine", [image], ["dog"]), tmp_path / "out")
    content = json.loads((tmp_path / "out/annotations/instances_val.json").read_text())
    assert content["categories"] == [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    assert [entry["id"] for entry in content["annotations"]] == [1, 2]
    assert [entry["area"] for entry in content["annotations"]] == [12, 5.0]
    assert read_labels(coco, tmp_path / "out").images[0].synthetic


def test_what_coco_cannot_hold_is_refused(tmp_path: Path) -> None:
    def refused(message: str, **changes: Any) -> None:
        image = images(tmp_path / "pictures")[0]
        for key, value in changes.items():
            setattr(image, key, value)
        with pytest.raises(RepriseError, match=message):
            coco.write(SourceDataset("mine", [image], []), tmp_path / message[:9])

    refused("cannot hold labels of whole images, which image a.png of 'mine'", labels=["cat"])
    refused("coco cannot hold the key 'width' of 'mine'", keys={"width": "5"})
    refused("of image a.png of 'mine' could not be read: line 3", problem="line 3")
    refused("'images/../../a.png' leads out of the folder", name="../../a.png")
    refused("image a.png has no file", path=None)


def test_long_files_are_recognised_by_their_ends(tmp_path: Path) -> None:
    filler = [{"id": i, "file_name": f"{i:0999d}.jpg"} for i in range(1, 99)]
    boxes = [{"image_id": 1, "category_id": 1, "note": "x" * 999} for _ in range(99)]
    kinds = [{"id": 1, "name": "cat"}]
    sections = {"images": filler, "annotations": boxes, "categories": kinds}
    for order in (list(sections), sorted(sections), sorted(sections, reverse=True)):
        (tmp_path / "x.json").write_text(json.dumps({key: sections[key] for key in order}))
        assert coco.detect(FileIndex(tmp_path, "mine")) == "COCO sections in x.json"


@pytest.mark.parametrize(
    "content",
    [
        [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}],
        {"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "caption": ""}]},
        {"version": "5.5.0", "shapes": [], "imagePath": "a.png"},
    ],
)
def test_results_captions_and_other_json_are_not_taken_for_coco(
    tmp_path: Path, content: Any
) -> None:
    write_labels(tmp_path, content)
    assert coco.detect(FileIndex(tmp_path, "mine")) is None


def test_unlabelled_images_are_copied_and_not_listed(tmp_path: Path) -> None:
    one, two = images(tmp_path / "pictures")[:2]
    two.labelled = False
    coco.write(SourceDataset("mine", [one, two], ["cat"]), tmp_path / "out")
    again = read_labels(coco, tmp_path / "out")
    assert [image.labelled for image in again.images] == [True, False]
    empty = SourceDataset("mine", [], ["cat"])
    coco.write(empty, tmp_path / "empty")
    assert read_labels(coco, tmp_path / "empty").classes == ["cat"]
