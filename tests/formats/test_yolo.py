"""YOLO labels are read as fractions, with the names and splits that stand beside them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import yolo
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset


def put(folder: Path, name: str, text: str = "") -> None:
    """A text file, or a picture where the name ends so."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".png"):
        Image.fromarray(picture(len(name))).save(folder / name)
    else:
        (folder / name).write_text(text, encoding="utf-8")


def read_lines(folder: Path, text: str, names: str = "") -> ImageRecord:
    """One image with these lines."""
    put(folder, "images/a.png")
    put(folder, "labels/a.txt", text)
    if names:
        put(folder, "data.yaml", f"names: {names}")
    return read_labels(yolo, folder).images[0]


def test_boxes_are_given_by_centre_and_size_in_fractions(tmp_path: Path) -> None:
    image = read_lines(tmp_path, "1 0.5 0.5 0.25 0.5\r\n\n0 0.1 0.2 0.2 0.4 0.93\n", "[cat, dog]")
    assert image.normalised and image.labelled
    assert (image.width, image.height) == (None, None)
    assert [box.class_name for box in image.boxes] == ["dog", "cat"]
    assert image.boxes[0].xywh == (0.375, 0.25, 0.25, 0.5)
    assert image.boxes[1].xywh == pytest.approx((0, 0, 0.2, 0.4))
    assert not image.boxes[0].segmentation


def test_an_outline_has_its_bounds_as_box(tmp_path: Path) -> None:
    (box,) = read_lines(tmp_path, "0.0 0.5 0.1 0.25 0.5 0.75 0.5\n").boxes
    assert box.class_name == "0"
    assert box.xywh == (0.25, 0.1, 0.5, 0.4)
    assert box.segmentation == [[0.5, 0.1, 0.25, 0.5, 0.75, 0.5]]


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    (box,) = read_lines(tmp_path, "0 0,5 0,5 0,125 0,25\n").boxes
    assert box.xywh == (0.4375, 0.375, 0.125, 0.25)


def test_a_number_of_a_box_that_does_not_parse_is_left_to_the_rules(tmp_path: Path) -> None:
    (box,) = read_lines(tmp_path, "0 0.5 half 0.1 0.1\n").boxes
    assert math.isnan(box.xywh[1]) and box.xywh[0] == 0.45


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 0.5 0.5", "line 2 of its label file has 3 columns, neither a box nor an outline"),
        ("0 1 2 3 4 5 6 7", "line 2 of its label file has 8 columns"),
        ("0 0 0 1 0 x 1", "line 2 of its label file has a coordinate that is not a number"),
        ("cat 0.5 0.5 0.1 0.1", "has the class 'cat', which is no class number"),
        ("-1 0.5 0.5 0.1 0.1", "has the class '-1', which is no class number"),
        ("7 0.5 0.5 0.1 0.1", "has the class 7, but 2 classes have names"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, line: str, problem: str
) -> None:
    image = read_lines(tmp_path, f"0 0.5 0.5 0.1 0.1\n{line}\n", "[cat, dog]")
    assert problem in image.problem
    assert image.boxes == []


def test_bytes_that_are_no_text_are_a_problem_of_their_image(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe0")
    assert read_labels(yolo, tmp_path).images[0].problem == "its label file is not UTF-8 text"


@given(text=st.text(alphabet="0123456789. -enai\n\t", max_size=60) | st.text(max_size=20))
def test_any_text_is_read_or_becomes_a_problem(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    put(folder, "a.png")
    (folder / "a.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    image = read_labels(yolo, folder).images[0]
    assert bool(image.problem) <= (image.boxes == [])


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/a.png", "labels/a.txt"),
        ("train/images/a.b.png", "train/labels/a.b.txt"),
        ("images/x/images/a.png", "images/x/labels/a.txt"),
        ("images/a.png", "images/a.txt"),
        ("obj_train_data/a.png", "obj_train_data/a.txt"),
    ],
)
def test_where_the_label_of_an_image_is(tmp_path: Path, image: str, label: str) -> None:
    put(tmp_path, image)
    put(tmp_path, label, "3 0.5 0.5 0.1 0.1")
    dataset = read_labels(yolo, tmp_path)
    assert [(i.name, len(i.boxes)) for i in dataset.images] == [(image, 1)]
    assert dataset.classes == ["3"]


def test_names_in_lists_are_matched_as_all_names_are(tmp_path: Path) -> None:
    for name in ("images/IMG_1.png", "images/IMG_2.png"):
        put(tmp_path, name)
        put(tmp_path, name.replace("images", "labels")[:-3] + "txt", "0 0.5 0.5 0.1 0.1")
    put(tmp_path, "train.txt", "C:\\data\\images\\img_1.png\nC:\\data\\gone.png\n")
    put(tmp_path, "val.txt", "data/obj/IMG_2.png\n")
    dataset = read_labels(yolo, tmp_path)
    assert [image.split for image in dataset.images] == ["train", "val"]
    assert "1 line(s) of train.txt name no image" in dataset.notes


def test_an_empty_file_and_no_file_and_no_image(tmp_path: Path) -> None:
    for name in ("images/a.png", "images/b.png", "labels/a.txt", "labels/classes.txt"):
        put(tmp_path, name)
    put(tmp_path, "labels/gone.txt", "0 0.5 0.5 0.1 0.1")
    found = [(i.name, i.labelled, len(i.boxes)) for i in read_labels(yolo, tmp_path).images]
    assert found == [
        ("images/a.png", True, 0),
        ("images/b.png", False, 0),
        ("labels/gone.txt", True, 1),
    ]
    assert read_labels(yolo, tmp_path).images[2].path is None


@pytest.mark.parametrize(
    ("name", "text", "classes"),
    [
        ("data.yaml", "names: [no, yes, 1e3]", ["no", "yes", "1e3"]),
        ("dataset.yml", "nc: 1\nnames:\n  2: dog\n  0: große Katze\n", ["dog", "große Katze"]),
        ("coco8.yaml", "names: {0: cat}", ["cat"]),
        ("labels/classes.txt", "cat\nbig dog\n\n", ["cat", "big dog"]),
        ("data/obj.names", "cat\r\ndog\r\n", ["cat", "dog"]),
    ],
)
def test_class_names(tmp_path: Path, name: str, text: str, classes: list[str]) -> None:
    put(tmp_path, name, text)
    assert read_lines(tmp_path, "0 0.5 0.5 0.1 0.1").problem == ""
    assert read_labels(yolo, tmp_path).classes == classes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("names: [[cat]]", "names is neither a list of texts nor a mapping"),
        ("names: {a: cat}", "names is neither a list of texts nor a mapping"),
        ("names: [cat", r"data\.yaml cannot be read as YAML: while parsing"),
        ("[" * 500, r"data\.yaml cannot be read as YAML"),
        ("#" * 1_000_001, "it has more than 1000000 bytes"),
    ],
)
def test_a_yaml_file_that_cannot_be_used(tmp_path: Path, text: str, problem: str) -> None:
    put(tmp_path, "data.yaml", text)
    with pytest.raises(RepriseError, match=problem):
        read_lines(tmp_path, "")


