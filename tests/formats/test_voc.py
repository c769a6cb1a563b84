"""VOC files are read as they are, one image at a time, and written back."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import voc
from reprise.formats.file_index import FileIndex
from reprise.formats.records import NO_GEOMETRY, ROTATED, BoxRecord, SourceDataset

OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)
SIZE = "<size><width>64</width><height>48</height></size>"


def put_image(folder: Path, name: str, seed: int = 0) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(folder / name)


def put_xml(folder: Path, name: str, body: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"<annotation>{body}</annotation>", encoding="utf-8")


def test_boxes_are_corners_and_their_plain_difference(tmp_path: Path) -> None:
    put_image(tmp_path, "JPEGImages/a.png")
    body = "<folder>x</folder><filename>a.png</filename><path>/home/pi/b.png</path>" + SIZE
    objects = OBJECT.format("cat", 10, 20, 30, 25) + OBJECT.format(" dog ", 1.5, 2, 1e1, 4.25)
    put_xml(tmp_path, "Annotations/a.xml", body + objects)
    (image,) = read_labels(voc, tmp_path).images
    assert (image.name, image.width, image.height) == ("JPEGImages/a.png", 64, 48)
    assert image.path == tmp_path / "JPEGImages/a.png"
    assert image.boxes[0].xywh == (10, 20, 20, 5)
    assert image.boxes[1] == BoxRecord(
        "dog", (1.5, 2, 8.5, 2.25), area=pytest.approx(math.nan, nan_ok=True)
    )


def one_object(folder: Path, inside: str) -> BoxRecord:
    """The one object of a file with these tags in it."""
    put_image(folder, "a.png")
    put_xml(folder, "a.xml", SIZE + f"<object><name>ship</name>{inside}</object>")
    (image,) = read_labels(voc, folder).images
    assert image.problem == ""
    return image.boxes[0]


BOX = "<xmin>10</xmin><ymin>20</ymin><xmax>50</xmax><ymax>30</ymax>"
CORNERS = [(2, 3), (8, 3), (8, 9)]
PAIRS = "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in enumerate(CORNERS, 1))
POINTS = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in CORNERS)


@pytest.mark.parametrize(
    ("inside", "xywh", "rim", "shape"),
    [
        (
            "<bndbox>" + BOX + "</bndbox><attributes><attribute><name>rotation</name>"
            "<value>90.0</value></attribute></attributes>",
            (25, 5, 10, 40),
            [35, 5, 35, 45, 25, 45, 25, 5],
            ROTATED,
        ),
        (
            "<bndbox>" + BOX + "</bndbox><attributes><attribute><name>rotation</name>"
            "<value>0.0</value></attribute></attributes>",
            (10, 20, 40, 10),
            [],
            "",
        ),
        (
            "<robndbox><cx>30</cx><cy>25</cy><w>20</w><h>10</h><angle>0.5235987756</angle></robndbox>",
            (18.839746, 15.669873, 22.320508, 18.660254),
            [23.83975, 15.66987, 41.16025, 25.66987, 36.16025, 34.33013, 18.83975, 24.33013],
            ROTATED,
        ),
        (f"<polygon>{PAIRS}</polygon>", (2, 3, 6, 6), [2, 3, 8, 3, 8, 9], ""),
        (f"<bndbox>{PAIRS}</bndbox>", (2, 3, 6, 6), [2, 3, 8, 3, 8, 9], ""),
        (
            "<robndbox><x_left_top>2</x_left_top><y_left_top>3</y_left_top><x_right_top>8"
            "</x_right_top><y_right_top>4</y_right_top><x_right_bottom>7</x_right_bottom>"
            "<y_right_bottom>9</y_right_bottom><x_left_bottom>1</x_left_bottom>"
            "<y_left_bottom>8</y_left_bottom></robndbox>",
            (1, 3, 7, 6),
            [2, 3, 8, 4, 7, 9, 1, 8],
            "",
        ),
        (f"<polygon>{POINTS}</polygon>", (2, 3, 6, 6), [2, 3, 8, 3, 8, 9], ""),
        (
            f"<polygon>{PAIRS}</polygon><bndbox>{BOX}</bndbox>",
            (10, 20, 40, 10),
            [2, 3, 8, 3, 8, 9],
            "",
        ),
    ],
)  # fmt: skip
def test_turned_boxes_and_polygons(
    tmp_path: Path, inside: str, xywh: Any, rim: list[float], shape: str
) -> None:
    box = one_object(tmp_path, inside)
    assert box.xywh == pytest.approx(xywh, abs=1e-5)
    assert [value for part in box.segmentation for value in part] == pytest.approx(rim, abs=1e-5)
    assert box.shape == shape


@pytest.mark.parametrize("path", ["<angle>30</angle>", f"<bndbox>{BOX}<angle>30</angle></bndbox>"])
def test_an_angle_of_unknown_kind_is_not_guessed_at(tmp_path: Path, path: str) -> None:
    put_image(tmp_path, "a.png")
    put_xml(tmp_path, "a.xml", f"<object><name>ship</name><bndbox>{BOX}</bndbox></object>"
            f"<object><name>ship</name>{path}</object>")  # fmt: skip
    (image,) = read_labels(voc, tmp_path).images
    assert "object 2 of its XML file is turned by its <" in image.problem


@pytest.mark.parametrize(
    ("inside", "shape"),
    [
        ("", NO_GEOMETRY),
        ("<bndbox/><pose>Left</pose><part><name>head</name></part>", NO_GEOMETRY),
        ("<cuboid><x>1</x></cuboid>", "cuboid"),
    ],
)
def test_an_object_without_a_place_says_why(tmp_path: Path, inside: str, shape: str) -> None:
    assert one_object(tmp_path, inside).shape == shape


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("gb2312", "gb18030"), ("GBK", "gbk"), ("windows-1251", "cp1251"), ("utf-16", "utf-16"),
     ("utf-8", "utf-8-sig"), ("shift_jis", "cp932"), ("", "utf-16")],
)  # fmt: skip
def test_the_code_page_that_a_file_declares(tmp_path: Path, declared: str, encoding: str) -> None:
    name = "машина" if "1251" in declared else "汽車"
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    text = f"{head}<annotation>{SIZE}{OBJECT.format(name, 1, 2, 3, 4)}</annotation>"
    put_image(tmp_path, "a.png")
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert [box.class_name for box in read_labels(voc, tmp_path).images[0].boxes] == [name]
    assert voc.detect(FileIndex(tmp_path, "mine"))


@pytest.mark.parametrize("codec", ["utf-7", "punycode", "unicode_escape", "rot13", "hex"])
def test_what_is_no_code_page_is_not_decoded(tmp_path: Path, codec: str) -> None:
    put_image(tmp_path, "a.png")
    head = f'<?xml version="1.0" encoding="{codec}"?>'
    (tmp_path / "a.xml").write_text(head + "<annotation>+ADwAIQ-DOCTYPE</annotation>")
    assert "is no code page" in read_labels(voc, tmp_path).images[0].problem


def test_both_parts_in_one_list_are_train_where_none_is_alone(tmp_path: Path) -> None:
    for name in "abc":
        put_image(tmp_path, f"JPEGImages/{name}.png")
        put_xml(tmp_path, f"Annotations/{name}.xml", SIZE)
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "trainval.txt").write_text("a\nb\n")
    (lists / "test.txt").write_text("c\n")
    assert [i.split for i in read_labels(voc, tmp_path).images] == ["train", "train", "test"]
    (lists / "val.txt").write_text("b\n")
    assert [i.split for i in read_labels(voc, tmp_path).images] == [None, "val", "test"]


def test_names_in_lists_are_matched_as_all_names_are(tmp_path: Path) -> None:
    for name in "ab":
        put_image(tmp_path, f"JPEGImages/IMG_{name}.png")
        put_xml(tmp_path, f"Annotations/IMG_{name}.xml", SIZE)
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets/Main/train.txt").write_text("img_A\n")
    (tmp_path / "ImageSets/Main/test.txt").write_text("IMG_b.jpg\nlost\n")
    dataset = read_labels(voc, tmp_path)
    assert [image.split for image in dataset.images] == ["train", "test"]
    assert "'img_A' is taken for JPEGImages/IMG_a.png" in " ".join(dataset.notes)


def test_odd_boxes_are_left_to_the_rules(tmp_path: Path) -> None:
    put_image(tmp_path, "a.png")
    body = OBJECT.format("cat", 30, 20, 10, 25) + OBJECT.format("cat", "x", 1, "", 5)
    put_xml(tmp_path, "a.xml", body + "<object><name>cat</name><difficult>1</difficult></object>")
    reversed_box, broken, without = read_labels(voc, tmp_path).images[0].boxes
    assert reversed_box.xywh == (30, 20, -20, 5)
    assert math.isnan(broken.xywh[0]) and math.isnan(broken.xywh[2]) and broken.xywh[3] == 4
    assert all(map(math.isnan, without.xywh)) and without.iscrowd == 0


@pytest.mark.parametrize(
    ("label", "written", "expected"),
    [
        ("Annotations/a.xml", "a.png", "JPEGImages/a.png"),
        ("Annotations/a.xml", "a.jpg", "JPEGImages/a.png"),
        ("Annotations/a.xml", "", "JPEGImages/a.png"),
        ("Annotations/0001.xml", "C:\\data\\JPEGImages\\a.png", "JPEGImages/a.png"),
        ("more/b.xml", "b.png", "more/b.png"),
        ("Annotations/north/b.xml", "b.png", "JPEGImages/north/b.png"),
        ("Annotations/b.xml", "north/b.png", "JPEGImages/north/b.png"),
    ],
)
def test_the_image_is_found(tmp_path: Path, label: str, written: str, expected: str) -> None:
    for name in ("JPEGImages/a.png", "JPEGImages/north/b.png", "more/b.png"):
        put_image(tmp_path, name)
    put_xml(tmp_path, label, f"<filename>{written}</filename>")
    labelled = [image for image in read_labels(voc, tmp_path).images if image.labelled]
    assert [image.name for image in labelled] == [expected]


def test_a_file_name_that_is_wrong_is_noted_when_the_label_files_own_name_fits(
    tmp_path: Path,
) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        put_image(tmp_path, name)
    written = {"a": "a.png", "b": "old/7.jpg", "c": "c", "d": ""}
    for stem, name in written.items():
        put_xml(tmp_path, f"{stem}.xml", f"<filename>{name}</filename>")
    dataset = read_labels(voc, tmp_path)
    assert all(image.labelled for image in dataset.images)
    assert dataset.notes == [
        "1 label file(s) name an image that is not there and were matched by their own names, "
        "such as: b.xml names 'old/7.jpg' and counts for b.png"
    ]


def test_a_label_that_fits_several_images_is_a_problem_of_all_of_them(tmp_path: Path) -> None:
    for name in ("east/a.png", "west/a.png"):
        put_image(tmp_path, name)
    put_xml(tmp_path, "Annotations/a.xml", "<filename>a.png</filename>")
    images = read_labels(voc, tmp_path).images
    assert [image.name for image in images] == ["a.png", "east/a.png", "west/a.png"]
    assert all("Annotations/a.xml fits several files: east/a.png" in i.problem for i in images)
    assert all(image.labelled for image in images)  # so none of them is taken for background


def test_images_without_labels_and_labels_without_images(tmp_path: Path) -> None:
    put_image(tmp_path, "JPEGImages/a.png")
    put_image(tmp_path, "SegmentationClass/a.png")
    put_xml(tmp_path, "Annotations/gone.xml", "<filename>gone.jpg</filename>")
    put_xml(tmp_path, "Annotations/nameless.xml", "")
    dataset = read_labels(voc, tmp_path)
    found = [(image.name, image.path is None, image.labelled) for image in dataset.images]
    assert found == [
        ("Annotations/nameless.xml", True, True),
        ("JPEGImages/a.png", False, False),
        ("gone.jpg", True, True),
    ]
    assert not dataset.lists_images


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<annotation><object>", "cannot be read: no element found"),
        (b"", "cannot be read: no element found"),
        (b"<annotation>\xff</annotation>", "cannot be read: it is not utf-8 text"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "unknown encoding"),
        (BOMB.encode(), "has a document type definition"),
        (BOMB.encode("utf-16"), "has a document type definition"),
        (b"<annotation>" + b" " * voc.MAX_BYTES, "has more than 4000000 bytes"),
        (b"<annotation><object><name> </name></object></annotation>", "object 1 of its XML file"),
        (b"<annotation><size><width>-5</width></size></annotation>", "width '-5'"),
        (b"<annotation><size><height>1e99</height></size></annotation>", "height '1e99'"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_image(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    put_image(tmp_path, "a.png")
    (tmp_path / "a.xml").write_bytes(content)
    (image,) = read_labels(voc, tmp_path).images
    assert image.name == "a.png"
    assert problem in image.problem
    assert image.boxes == []


def test_two_label_files_for_one_image_are_a_problem(tmp_path: Path) -> None:
    put_image(tmp_path, "a.png")
    for label in ("a.xml", "more/a.xml"):
        put_xml(tmp_path, label, OBJECT.format("cat", 1, 2, 3, 4))
    (image,) = read_labels(voc, tmp_path).images
    assert image.problem == "two label files are about it: a.xml and more/a.xml"
    assert image.boxes == []


@given(content=st.binary(max_size=60) | st.text('<>/ao&;![]"annotation bject=', max_size=60))
def test_any_bytes_are_read_or_become_a_problem(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    put_xml(folder, "good.xml", "")
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "bad.xml").write_bytes(data)
    (folder / "worse.xml").write_bytes(b"<annotation>" + data + b"</annotation>")
    assert len(read_labels(voc, folder).images) >= 1


def test_splits_come_from_the_lists_and_else_from_the_folders(tmp_path: Path) -> None:
    for stem in ("a", "b", "c"):
        put_image(tmp_path, f"JPEGImages/{stem}.png")
        put_xml(tmp_path, f"Annotations/{stem}.xml", "")
    put_image(tmp_path, "validation/d.png")
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\r\n")
    (lists / "test.txt").write_text("b\nb\n")
    (lists / "trainval.txt").write_text("c\n")
    (lists / "cat_val.txt").write_text("c 1\na -1\n")
    dataset = read_labels(voc, tmp_path)
    assert [image.split for image in dataset.images] == ["train", "test", None, "val"]
    assert dataset.notes == []


def test_an_image_in_several_lists_is_said(tmp_path: Path) -> None:
    put_image(tmp_path, "JPEGImages/a.png")
    put_xml(tmp_path, "Annotations/a.xml", "")
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    for name in ("test.txt", "val.txt"):
        (lists / name).write_text("a\n")
    dataset = read_labels(voc, tmp_path)
    assert dataset.images[0].split == "val"
    assert dataset.notes[0].startswith("1 image(s) are in several lists")
    (lists / "val.txt").write_bytes(b"\xff")
    with pytest.raises(RepriseError, match=r"ImageSets/Main/val.txt is not UTF-8"):
        read_labels(voc, tmp_path)


def test_two_datasets_side_by_side_have_lists_of_their_own(tmp_path: Path) -> None:
    for root, split in (("one", "train"), ("two", "test")):
        put_image(tmp_path, f"{root}/JPEGImages/a.png")
        put_xml(tmp_path, f"{root}/Annotations/a.xml", "<filename>a.png</filename>")
        (tmp_path / root / "ImageSets/Main").mkdir(parents=True)
        (tmp_path / root / f"ImageSets/Main/{split}.txt").write_text("a\n")
    dataset = read_labels(voc, tmp_path)
    assert [(i.name[:3], i.split, i.labelled) for i in dataset.images] == [
        ("one", "train", True),
        ("two", "test", True),
    ]


def test_other_xml_is_neither_read_nor_taken_for_voc(tmp_path: Path) -> None:
    (tmp_path / "cvat.xml").write_text("<annotations><image name='a.png'/></annotations>")
    assert voc.detect(FileIndex(tmp_path, "mine")) is None
    with pytest.raises(RepriseError, match="no VOC file was found"):
        read_labels(voc, tmp_path)
    put_xml(tmp_path, "a.xml", SIZE)
    assert voc.detect(FileIndex(tmp_path, "mine")) == "2 XML file(s), a.xml in the form of VOC"
    assert len(read_labels(voc, tmp_path).images) == 1


@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pictures = tmp_path_factory.getbasetemp() / "pictures"
    splits = data.draw(st.booleans())
    before = data.draw(datasets(pictures, unlabelled=True, polygons=True, splits=splits))
    folder = tmp_path_factory.mktemp("written")
    voc.write(before, folder)
    if any(image.labelled for image in before.images):
        after = read_labels(voc, folder)
        assert_same(before, after, outlines=False)
        assert after.classes == before.classes
        assert voc.detect(FileIndex(folder, "mine")) is not None


def test_what_voc_cannot_hold_is_refused(tmp_path: Path) -> None:
    one, two = images(tmp_path / "pictures")[:2]
    two.name = "a.jpg"
    one.boxes = [BoxRecord("cat", (1, 2, 3, 4), iscrowd=1)]
    with pytest.raises(RepriseError, match=r"voc cannot hold crowds, which image a.png"):
        voc.write(SourceDataset("mine", [one], []), tmp_path / "one")
    one.boxes = [BoxRecord("cat\x07", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match=r"cannot hold the class 'cat\\x07' of 'mine'"):
        voc.write(SourceDataset("mine", [one], []), tmp_path / "two")
    one.boxes = []
    with pytest.raises(RepriseError, match=r"both be written to 'Annotations/a.xml'"):
        voc.write(SourceDataset("mine", [one, two], []), tmp_path / "three")


def test_a_real_voc_dataset(shared_datasets: Path) -> None:
    folder = shared_datasets / "bccd_voc"
    dataset = read_labels(voc, folder, "cells")
    boxes = [box for image in dataset.images for box in image.boxes]
    assert len(dataset.images) == 147
    assert Counter(box.class_name for box in boxes) == {"RBC": 1683, "Platelets": 165, "WBC": 153}
    assert [box.xywh for box in boxes if not box.xywh[2] > 0] == [(504, 337, 0, 0)]
    assert Counter(i.split for i in dataset.images) == {"train": 77, "val": 42, "test": 28}
    assert all(image.path is not None and not image.problem for image in dataset.images)
    assert voc.detect(FileIndex(folder, "cells")) is not None
