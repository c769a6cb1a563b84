"""What the rows of YOLO are is told by all rows of a source, right or with a question."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from reprise.errors import RepriseError
from reprise.formats.records import ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source
from reprise.formats.yolo.rows import read_rows

KINDS = ("box", "confidence", "track", "pose2", "pose3", "obb", "polygon", "same_polygon")


def box(rng: np.random.Generator) -> list[float]:
    """Centre and size of a box inside the image."""
    w, h = rng.uniform(0.05, 0.6, 2)
    return [rng.uniform(w / 2, 1 - w / 2), rng.uniform(h / 2, 1 - h / 2), w, h]


def polygon(rng: np.random.Generator, points: int) -> list[float]:
    """A star-shaped polygon inside the image: its sides do not cross."""
    cx, cy, w, h = box(rng)
    turns = np.sort((np.arange(points) + rng.uniform(0, 0.8, points)) * 2 * math.pi / points)
    radii = rng.uniform(0.3, 1, points)
    xs, ys = cx + w / 2 * radii * np.cos(turns), cy + h / 2 * radii * np.sin(turns)
    start = rng.integers(points)
    return [
        float(v) for pair in zip(np.roll(xs, start), np.roll(ys, start), strict=True) for v in pair
    ]


def row(kind: str, rng: np.random.Generator, points: int) -> list[float]:
    """The numbers after the class, for one object of a kind."""
    x, y, w, h = numbers = box(rng)
    if kind == "confidence":
        return [*numbers, rng.uniform()]
    if kind == "track":
        return [*numbers, rng.uniform(), float(rng.integers(1, 90))]
    if kind in ("pose2", "pose3"):
        for _ in range(points):
            place = [x + w * rng.uniform(-0.5, 0.5), y + h * rng.uniform(-0.5, 0.5)]
            flag = float(rng.integers(0, 3))
            seen = place if kind == "pose2" or flag else [0.0, 0.0]
            numbers += [*seen, flag] if kind == "pose3" else seen
        return numbers
    if kind == "obb":
        turn = rng.uniform(0, math.pi)
        cos, sin = math.cos(turn) / 2, math.sin(turn) / 2
        w, h = w / 2, h / 2
        sides = [(-w, -h), (w, -h), (w, h), (-w, h)]
        return [v for a, b in sides for v in (x + a * cos - b * sin, y + a * sin + b * cos)]
    if kind == "polygon":
        return polygon(rng, int(rng.integers(3, 9)))
    return polygon(rng, points) if kind == "same_polygon" else numbers


def noise(rng: np.random.Generator) -> list[float]:
    """A row that is broken, or of something else."""
    return [float(v) for v in rng.uniform(-1, 2, rng.integers(1, 12))]


@given(
    kind=st.sampled_from(KINDS),
    count=st.integers(1, 60),
    points=st.integers(3, 12),
    noisy=st.integers(0, 3),
    scale=st.sampled_from([1.0, 640.0]),
    seed=st.integers(0, 10**6),
)
def test_the_kind_of_the_rows_is_right_or_asked_for(
    kind: str, count: int, points: int, noisy: int, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [row(kind, rng, points) for _ in range(count)]
    if scale > 1:
        assume(kind not in ("track", "confidence", "pose3"))
        rows = [[value * scale for value in values] for values in rows]
    rows += [noise(rng) for _ in range(min(noisy, count // 20))]
    reading = read_rows(rows, False, "")
    if reading.question:
        assert reading.answer
        return
    object_ = reading.object("cat", rows[0])
    outlined = kind in ("obb", "polygon", "same_polygon")
    assert bool(object_.segmentation) == outlined
    if not outlined:
        x, y, w, h = rows[0][:4]
        assert object_.xywh == pytest.approx((x - w / 2, y - h / 2, w, h))
    assert bool(reading.note) >= (kind in ("confidence", "track", "pose2", "pose3"))


@pytest.mark.parametrize("kind", KINDS)
def test_sources_of_common_size_need_no_question(kind: str) -> None:
    rng = np.random.default_rng(1)
    rows = [row(kind, rng, 7) for _ in range(80)]
    assert not read_rows(rows, False, "").question


def source(folder: Path, text: str, images: int = 3, yaml: str = "") -> SourceDataset:
    """Some images, each with these rows."""
    for place in ("images", "labels"):
        (folder / place).mkdir(parents=True)
    for number in range(images):
        Image.fromarray(picture(number)).save(folder / f"images/{number}.png")
        (folder / f"labels/{number}.txt").write_text(text)
    if yaml:
        (folder / "data.yaml").write_text(yaml)
    return read_source(folder, "mine", "yolo", ReadOptions())


POSE = "0 0.5 0.5 0.4 0.6 0.45 0.3 0.55 0.3 0.5 0.5 0.42 0.7 0.6 0.72\n"


def test_keypoints_without_kpt_shape(tmp_path: Path) -> None:
    dataset = source(tmp_path, POSE, 6)
    (found,) = dataset.images[0].boxes
    assert found.xywh == pytest.approx((0.3, 0.2, 0.4, 0.6)) and not found.segmentation
    assert "6 row(s) are read as boxes with 5 keypoint(s) each" in dataset.notes[0]


def test_a_question_says_how_to_answer_it(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"(?s)3 rows have 14 numbers.*task: segment.*\[5, 2\]"):
        source(tmp_path / "a", POSE, 3)
    assert source(tmp_path / "b", POSE, 3, "task: segment").images[0].boxes[0].segmentation
    assert not source(tmp_path / "c", POSE, 3, "kpt_shape: [5, 2]").images[0].boxes[0].segmentation


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0 0.25 0.5 0.2 0.4 0.91", "a confidence: left out"),
        ("0 0.25 0.5 0.2 0.4 7", "a number of a track: left out"),
        ("0 0.25 0.5 0.2 0.4 0.91 1", "a confidence and a number of a track: both are left out"),
        ("0 0.25 0.5 0.2 0.4 3 0.5", "a confidence and a number of a track: both are left out"),
    ],
)
def test_columns_after_the_box_are_told(tmp_path: Path, line: str, told: str) -> None:
    dataset = source(tmp_path, line)
    assert dataset.images[0].boxes[0].xywh == pytest.approx((0.15, 0.3, 0.2, 0.4))
    assert told in dataset.notes[0]


def test_an_angle_after_the_box_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match=r"goes from 1.57 to 1.57: the box may be turned by it"):
        source(tmp_path, "0 0.25 0.5 0.2 0.4 1.57")


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("VOC2007/JPEGImages/a.png", "VOC2007/labels/a.txt"),
        ("Images/a.png", "Labels/a.txt"),
        ("train/a.png", "train_labels/a.txt"),
        ("pics/a.png", "texts/a.txt"),
        ("images/IMG_1.PNG", "labels/img_1.txt"),
        ("images/ä.png", "labels/a\u0308.txt"),
        ("images/a.png", "labels/a.png.txt"),
    ],
)
def test_a_label_file_in_another_folder_is_found_by_its_name(
    tmp_path: Path, image: str, label: str
) -> None:
    for name in (image, label):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(1)).save(tmp_path / image, format="PNG")
    (tmp_path / label).write_text("0 0.5 0.5 0.2 0.4")
    dataset = read_source(tmp_path, "mine", "auto", ReadOptions())
    assert [len(found.boxes) for found in dataset.images] == [1]
    assert "1 label file(s) were matched by their names" in dataset.notes[1]


def test_namesakes_in_two_splits_keep_to_their_folders(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "valid")):
        for folder in (split, f"{split}_labels"):
            (tmp_path / folder).mkdir()
        Image.fromarray(picture(number)).save(tmp_path / split / "a.png")
        (tmp_path / f"{split}_labels/a.txt").write_text(f"{number} 0.5 0.5 0.2 0.4")
    images = read_source(tmp_path, "mine", "yolo", ReadOptions()).images
    assert [(i.name, i.split, i.boxes[0].class_name) for i in images] == [
        ("train/a.png", "train", "0"),
        ("valid/a.png", "val", "1"),
    ]


def test_classes_as_numpy_writes_them(tmp_path: Path) -> None:
    dataset = source(tmp_path, "1.000000000000000000e+00 5.0e-01 5.0e-01 2.0e-01 4.0e-01\n")
    assert dataset.images[0].boxes[0].class_name == "1"