def test_nothing_in_a_yaml_file_is_run(tmp_path: Path) -> None:
    target = tmp_path / "was run"
    text = f"download: !!python/object/apply:os.mkdir ['{target}']\nnames: [cat]\n"
    put(tmp_path, "data.yaml", text)
    assert read_lines(tmp_path, "0 0.5 0.5 0.1 0.1").boxes[0].class_name == "cat"
    assert not target.exists()


def test_files_that_name_the_classes_differently_are_an_error(tmp_path: Path) -> None:
    put(tmp_path, "one/data.yaml", "names: [cat]")
    put(tmp_path, "two/data.yaml", "names: [dog]")
    with pytest.raises(RepriseError, match=r"one/data.yaml and two/data.yaml name the classes"):
        read_lines(tmp_path, "")


def test_keypoints_after_a_box_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "data.yaml", "kpt_shape: [2, 2]\nnames: [cat]")
    (box,) = read_lines(tmp_path, "0 0.5 0.5 0.5 0.5 0.1 0.2 0.3 0.4").boxes
    assert box.xywh == (0.25, 0.25, 0.5, 0.5)
    assert not box.segmentation


SPLITS = [
    ({"data.yaml": "train: images/one\nval: images/two\n"}, ["train", "val"]),
    ({"data.yaml": "path: ../datasets/x\ntrain: images/one\nval: [images/two]"}, ["train", "val"]),
    ({"data.yaml": "train: /home/me/x/images/one\ntest: ../images/two/"}, ["train", "test"]),
    ({"sub/data.yaml": "path: ..\ntrain: images/one"}, ["train", None]),
    ({"data.yaml": "val: ."}, ["val", "val"]),
    ({"data.yaml": "val: v.txt", "v.txt": "./images/two/b.png\n"}, [None, "val"]),
    ({"train.txt": "data/images/one/a.png", "valid.txt": "images/two/b.png"}, ["train", "val"]),
    ({"data.yaml": "names: [cat]", "test.txt": "C:\\x\\images\\one\\a.png"}, ["test", None]),
    ({"data.yaml": "train: ../../etc\nval: {a: b}\ntest:\n"}, [None, None]),
]


@pytest.mark.parametrize(("texts", "splits"), SPLITS)
def test_splits_come_from_the_yaml_file_or_from_lists(
    tmp_path: Path, texts: dict[str, str], splits: list[str | None]
) -> None:
    for name in ("images/one/a.png", "images/two/b.png", "labels/one/a.txt"):
        put(tmp_path, name)
    for name, text in texts.items():
        put(tmp_path, name, text)
    dataset = read_labels(yolo, tmp_path)
    assert [image.split for image in dataset.images] == splits


def test_splits_come_from_folders_where_nothing_else_speaks(tmp_path: Path) -> None:
    for name in ("valid/images/train a.png", "testing/images/b.png", "testing/labels/b.txt"):
        put(tmp_path, name)
    assert [image.split for image in read_labels(yolo, tmp_path).images] == ["test", "val"]


