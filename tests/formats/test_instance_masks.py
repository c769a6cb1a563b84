"""One mask file is one object, exact to the pixel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from formats.strategies import assert_same, by_picture, datasets, images, read_labels
from reprise.errors import RepriseError
from reprise.formats import instance_masks, mask_images
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.masks import rle

WIDTH, HEIGHT = 64, 48


def _block(left: int, top: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _image(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(len(name))).save(folder / name)


def _mask(folder: Path, name: str, mask: np.ndarray) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / name)


def _only(folder: Path) -> ImageRecord:
    (image,) = read_labels(instance_masks, folder).images
    return image


def test_every_mask_becomes_run_lengths_with_its_box_and_area(tmp_path: Path) -> None:
    _image(tmp_path, "a1/images/a1.png")
    _mask(tmp_path, "a1/masks/x.png", _block(5, 7, 10, 3))
    _mask(tmp_path, "a1/masks/y.png", _block(0, 0, 2, 2) | _block(60, 40, 4, 8))
    image = _only(tmp_path)
    assert (image.name, image.width, image.height) == ("a1/images/a1.png", WIDTH, HEIGHT)
    assert [box.xywh for box in image.boxes] == [(5, 7, 10, 3), (0, 0, 64, 48)]
    assert [box.area for box in image.boxes] == [30, 36]
    assert isinstance(image.boxes[0].segmentation, dict)
    assert (rle.decode(image.boxes[0].segmentation) == _block(5, 7, 10, 3)).all()


def test_the_image_may_lie_beside_the_masks(tmp_path: Path) -> None:
    _image(tmp_path, "a1/photo.jpg")
    _mask(tmp_path, "a1/masks/x.png", _block(1, 1, 2, 2))
    assert _only(tmp_path).name == "a1/photo.jpg"
    assert len(_only(tmp_path).boxes) == 1


def test_the_class_is_a_folder_else_the_one_of_classes_txt_else_object(tmp_path: Path) -> None:
    _image(tmp_path, "a1/images/a1.png")
    _mask(tmp_path, "a1/masks/1.png", _block(1, 1, 2, 2))
    _mask(tmp_path, "a1/masks/cell wall/2.png", _block(9, 9, 2, 2))
    assert [box.class_name for box in _only(tmp_path).boxes] == ["object", "cell wall"]
    (tmp_path / "classes.txt").write_text("nucleus\n")
    assert [box.class_name for box in _only(tmp_path).boxes] == ["nucleus", "cell wall"]
    assert read_labels(instance_masks, tmp_path).classes == ["nucleus", "cell wall"]
    (tmp_path / "classes.txt").write_text("nucleus\ncell wall\n")
    assert [box.class_name for box in _only(tmp_path).boxes] == ["object", "cell wall"]


def _as_rgba(mask: np.ndarray) -> Image.Image:
    channels = np.zeros((HEIGHT, WIDTH, 4), dtype=np.uint8)
    channels[..., 3] = 255
    channels[mask, 2] = 1
    return Image.fromarray(channels)


def _as_palette(mask: np.ndarray) -> Image.Image:
    image = Image.fromarray(np.where(mask, 0, 7).astype(np.uint8))
    image.putpalette([9, 9, 9] + [0, 0, 0] * 255)
    return image


MODES = {
    "1": lambda mask: Image.fromarray(mask),
    "grey, low values": lambda mask: Image.fromarray(mask.astype(np.uint8)),
    "16 bits": lambda mask: Image.fromarray(mask.astype(np.uint16) * 256),
    "one colour channel, opaque everywhere": _as_rgba,
    "palette whose first colour is the object's": _as_palette,
}


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_black_is_the_object(tmp_path: Path, mode: str) -> None:
    _image(tmp_path, "a1/images/a1.png")
    (tmp_path / "a1/masks").mkdir()
    MODES[mode](_block(5, 7, 10, 3)).save(tmp_path / "a1/masks/1.png")
    assert [box.xywh for box in _only(tmp_path).boxes] == [(5, 7, 10, 3)]


def test_an_empty_mask_is_a_box_of_no_size_for_the_rules_to_drop(tmp_path: Path) -> None:
    _image(tmp_path, "a1/images/a1.png")
    _mask(tmp_path, "a1/masks/1.png", _block(0, 0, 0, 0))
    assert [box.xywh for box in _only(tmp_path).boxes] == [(0, 0, 0, 0)]


def test_masks_of_two_sizes_are_a_problem_of_their_image(tmp_path: Path) -> None:
    _image(tmp_path, "a1/images/a1.png")
    _mask(tmp_path, "a1/masks/1.png", _block(1, 1, 2, 2))
    _mask(tmp_path, "a1/masks/2.png", np.ones((3, 5), dtype=bool))
    image = _only(tmp_path)
    assert image.problem == "a1/masks/2.png: 5 x 3 pixels, but 64 x 48 before"
    assert image.boxes == []


@pytest.mark.parametrize("spoil", ["cut", "text"])
def test_a_mask_that_cannot_be_read_is_a_problem_of_its_image(tmp_path: Path, spoil: str) -> None:
    for unit in ("a1", "a2"):
        _image(tmp_path, f"{unit}/images/{unit}.png")
        _mask(tmp_path, f"{unit}/masks/1.png", _block(1, 1, 20, 20))
    broken = tmp_path / "a1/masks/1.png"
    if spoil == "cut":
        broken.write_bytes(broken.read_bytes()[:-30])
    else:
        broken.write_text("no picture")
    bad, good = read_labels(instance_masks, tmp_path).images
    assert bad.problem.startswith("a1/masks/1.png")
    assert str(tmp_path) not in bad.problem
    assert (good.problem, len(good.boxes)) == ("", 1)


def test_a_mask_with_too_many_pixels_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_images, "MAX_PIXELS", WIDTH * HEIGHT - 1)
    _image(tmp_path, "a1/images/a1.png")
    _mask(tmp_path, "a1/masks/1.png", _block(1, 1, 2, 2))
    assert _only(tmp_path).problem == "a1/masks/1.png: it has more than 3071 pixels"


def test_folders_without_masks_or_without_one_image(tmp_path: Path) -> None:
    _image(tmp_path, "plain/images/1.png")
    _image(tmp_path, "nothing to see/images/1.png")
    (tmp_path / "nothing to see/masks").mkdir()
    _mask(tmp_path, "lost/masks/1.png", _block(1, 1, 2, 2))
    _image(tmp_path, "two/images/1.png")
    _image(tmp_path, "two/images/2.png")
    _mask(tmp_path, "two/masks/1.png", _block(1, 1, 2, 2))
    dataset = read_labels(instance_masks, tmp_path)
    found = {image.name: image for image in dataset.images}
    assert not found["plain/images/1.png"].labelled
    assert found["nothing to see/images/1.png"].labelled
    assert found["lost/images"].path is None
    assert found["two/images/2.png"].problem == "2 images share one folder masks"
    assert dataset.lists_images
    assert len(found) == 5


def test_a_folder_above_the_image_names_the_split(tmp_path: Path) -> None:
    for unit in ("stage1_train/test", "stage1_test/b"):
        _image(tmp_path, f"{unit}/images/1.png")
        _mask(tmp_path, f"{unit}/masks/2.png", _block(1, 1, 2, 2))
    images = read_labels(instance_masks, tmp_path).images
    assert [image.split for image in images] == ["test", "train"]


def test_no_mask_says_what_was_looked_for(tmp_path: Path) -> None:
    _image(tmp_path, "images/1.png")
    with pytest.raises(RepriseError, match=r"no instance mask .* <id>/masks/\*\.png"):
        read_labels(instance_masks, tmp_path)


def test_it_is_told_from_label_masks_by_the_names_of_the_masks(tmp_path: Path) -> None:
    _image(tmp_path, "labels/images/1.png")
    _mask(tmp_path, "labels/masks/1.png", _block(1, 1, 2, 2))
    assert instance_masks.detect(FileIndex(tmp_path, "mine")) is None
    _image(tmp_path, "a1/images/1.png")
    _mask(tmp_path, "a1/masks/f00.png", _block(1, 1, 2, 2))
    reason = instance_masks.detect(FileIndex(tmp_path, "mine"))
    assert reason == "1 folder(s) of one image with masks/, the first a1"


def test_the_nuclei_are_those_that_were_derived_from_them_before(shared_datasets: Path) -> None:
    folder = shared_datasets / "nuclei_dsb2018"
    content = json.loads((folder / "derived_instances_coco.json").read_text())
    names = {entry["id"]: entry["file_name"] for entry in content["images"]}
    expected = sorted((names[a["image_id"]], *a["bbox"], a["area"]) for a in content["annotations"])
    dataset = read_labels(instance_masks, folder, "nuclei")
    found = sorted((i.name, *box.xywh, box.area) for i in dataset.images for box in i.boxes)
    assert found == expected
    assert (len(dataset.images), len(found)) == (21, 976)
    assert instance_masks.detect(FileIndex(folder, "nuclei")) is not None


def _masked(record: ImageRecord, class_name: str = "cat") -> BoxRecord:
    mask = np.ones((record.height or 0, record.width or 0), dtype=bool)
    return mask_images.mask_record(class_name, mask)


def _without_mask(record: ImageRecord) -> None:
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4))]


def _with_polygon(record: ImageRecord) -> None:
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4), segmentation=[[1, 2, 4, 2, 4, 6]])]


def _of_another_size(record: ImageRecord) -> None:
    segmentation: dict[str, object] = {"size": [2, 2], "counts": [4]}
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4), segmentation=segmentation)]


def _broken(record: ImageRecord) -> None:
    segmentation: dict[str, object] = {"size": [2, 2], "counts": [5]}
    record.boxes = [BoxRecord("cat", (1, 2, 3, 4), segmentation=segmentation)]


def _of_a_bad_class(record: ImageRecord) -> None:
    record.boxes = [_masked(record, "../cat")]


def _with_labels(record: ImageRecord) -> None:
    record.labels = ["cat"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_mask, "has a box and no mask to write"),
        (_with_polygon, "has polygons and no mask to write"),
        (_of_another_size, "has a mask of 2 x 2 pixels, the image is"),
        (_broken, "run lengths do not fill a mask of 2 x 2"),
        (_of_a_bad_class, r"no folder can be named '\.\./cat'"),
        (_with_labels, "cannot hold labels of whole images"),
    ],
)
def test_what_masks_cannot_hold_is_refused(
    tmp_path: Path, spoil: Callable[[ImageRecord], None], message: str
) -> None:
    (record, *_) = images(tmp_path / "from")
    spoil(record)
    (tmp_path / "to").mkdir()
    with pytest.raises(RepriseError, match=message):
        instance_masks.write(SourceDataset("mine", [record], []), tmp_path / "to")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), splits=st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, splits: bool
) -> None:
    folder = tmp_path_factory.mktemp("instances")
    before = data.draw(datasets(folder / "from", masks=True, splits=splits, unlabelled=not splits))
    for image in before.images:
        image.boxes = [box for box in image.boxes if box.segmentation]
    if not any(image.boxes for image in before.images):
        return
    (folder / "to").mkdir()
    instance_masks.write(before, folder / "to")
    after = read_labels(instance_masks, folder / "to")
    assert_same(before, after, outlines=False)
    again = by_picture(after)
    for content, image in by_picture(before).items():
        for box, twin in zip(image.boxes, again[content].boxes, strict=True):
            assert isinstance(box.segmentation, dict) and isinstance(twin.segmentation, dict)
            assert (rle.decode(box.segmentation) == rle.decode(twin.segmentation)).all()
            assert twin.area == box.area
    assert after.classes == before.classes
