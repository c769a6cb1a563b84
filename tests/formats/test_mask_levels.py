"""Soft edges are told from class numbers by all masks of a source, and snapped to true values."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from builders import picture
from formats.strategies import read_labels
from reprise.formats import instance_masks, label_masks
from reprise.formats.file_index import FileIndex
from reprise.formats.mask_levels import ValueCounts, snap

SIZE, LARGE = (200, 160), (800, 640)


def _drawn(values: list[int], size: tuple[int, int] = LARGE) -> Image.Image:
    """Ellipses side by side, one of each value."""
    mask = Image.new("L", LARGE, 0)
    draw = ImageDraw.Draw(mask)
    for place, value in enumerate(values):
        draw.ellipse((80 + 240 * place, 160, 260 + 240 * place, 500), fill=value)
    return mask.resize(size, Image.Resampling.NEAREST)


def _resized(values: list[int]) -> Image.Image:
    return _drawn(values).resize(SIZE, Image.Resampling.BICUBIC)


def _enlarged(values: list[int]) -> Image.Image:
    return _drawn(values, (50, 40)).resize(SIZE, Image.Resampling.BICUBIC)


def _jpeg(values: list[int]) -> Image.Image:
    buffer = io.BytesIO()
    _drawn(values, SIZE).save(buffer, "JPEG", quality=60)
    return Image.open(buffer).convert("L")


def _blurred(values: list[int]) -> Image.Image:
    return _drawn(values, SIZE).filter(ImageFilter.GaussianBlur(2))


def _counts(*masks: np.ndarray) -> ValueCounts:
    counts = ValueCounts()
    for mask in masks:
        counts.add(mask)
    return counts


@pytest.mark.parametrize("soften", [_resized, _enlarged, _jpeg, _blurred])
@pytest.mark.parametrize("values", [[255], [127, 255], [85, 170, 255], [200]])
def test_soft_edges_are_snapped_to_the_drawn_values(soften: object, values: list[int]) -> None:
    mask = np.asarray(soften(values))  # type: ignore[operator]
    levels = _counts(mask).levels()
    assert levels == pytest.approx([0, *values], abs=2)  # JPEG moves a grey a little
    assert levels is not None
    found = np.searchsorted(levels, snap(mask, levels))
    wrong = found != np.searchsorted([0, *values], np.asarray(_drawn(values, SIZE)))
    assert wrong.mean() < 0.02
    for place in range(1, len(levels)):
        # No ring of one level is left around an object of another.
        assert cv2.connectedComponents((found == place).astype(np.uint8))[0] == 2


def test_class_numbers_are_no_soft_edges() -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((160, 200), np.uint8)
    for number in range(1, 40):
        x, y = rng.integers(0, 150, 2)
        mask[y : y + rng.integers(1, 12), x : x + 9] = number
    mask[10] = 255
    assert _counts(mask).levels() is None


def test_a_photograph_is_over_the_limit() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8))
    assert _counts(np.asarray(noise.resize(SIZE, Image.Resampling.BICUBIC))).levels() is None


def test_thin_lines_without_inner_pixels_have_two_levels() -> None:
    mask = Image.new("L", LARGE, 0)
    ImageDraw.Draw(mask).line((0, 0, *LARGE), fill=255, width=6)
    levels = _counts(np.asarray(mask.resize(SIZE, Image.Resampling.BICUBIC))).levels()
    assert levels == [0, 255]


def _pair(folder: Path, name: str, mask: Image.Image, ending: str = ".png") -> None:
    for part in ("images", "masks"):
        (folder / part).mkdir(exist_ok=True)
    Image.fromarray(picture(len(name), *SIZE)).save(folder / f"images/{name}.jpg")
    mask.save(folder / f"masks/{name}{ending}", quality=60)


def _objects(folder: Path) -> list[list[tuple[str, tuple[float, ...]]]]:
    dataset = read_labels(label_masks, folder)
    assert [image.problem for image in dataset.images] == [""] * len(dataset.images)
    return [[(box.class_name, box.xywh) for box in image.boxes] for image in dataset.images]


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".tif", ".gif"])
def test_one_soft_mask_among_hard_ones_is_one_object(tmp_path: Path, ending: str) -> None:
    _pair(tmp_path, "a", _drawn([255], SIZE), ending)
    _pair(tmp_path, "b", _resized([255]), ending)
    (hard,), (soft,) = _objects(tmp_path)
    assert (hard[0], soft[0]) == ("class_1", "class_1")
    assert hard[1] == pytest.approx((20, 40, 45, 85), abs=1)
    assert soft[1] == pytest.approx(hard[1], abs=1)
    notes = read_labels(label_masks, tmp_path).notes
    assert "soft edges" in notes[0] and "snapped to 0, 255" in notes[0]
    assert label_masks.detect(FileIndex(tmp_path, "mine")) is not None


def test_masks_of_0_and_1_beside_those_of_0_and_255(tmp_path: Path) -> None:
    _pair(tmp_path, "a", _drawn([1], SIZE))
    _pair(tmp_path, "b", _drawn([255], SIZE))
    _pair(tmp_path, "c", _resized([255]))
    places = [objects[0] for objects in _objects(tmp_path)]
    assert [name for name, _ in places] == ["class_1"] * 3
    notes = read_labels(label_masks, tmp_path).notes
    assert notes[1] == "1 mask(s) show the object as 1 and 2 as 255: both are one class"


def test_255_is_void_beside_class_numbers_and_a_class_among_levels_of_grey(tmp_path: Path) -> None:
    _pair(tmp_path, "a", _drawn([1, 255], SIZE))
    assert [name for name, _ in _objects(tmp_path)[0]] == ["class_1"]
    assert read_labels(label_masks, tmp_path).notes == [
        "255 is void in 1 mask(s), beside class numbers"
    ]
    _pair(tmp_path, "a", _drawn([128, 255], SIZE))
    assert [name for name, _ in _objects(tmp_path)[0]] == ["class_128", "class_255"]


def test_an_object_of_its_own_mask_is_cut_half_way(tmp_path: Path) -> None:
    Image.fromarray(picture(1, *SIZE)).save(tmp_path / "photo.png")
    (tmp_path / "masks").mkdir()
    _resized([255]).save(tmp_path / "masks/1.png")
    dataset = read_labels(instance_masks, tmp_path)
    (box,) = dataset.images[0].boxes
    assert box.xywh == pytest.approx((20, 40, 45, 85), abs=1)
    assert "1 mask(s) have soft edges" in dataset.notes[0]


def test_a_soft_mask_of_one_class_is_cut_half_way(tmp_path: Path) -> None:
    Image.fromarray(picture(1, *SIZE)).save(tmp_path / "1.jpg")
    _resized([255]).save(tmp_path / "1_crack.png")
    (image,) = read_labels(label_masks, tmp_path).images
    assert [box.class_name for box in image.boxes] == ["crack"]
    assert image.boxes[0].xywh == pytest.approx((20, 40, 45, 85), abs=1)