def test_what_is_odd_about_splits_is_said(tmp_path: Path) -> None:
    for name in ("images/a.png", "images/a.txt"):
        put(tmp_path, name)
    put(tmp_path, "data.yaml", "train: images\nval: images\ntest: more\nnames: [cat]")
    dataset = read_labels(yolo, tmp_path)
    assert dataset.images[0].split == "train"
    assert dataset.notes == [
        "data.yaml: test 'more' is no part of the source",
        "1 image(s) are in several splits and are taken for the first of train, val and test; "
        "one is images/a.png",
    ]
    put(tmp_path, "data.yaml", "train: list.txt\nnames: [cat]")
    put(tmp_path, "list.txt", "images/a.png\nimages/z.png\n")
    assert read_labels(yolo, tmp_path).notes == ["1 line(s) of list.txt name no image"]


def test_yolo_is_recognised_by_its_lines(tmp_path: Path) -> None:
    def detected(text: str) -> str | None:
        put(tmp_path, "labels/a.txt", text)
        return yolo.detect(FileIndex(tmp_path, "mine"))

    put(tmp_path, "images/a.png")
    put(tmp_path, "README.txt", "0 0 0 0 0")
    assert yolo.detect(FileIndex(tmp_path, "mine")) is None
    found = detected("0 0.5 0.5 0.1 0.1\n")
    assert found == "1 text file(s) that belong to images as in YOLO, the first labels/a.txt"
    assert detected("7 " + "0.123456 " * 2000) is not None
    assert detected("0 a b c d\n") is None
    assert detected("a cat on a mat\n") is None
    assert detected("") is None
    put(tmp_path, "data.yaml", "names: [cat]")
    assert detected("") is not None


def test_no_label_says_where_it_was_looked_for(tmp_path: Path) -> None:
    put(tmp_path, "images/a.png")
    with pytest.raises(RepriseError, match=r"beside each of 1 image\(s\), or in 'labels'"):
        read_labels(yolo, tmp_path)


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    splits, polygons = data.draw(st.booleans()), data.draw(st.booleans())
    before = data.draw(datasets(pictures, unlabelled=True, polygons=polygons, splits=splits))
    folder = tmp_path_factory.mktemp("written")
    yolo.write(before, folder)
    if not any(image.labelled for image in before.images):
        return
    after = read_labels(yolo, folder)
    outlined = [bool(box.segmentation) for image in before.images for box in image.boxes]
    assert_same(before, after, outlines=all(outlined) or not any(outlined))
    assert after.classes == before.classes
    assert after.notes == []
    assert yolo.detect(FileIndex(folder, "mine")) is not None


def test_the_yaml_file_that_is_written(tmp_path: Path) -> None:
    one, two = images(tmp_path / "pictures")[:2]
    one.split, two.split = "train", "val"
    yolo.write(SourceDataset("mine", [one, two], ["no", "猫"]), tmp_path / "out")
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text("utf-8"))
    assert content == {"train": "images/train", "val": "images/val", "names": {0: "no", 1: "猫"}}
    assert (tmp_path / "out/labels/train/a.txt").read_text() == ""


def test_outlines_of_one_object_are_joined_without_area(tmp_path: Path) -> None:
    image = images(tmp_path / "pictures")[0]
    parts = [[1.0, 1, 5, 1, 1, 5], [10.0, 10, 14, 10, 10, 14], [20.0, 1, 24, 1, 20, 5]]
    image.boxes = [BoxRecord("cat", (1, 1, 23, 13), segmentation=parts)]
    yolo.write(SourceDataset("mine", [image], []), tmp_path / "out")
    (box,) = read_labels(yolo, tmp_path / "out").images[0].boxes
    assert isinstance(box.segmentation, list)
    points = np.array(box.segmentation[0]).reshape(-1, 2) * (64, 48)
    x, y = points.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert area == pytest.approx(3 * 8)


def test_boxes_beside_outlines_are_written_as_outlines(tmp_path: Path) -> None:
    image = images(tmp_path / "pictures")[0]
    image.boxes = [
        BoxRecord("cat", (1, 1, 4, 4), segmentation=[[1.0, 1, 5, 1, 1, 5]]),
        BoxRecord("cat", (8, 12, 16, 12)),
    ]
    yolo.write(SourceDataset("mine", [image], []), tmp_path / "out")
    box = read_labels(yolo, tmp_path / "out").images[0].boxes[1]
    assert box.xywh == (0.125, 0.25, 0.25, 0.25)
    assert box.segmentation == [[0.125, 0.25, 0.375, 0.25, 0.375, 0.5, 0.125, 0.5]]


def test_what_yolo_cannot_hold_is_refused(tmp_path: Path) -> None:
    image = images(tmp_path / "pictures")[0]
    image.boxes = [BoxRecord("cat", (1, 2, 3, 4), iscrowd=1)]
    with pytest.raises(RepriseError, match="yolo cannot hold crowds"):
        yolo.write(SourceDataset("mine", [image], []), tmp_path / "one")
    image.boxes, image.labels = [], ["cat"]
    with pytest.raises(RepriseError, match="yolo cannot hold labels of whole images"):
        yolo.write(SourceDataset("mine", [image], []), tmp_path / "two")
