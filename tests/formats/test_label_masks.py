"""Regions of a label mask are objects; what the values mean is stated, not guessed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import CLASSES, assert_same, by_picture, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import label_masks
from reprise.formats.file_index import FileIndex
from reprise.formats.mask_images import mask_record
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.masks import rle

WIDTH, HEIGHT = 64, 48
# Left, top, width and height of regions that are large enough.
FIRST, SECOND = (2, 3, 10, 10), (30, 20, 20, 8)


def _values(*regions: tuple[int, tuple[int, int, int, int]]) -> np.ndarray:
    values = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for value, (left, top, width, height) in regions:
        values[top : top + height, left : left + width] = value
    return values


def _save(folder: Path, name: str, pixels: np.ndarray | None = None) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(len(name)) if pixels is None else pixels).save(folder / name)


def _objects(folder: Path) -> list[tuple[str, tuple[float, ...]]]:
    dataset = read_labels(label_masks, folder)
    assert [image.problem for image in dataset.images] == [""] * len(dataset.images)
    return [(box.class_name, box.xywh) for image in dataset.images for box in image.boxes]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a/1.jpg", "masks/a/1.png"),
        ("images/1.png", "labels/1.png"),
        ("train/images/1.jpg", "train/annotations/1_mask.png"),
        ("JPEGImages/1.jpg", "SegmentationClass/1.png"),
        ("1.jpg", "masks/1.png"),
        ("1.jpg", "1_mask.png"),
        ("1.png", "1-label.png"),
        ("a/1_x.png", "a/1_x_seg.png"),
        ("images/ISIC_1.jpg", "masks/ISIC_1_segmentation.png"),
        ("images/1.jpg", "gt/1_GT.png"),
        ("images/image_1.jpg", "masks/mask_1.png"),
        ("images/1_raw.jpg", "masks/1.png"),
        ("img/A.JPG", "masks/a.png"),
        ("photos/2024/1.jpg", "masks/1.png"),
        ("train/1.jpg", "train_masks/1_mask.gif"),
        ("train_images/1.jpg", "train_labels/1.png"),
        ("images/1.jpg", "labels/1_L.png"),
    ],
)
def test_mask_and_image_find_each_other_by_name(tmp_path: Path, image: str, mask: str) -> None:
    _save(tmp_path, image)
    _save(tmp_path, mask, _values((1, FIRST)))
    dataset = read_labels(label_masks, tmp_path)
    assert [record.name for record in dataset.images] == [image]
    assert [box.xywh for box in dataset.images[0].boxes] == [FIRST]
    reason = label_masks.detect(FileIndex(tmp_path, "mine"))
    assert reason == f"1 mask(s) for 1 image(s), the first {mask}"
    elsewhere = image.startswith(("img/A", "photos/"))
    assert any("matched by name alone" in note for note in dataset.notes) == elsewhere


def test_a_region_is_an_object_with_run_lengths_area_and_box(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values((2, FIRST), (1, SECOND), (2, (12, 13, 8, 8))))
    (image,) = read_labels(label_masks, tmp_path).images
    assert (image.width, image.height) == (WIDTH, HEIGHT)
    one, two = image.boxes  # the two regions of class 2 touch at a corner
    assert (one.class_name, one.xywh, one.area) == ("class_1", SECOND, 160)
    assert (two.class_name, two.xywh, two.area) == ("class_2", (2, 3, 18, 18), 164)
    assert isinstance(one.segmentation, dict)
    assert (rle.decode(one.segmentation) == (_values((1, SECOND)) == 1)).all()


def test_regions_are_in_the_order_of_their_first_pixels_column_by_column(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    lower, higher = (2, 30, 9, 9), (15, 3, 9, 9)
    _save(tmp_path, "masks/1.png", _values((1, higher), (1, lower)))
    (image,) = read_labels(label_masks, tmp_path).images
    assert [box.xywh for box in image.boxes] == [lower, higher]


def test_specks_are_counted_and_left_out(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values((1, FIRST), (1, (40, 40, 7, 7)), (2, (0, 40, 1, 1))))
    dataset = read_labels(label_masks, tmp_path)
    assert len(dataset.images[0].boxes) == 1
    assert dataset.notes == ["2 region(s) of under 50 px were left out as specks"]
    assert dataset.specks == 2
    assert dataset.classes == ["class_1", "class_2"]


def test_0_is_background_and_255_is_ignored(tmp_path: Path) -> None:
    for name, regions in (("1", [(255, SECOND)]), ("2", [(7, FIRST), (255, SECOND)])):
        _save(tmp_path, f"images/{name}.jpg")
        _save(tmp_path, f"masks/{name}.png", _values(*regions))
    assert _objects(tmp_path) == [("class_7", FIRST)]
    assert read_labels(label_masks, tmp_path).classes == ["class_7"]


def test_255_is_the_object_where_no_mask_holds_anything_else(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values((255, FIRST)))
    assert _objects(tmp_path) == [("class_1", FIRST)]
    (tmp_path / "classes.txt").write_text("road\n")
    assert _objects(tmp_path) == [("road", FIRST)]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("background\nroad\ncar\n", ["road", "car", "class_3"]),
        ("road\ncar\n", ["road", "car", "class_3"]),
        ("__ignore__\n_background_\nroad\n", ["road", "class_2", "class_3"]),
    ],
)
def test_classes_txt_numbers_its_lines_from_0_if_the_first_is_background(
    tmp_path: Path, lines: str, names: list[str]
) -> None:
    _save(tmp_path, "images/1.jpg")
    third = (50, 30, 10, 10)
    _save(tmp_path, "masks/1.png", _values((1, FIRST), (2, SECOND), (3, third)))
    (tmp_path / "classes.txt").write_text(lines)
    assert [name for name, _ in _objects(tmp_path)] == names
    assert read_labels(label_masks, tmp_path).classes == names


def test_a_palette_is_read_by_index_and_by_colour_with_a_labelmap(tmp_path: Path) -> None:
    _save(tmp_path, "JPEGImages/1.jpg")
    mask = Image.fromarray(_values((1, FIRST), (2, SECOND)))
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759)
    (tmp_path / "SegmentationClass").mkdir()
    mask.save(tmp_path / "SegmentationClass/1.png")
    assert _objects(tmp_path) == [("class_1", FIRST), ("class_2", SECOND)]
    lines = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ngrass:0,128,0::\nroad:128,0,0::\n"
    (tmp_path / "labelmap.txt").write_text(lines)
    assert _objects(tmp_path) == [("grass", SECOND), ("road", FIRST)]
    mask.convert("RGB").save(tmp_path / "SegmentationClass/1.png")
    assert _objects(tmp_path) == [("grass", SECOND), ("road", FIRST)]


def test_masks_of_several_classes_in_one_folder_are_named_in_their_ends(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1_car.png", _values((255, FIRST)))
    _save(tmp_path, "masks/1_road.png", _values((255, SECOND)))
    assert _objects(tmp_path) == [("car", FIRST), ("road", SECOND)]


def test_numbers_of_16_bits_that_fit_into_8_are_read(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values((7, FIRST)).astype(np.uint16))
    assert label_masks.detect(FileIndex(tmp_path, "mine")) is not None
    assert _objects(tmp_path) == [("class_7", FIRST)]


def test_grey_photographs_in_a_folder_of_masks_are_no_masks(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.fromarray(picture(1)).convert("L").save(tmp_path / folder / "1.png")
    assert label_masks.detect(FileIndex(tmp_path, "mine")) is None


def test_cityscapes_numbers_are_read_and_its_other_files_are_not(tmp_path: Path) -> None:
    _save(tmp_path, "leftImg8bit/val/a/a_1_leftImg8bit.png")
    values = _values((7, FIRST), (26, SECOND), (3, (50, 2, 12, 12)))
    for kind in ("labelIds", "instanceIds", "color", "labelTrainIds"):
        _save(tmp_path, f"gtFine/val/a/a_1_gtFine_{kind}.png", values)
    dataset = read_labels(label_masks, tmp_path)
    (image,) = dataset.images
    assert [box.class_name for box in image.boxes] == ["class_7", "class_26"]
    assert image.split == "val"
    assert "numbers up to 6 are void" in dataset.notes[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("_classes.csv", "Pixel Value, Class\n0, background\n1, car\n2, road\n"),
        ("classes.csv", "id,name\n1,car\n2,road\n3,void\n"),
    ],
)
def test_a_table_names_the_values(tmp_path: Path, name: str, text: str) -> None:
    for split in ("train", "valid"):
        _save(tmp_path, f"{split}/1_jpg.rf.0a.jpg")
        values = _values((1, FIRST), (2, SECOND))
        if "void" in text:
            values[0:8, 50:60] = 3
        _save(tmp_path, f"{split}/1_jpg.rf.0a_mask.png", values)
        (tmp_path / split / name).write_text(text)
    dataset = read_labels(label_masks, tmp_path)
    assert [[box.class_name for box in image.boxes] for image in dataset.images] == [
        ["car", "road"]
    ] * 2
    assert dataset.classes == ["car", "road"]
    assert dataset.notes[0].startswith(f"classes are named by train/{name}; no class: ")
    (tmp_path / "valid" / name).write_text(text.replace("car", "cat"))
    with pytest.raises(RepriseError, match="say different things of the classes"):
        read_labels(label_masks, tmp_path)


def test_a_table_of_colours_names_them_and_soft_edges_take_the_nearest(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    small = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    small[3:33, 2:32], small[20:40, 36:60] = (128, 0, 0), (0, 0, 192)
    mask = Image.fromarray(small).resize((4 * WIDTH, 4 * HEIGHT), Image.Resampling.BICUBIC)
    _save(tmp_path, "masks/1.png", np.asarray(mask))
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,128,0,0\nVoid,0,0,0\ncar,0,0,192\n")
    (image,) = read_labels(label_masks, tmp_path).images
    assert image.problem == ""
    assert [(box.class_name, box.xywh) for box in image.boxes] == [
        ("road", pytest.approx((8, 12, 120, 120), abs=2)),
        ("car", pytest.approx((144, 80, 96, 80), abs=2)),
    ]


def test_few_colours_without_a_table_are_classes_named_by_them(tmp_path: Path) -> None:
    values = _values((1, FIRST), (2, SECOND))
    colours = np.array([[0, 0, 0], [128, 0, 0], [0, 192, 5]], np.uint8)
    for name, mask in (("1", colours[values]), ("2", colours[values * 0])):
        _save(tmp_path, f"images/{name}.jpg")
        _save(tmp_path, f"masks/{name}.png", mask)
    assert _objects(tmp_path) == [("#800000", FIRST), ("#00c005", SECOND)][::-1]
    dataset = read_labels(label_masks, tmp_path)
    assert dataset.classes == ["#00c005", "#800000"]
    assert "no table says which classes the 2 colours" in dataset.notes[0]


def test_other_tables_beside_masks_are_no_tables_of_classes(tmp_path: Path) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values((1, FIRST)))
    (tmp_path / "patients.csv").write_text("id,name\n100234,Ann\n")
    assert _objects(tmp_path) == [("class_1", FIRST)]


def _coloured(folder: Path) -> None:
    _save(folder, "masks/1.png", picture(3))


def _unknown_colour(folder: Path) -> None:
    _save(folder, "masks/1.png", picture(3))
    (folder / "labelmap.txt").write_text("road:128,0,0::\n")


def _sixteen_bits(folder: Path) -> None:
    _save(folder, "masks/1.png", np.full((HEIGHT, WIDTH), 700, dtype=np.uint16))


def _damaged(folder: Path) -> None:
    _save(folder, "masks/1.png")
    (folder / "masks/1.png").write_bytes(b"\x89PNG")


def _two_masks(folder: Path) -> None:
    _save(folder, "masks/1.png", _values())
    _save(folder, "masks/1_mask.png", _values())


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_coloured, r"masks/1\.png: it has colours, and no labelmap\.txt"),
        (_unknown_colour, r"masks/1\.png: its colour \d+,\d+,\d+ is not in labelmap\.txt"),
        (_sixteen_bits, r"masks/1\.png: class numbers have 8 bits"),
        (_damaged, r"masks/1\.png: it is no PNG, JPEG"),
        (_two_masks, r"several masks are about it: masks/1\.png, masks/1_mask\.png"),
    ],
)
def test_a_mask_without_a_meaning_is_a_problem_of_its_image(
    tmp_path: Path, spoil: Callable[[Path], None], problem: str
) -> None:
    _save(tmp_path, "images/1.jpg")
    spoil(tmp_path)
    (image,) = read_labels(label_masks, tmp_path).images
    assert image.boxes == []
    with pytest.raises(ValueError, match=problem):
        raise ValueError(image.problem)


@pytest.mark.parametrize("text", ["road:1,2\n", "road:1,2,256::\n", "a:1,1,1::\na:2,2,2::\n"])
def test_a_malformed_labelmap_is_an_error(tmp_path: Path, text: str) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values())
    (tmp_path / "labelmap.txt").write_text(text)
    with pytest.raises(RepriseError, match=r"labelmap\.txt"):
        read_labels(label_masks, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"road\nroad\n", "names 'road' twice"), (b"\xff\xff", "is not UTF-8 text")],
)
def test_a_malformed_classes_txt_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    _save(tmp_path, "images/1.jpg")
    _save(tmp_path, "masks/1.png", _values())
    (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(RepriseError, match=message):
        read_labels(label_masks, tmp_path)


def test_one_mask_for_each_class_is_named_after_the_class(tmp_path: Path) -> None:
    for name, image in (("road_7", "road_7_RAW.jpg"), ("road", "road.jpg")):
        _save(tmp_path, f"a/{image}")
        _save(tmp_path, f"a/{name}_CRACK.png", _values((255, FIRST)))
        _save(tmp_path, f"a/{name}_Pot-Hole.png", np.dstack([_values((255, SECOND))] * 3))
    dataset = read_labels(label_masks, tmp_path)
    assert [image.name for image in dataset.images] == ["a/road.jpg", "a/road_7_RAW.jpg"]
    for record in dataset.images:
        found = [(box.class_name, box.xywh) for box in record.boxes]
        assert found == [("crack", FIRST), ("pot-hole", SECOND)]
    assert dataset.classes == ["crack", "pot-hole"]


def test_class_masks_of_two_sizes_are_a_problem_of_their_image(tmp_path: Path) -> None:
    _save(tmp_path, "1.jpg")
    _save(tmp_path, "1_a.png", _values((255, FIRST)))
    _save(tmp_path, "1_b.png", np.zeros((5, 7), dtype=np.uint8))
    (image,) = read_labels(label_masks, tmp_path).images
    assert image.problem == "1_b.png: 7 x 5 pixels, but 64 x 48 before"
    assert image.boxes == []


def test_images_without_masks_and_masks_without_images(tmp_path: Path) -> None:
    for name in ("images/1.jpg", "images/2.jpg", "elsewhere/3.jpg"):
        _save(tmp_path, name)
    _save(tmp_path, "masks/1.png", _values())
    _save(tmp_path, "masks/9.png", _values())
    _save(tmp_path, "SegmentationObject/1.png", _values())
    dataset = read_labels(label_masks, tmp_path)
    assert [(i.name, i.path is not None, i.labelled) for i in dataset.images] == [
        ("elsewhere/3.jpg", True, False),
        ("images/1.jpg", True, True),
        ("images/2.jpg", True, False),
        ("masks/9.png", False, True),
    ]
    assert dataset.lists_images


def test_a_mask_that_fits_two_images_is_a_problem_of_both(tmp_path: Path) -> None:
    for name in ("images/1.jpg", "images/1.bmp"):
        _save(tmp_path, name)
    _save(tmp_path, "masks/1.png", _values())
    images = read_labels(label_masks, tmp_path).images
    assert [image.name for image in images] == ["images/1.bmp", "images/1.jpg", "masks/1.png"]
    problem = "masks/1.png fits several images: images/1.bmp"
    assert all(problem in image.problem and image.labelled for image in images)


def test_an_image_of_specks_alone_is_no_background(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        _save(tmp_path, f"images/{name}.jpg")
    specks = np.zeros((48, 64), dtype=np.uint8)
    _save(tmp_path, "masks/1.png", specks.copy())
    specks[2:5, 2:5] = 1
    _save(tmp_path, "masks/2.png", specks.copy())
    specks[20:40, 20:40] = 1
    _save(tmp_path, "masks/3.png", specks)
    images = read_labels(label_masks, tmp_path).images
    assert [image.problem for image in images] == ["", "all its 1 region(s) are specks", ""]
    assert [len(image.boxes) for image in images] == [0, 0, 1]


def test_splits_are_named_by_folders_or_by_lists(tmp_path: Path) -> None:
    for name in ("train/1", "2", "3"):
        _save(tmp_path, f"JPEGImages/{name}.jpg")
        _save(tmp_path, f"SegmentationClass/{name}.png", _values())
    (tmp_path / "ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("2\n1\n")
    found = {image.name: image.split for image in read_labels(label_masks, tmp_path).images}
    assert found == {
        "JPEGImages/2.jpg": "val",
        "JPEGImages/3.jpg": None,
        "JPEGImages/train/1.jpg": "train",
    }


def test_no_mask_says_what_was_looked_for(tmp_path: Path) -> None:
    _save(tmp_path, "a_1.png")
    with pytest.raises(RepriseError, match=r"no mask was found.*masks/1\.png for images/1\.jpg"):
        read_labels(label_masks, tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("images/1.jpg", "labels/2.png"),
        ("1.jpg", "1_2.png"),  # a numbered copy
        ("1.jpg", "1_small.png"),  # a photograph too
        ("dog.png", "dog_mask.png"),  # a dog that wears a mask
        ("a/images/1.png", "a/masks/f00.png"),  # instance masks
        ("mask/1.png", "no_mask/1.png"),  # labels of whole images
    ],
)
def test_it_does_not_claim_photographs_with_such_names(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        rng = np.random.default_rng(len(name))
        _save(tmp_path, name, rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    assert label_masks.detect(FileIndex(tmp_path, "mine")) is None


def test_the_potholes_are_those_that_were_derived_from_the_masks_before(
    shared_datasets: Path,
) -> None:
    folder = shared_datasets / "road_cracks_potholes"
    content = json.loads((folder / "derived_potholes_coco.json").read_text())
    names = {entry["id"]: entry["file_name"] for entry in content["images"]}
    expected = sorted((names[a["image_id"]], *a["bbox"], a["area"]) for a in content["annotations"])
    dataset = read_labels(label_masks, folder, "roads")
    boxes = [(image.name, box) for image in dataset.images for box in image.boxes]
    found = sorted((n, *b.xywh, b.area) for n, b in boxes if b.class_name == "pothole")
    assert found == expected
    counts = Counter(box.class_name for _, box in boxes)
    assert counts == {"pothole": 102, "crack": 458, "lane": 37}
    assert dataset.notes == ["2420 region(s) of under 50 px were left out as specks"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [(["Background"], "none of them called background"), ([f"c{i}" for i in range(255)], "255")],
)
def test_classes_that_have_no_number_are_refused(
    tmp_path: Path, classes: list[str], message: str
) -> None:
    with pytest.raises(RepriseError, match=message):
        label_masks.write(SourceDataset("mine", [], classes), tmp_path)


def test_boxes_without_a_mask_are_refused(tmp_path: Path) -> None:
    (record, *_) = images(tmp_path / "from")
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4))]
    with pytest.raises(RepriseError, match="has a box and no mask to write"):
        label_masks.write(SourceDataset("mine", [record], ["cat"]), tmp_path / "to")


def test_later_objects_overwrite_earlier_ones(tmp_path: Path) -> None:
    (record, *_) = images(tmp_path / "from")
    record.boxes = [_masked(record, "cat", (0, 0, 20, 20)), _masked(record, "dog", (0, 0, 20, 10))]
    (tmp_path / "to").mkdir()
    label_masks.write(SourceDataset("mine", [record], ["dog", "cat"]), tmp_path / "to")
    assert _objects(tmp_path / "to") == [("dog", (0, 0, 20, 10)), ("cat", (0, 10, 20, 10))]


def _masked(record: ImageRecord, class_name: str, xywh: tuple[int, int, int, int]) -> BoxRecord:
    assert record.width is not None and record.height is not None
    mask = np.zeros((record.height, record.width), dtype=bool)
    left, top, width, height = xywh
    mask[top : top + height, left : left + width] = True
    return mask_record(class_name, mask)


@st.composite
def _datasets(draw: st.DrawFn, folder: Path) -> SourceDataset:
    """Objects that a label mask can tell apart: blocks of enough pixels, one column apart."""
    records = [r for r in images(folder) if min(r.width or 0, r.height or 0) >= 20]
    for record in records:
        record.split = draw(st.sampled_from([None, "train", "val", "test"]))
        record.labelled = draw(st.sampled_from([True, True, False]))
        for left in (0, 10) if record.labelled else ():
            if draw(st.booleans()):
                width, height = draw(st.integers(7, 9)), draw(st.integers(8, 12))
                place = (left, draw(st.integers(0, 8)), width, height)
                record.boxes.append(_masked(record, draw(st.sampled_from(CLASSES)), place))
        record.boxes.sort(key=lambda box: CLASSES.index(box.class_name))
    return SourceDataset("mine", records, list(CLASSES))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    before = data.draw(_datasets(folder / "from"))
    if not any(image.labelled for image in before.images):
        return
    (folder / "to").mkdir()
    label_masks.write(before, folder / "to")
    after = read_labels(label_masks, folder / "to")
    assert_same(before, after)
    assert after.classes == before.classes
    again = by_picture(after)
    for content, image in by_picture(before).items():
        assert [box.area for box in again[content].boxes] == [box.area for box in image.boxes]
