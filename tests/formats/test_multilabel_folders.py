"""Folders that are named like labels give their images these labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import multilabel_folders
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, SourceDataset


def _pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def _labels(folder: Path) -> dict[str, list[str]]:
    dataset = read_labels(multilabel_folders, folder)
    return {image.name: image.labels for image in dataset.images}


def test_the_name_of_the_folder_is_split_at_plus(tmp_path: Path) -> None:
    _pictures(tmp_path, "cat/1.png", "cat+dog/1.png", "big dog + cat/1.png")
    dataset = read_labels(multilabel_folders, tmp_path)
    assert {image.name: image.labels for image in dataset.images} == {
        "cat/1.png": ["cat"],
        "cat+dog/1.png": ["cat", "dog"],
        "big dog + cat/1.png": ["big dog", "cat"],
    }
    assert dataset.classes == ["big dog", "cat", "dog"]
    assert all(image.path == tmp_path / image.name for image in dataset.images)


@pytest.mark.parametrize("name", ["none", "Unlabelled", "background", "negative"])
def test_some_folders_say_that_an_image_shows_no_class(tmp_path: Path, name: str) -> None:
    _pictures(tmp_path, "cat/1.png", f"{name}/2.png")
    found = {image.name: image for image in read_labels(multilabel_folders, tmp_path).images}
    assert found[f"{name}/2.png"].labelled
    assert found[f"{name}/2.png"].labels == []


def test_an_image_outside_all_folders_is_no_part_of_the_dataset(tmp_path: Path) -> None:
    _pictures(tmp_path, "cat/1.png", "preview.png")
    dataset = read_labels(multilabel_folders, tmp_path)
    assert [image.name for image in dataset.images if not image.labelled] == ["preview.png"]
    assert dataset.lists_images


def test_a_folder_further_up_names_the_split_and_no_label(tmp_path: Path) -> None:
    _pictures(tmp_path, "pets/train/cat+dog/1.png", "pets/val2017/cat/1.png", "pets/test/2.png")
    dataset = read_labels(multilabel_folders, tmp_path)
    assert {image.name: (image.labels, image.split) for image in dataset.images} == {
        "pets/test/2.png": ([], "test"),
        "pets/train/cat+dog/1.png": (["cat", "dog"], "train"),
        "pets/val2017/cat/1.png": (["cat"], "val"),
    }
    assert [image.labelled for image in dataset.images] == [False, True, True]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    _pictures(tmp_path, "train/1.png", "bus/1.png", "test tube/1.png")
    assert _labels(tmp_path) == {
        "bus/1.png": ["bus"],
        "test tube/1.png": ["test tube"],
        "train/1.png": ["train"],
    }
    _pictures(tmp_path / "val", "train/1.png")
    image = read_labels(multilabel_folders, tmp_path).images[-1]
    assert (image.name, image.labels, image.split) == ("val/train/1.png", ["train"], "val")


def test_classes_txt_gives_the_order_of_the_classes(tmp_path: Path) -> None:
    _pictures(tmp_path, "cat+dog/1.png", "ant/1.png")
    (tmp_path / "classes.txt").write_text("dog\nbird\n")
    dataset = read_labels(multilabel_folders, tmp_path)
    assert dataset.classes == ["dog", "bird", "ant", "cat"]


def test_folders_that_name_nothing_are_an_error(tmp_path: Path) -> None:
    _pictures(tmp_path, "train/1.png", "val/1.png")
    with pytest.raises(RepriseError, match=r"no folder names a label.*the first train/1\.png"):
        read_labels(multilabel_folders, tmp_path)


def test_it_is_found_by_a_plus_or_by_two_folders_without_label_files(tmp_path: Path) -> None:
    _pictures(tmp_path / "one", "cat+dog/1.png")
    (tmp_path / "one/about.json").write_text("{}")
    _pictures(tmp_path / "two", "train/cat/1.png", "train/dog/1.png")
    found = [multilabel_folders.detect(FileIndex(tmp_path / n, n)) for n in ("one", "two")]
    assert found == [
        "images in 1 folder(s) named label+label, the first cat+dog",
        "images in 2 folders and no label file, the first train/cat",
    ]


def _coco(folder: Path) -> None:
    _pictures(folder, "a/1.png", "b/2.png")
    (folder / "labels.json").write_text(json.dumps({}))


def _yolo(folder: Path) -> None:
    _pictures(folder, "images/a/1.png", "images/b/2.png")
    (folder / "labels/a").mkdir(parents=True)
    (folder / "labels/a/1.txt").write_text("0 .5 .5 .1 .1")


def _masks(folder: Path) -> None:
    for place in ("x", "y"):
        _pictures(folder, f"{place}/1_RAW.jpg")
        Image.new("L", (64, 48)).save(folder / place / "1_CRACK.png")


def _instances(folder: Path) -> None:
    _pictures(folder, "x/photo.png", "y/photo.png", "x/masks/1.png", "y/masks/1.png")


LAYOUTS = {
    "one folder": lambda folder: _pictures(folder, "cat/1.png", "2.png"),
    "splits alone": lambda folder: _pictures(folder, "train/1.png", "val/2.png"),
    "pascal voc": lambda folder: _pictures(folder, "JPEGImages/1.jpg", "SegmentationClass/1.png"),
    "a name with pluses": lambda folder: _pictures(folder, "C++/1.png"),
    "coco": _coco,
    "yolo": _yolo,
    "label masks": _masks,
    "instance masks": _instances,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_does_not_claim_other_layouts(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout](tmp_path)
    assert multilabel_folders.detect(FileIndex(tmp_path, "mine")) is None


@pytest.mark.parametrize("name", ["a+b", "none", "..", "a/b", ".hidden", " padded", "x" * 256])
def test_a_class_that_no_folder_gives_back_is_refused(tmp_path: Path, name: str) -> None:
    (record, *_) = images(tmp_path / "from")
    record.labels = [name]
    (tmp_path / "to").mkdir()
    with pytest.raises(RepriseError, match=r"would be read as|no folder can|class name"):
        multilabel_folders.write(SourceDataset("mine", [record], [name]), tmp_path / "to")


def test_boxes_are_refused_rather_than_lost(tmp_path: Path) -> None:
    (record, *_) = images(tmp_path)
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match="cannot hold boxes"):
        multilabel_folders.write(SourceDataset("mine", [record], ["cat"]), tmp_path / "to")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("folders")
    before = data.draw(
        datasets(folder / "from", boxes=False, labels=True, splits=splits, unlabelled=not splits)
    )
    if not before.classes:
        return
    (folder / "to").mkdir()
    multilabel_folders.write(before, folder / "to")
    after = read_labels(multilabel_folders, folder / "to")
    assert_same(before, after)
    assert after.classes == before.classes
    (folder / "again").mkdir()
    multilabel_folders.write(after, folder / "again")
    again = read_labels(multilabel_folders, folder / "again")
    assert [image.name for image in again.images] == [image.name for image in after.images]
