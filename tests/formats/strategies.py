"""Datasets for the round trips of formats: what hypothesis draws, with real image files.

``read(write(x)) == x`` compares images by what their files hold, because a format may put
them elsewhere: every picture here has pixels of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from builders import picture
from reprise.formats.file_index import FileIndex
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.source_labels import Format

# Name and size of every picture: spaces, other alphabets, one base name in two folders.
PICTURES = (
    ("a.png", (64, 48)),
    ("north/shared name.png", (48, 64)),
    ("south/shared name.png", (31, 7)),
    ("south/größe und maß/ä ö.png", (40, 40)),
    ("写真/猫 1.png", (1, 50)),
    ("b.c.d.png", (55, 33)),
)
CLASSES = ("cat", "big dog", "Zwölf", "猫", "7")
SPLITS = ("train", "val", "test")


def read_labels(
    module: Any, folder: Path, source: str = "mine", version: str = "latest"
) -> SourceDataset:
    """What a format's module reads from a folder."""
    reader: Format = module
    return reader.read(FileIndex(folder, source), ReadOptions(version))


def images(folder: Path) -> list[ImageRecord]:
    """All the pictures, written below ``folder`` once; no labels yet, sorted by name."""
    records = []
    for seed, (name, (width, height)) in enumerate(PICTURES):
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(seed + 1, width, height)).save(path)
        records.append(ImageRecord(name, path, width, height))
    return sorted(records, key=lambda record: record.name)


@st.composite
def datasets(
    draw: st.DrawFn,
    folder: Path,
    *,
    boxes: bool = True,
    polygons: bool = False,
    parts: int = 1,
    masks: bool = False,
    crowds: bool = False,
    labels: bool = False,
    splits: bool = True,
    keys: bool = False,
    unlabelled: bool = False,
    classes: Sequence[str] = CLASSES,
) -> SourceDataset:
    """A dataset as a writer takes it: every image with a file and a size, boxes in pixels.

    Coordinates are multiples of a quarter pixel, so that sums of them are exact.

    Args:
        draw: Given by hypothesis.
        folder: Where the image files are written, once; several examples may share it.
        boxes: Whether images have boxes.
        polygons: Whether some boxes have outlines, whose bounds they then are.
        parts: Most outlines that one object has.
        masks: Whether some boxes have RLE masks, whose bounds they then are.
        crowds: Whether some boxes are crowds, with RLE masks.
        labels: Whether images have labels as a whole.
        splits: Whether every image has a split; no image has one otherwise.
        keys: Whether images have keys to group by.
        unlabelled: Whether some images have no label.
        classes: Names to draw from; the declared classes are those that occur, sorted.
    """
    wanted = draw(st.sets(st.sampled_from(range(len(PICTURES))), min_size=1))
    records = [record for index, record in enumerate(images(folder)) if index in wanted]
    for record in records:
        if splits:
            record.split = draw(st.sampled_from(SPLITS))
        if unlabelled and draw(st.booleans()):
            record.labelled = False
            continue
        if keys:
            record.keys = draw(st.dictionaries(st.sampled_from(["site", "day"]), st.text("ab1")))
        if labels:
            record.labels = draw(st.lists(st.sampled_from(classes), unique=True, max_size=3))
        if boxes:
            for _ in range(draw(st.integers(0, 3))):
                record.boxes.append(draw(_box(record, classes, polygons, parts, masks, crowds)))
    used = {box.class_name for record in records for box in record.boxes}
    used.update(name for record in records for name in record.labels)
    return SourceDataset("mine", records, sorted(used))


@st.composite
def _box(
    draw: st.DrawFn,
    image: ImageRecord,
    classes: Sequence[str],
    polygons: bool,
    parts: int,
    masks: bool,
    crowds: bool,
) -> BoxRecord:
    assert image.width is not None and image.height is not None
    class_name = draw(st.sampled_from(classes))
    if crowds and draw(st.booleans()):
        return draw(_masked(class_name, image, 1))
    if masks and draw(st.booleans()):
        return draw(_masked(class_name, image, 0))
    if polygons and draw(st.booleans()):
        outline = st.integers(3, 7).flatmap(lambda n: _outline(n, image))
        outlines = draw(st.lists(outline, min_size=1, max_size=parts))
        xs = [x for part in outlines for x in part[0::2]]
        ys = [y for part in outlines for y in part[1::2]]
        xywh = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
        return BoxRecord(class_name, xywh, segmentation=outlines)
    left, right = sorted(draw(_two(image.width)))
    top, bottom = sorted(draw(_two(image.height)))
    return BoxRecord(class_name, (left, top, right - left, bottom - top))


def _quarters(limit: int) -> st.SearchStrategy[float]:
    return st.integers(0, 4 * limit).map(lambda value: value / 4)


def _two(limit: int) -> st.SearchStrategy[list[float]]:
    return st.lists(_quarters(limit), min_size=2, max_size=2, unique=True)


@st.composite
def _outline(draw: st.DrawFn, points: int, image: ImageRecord) -> list[float]:
    assert image.width is not None and image.height is not None
    xs = draw(st.lists(_quarters(image.width), min_size=points, max_size=points))
    ys = draw(st.lists(_quarters(image.height), min_size=points, max_size=points))
    return [value for point in zip(xs, ys, strict=True) for value in point]


@st.composite
def _masked(draw: st.DrawFn, class_name: str, image: ImageRecord, iscrowd: int) -> BoxRecord:
    """A block of whole pixels with one hole at most, as uncompressed RLE."""
    assert image.width is not None and image.height is not None
    left, top = draw(st.integers(0, image.width - 1)), draw(st.integers(0, image.height - 1))
    w, h = draw(st.integers(1, image.width - left)), draw(st.integers(1, image.height - top))
    pixels = np.zeros((image.height, image.width), dtype=bool)
    pixels[top : top + h, left : left + w] = True
    if w > 2 and h > 2 and draw(st.booleans()):
        pixels[top + 1, left + 1] = False
    return BoxRecord(
        class_name,
        (float(left), float(top), float(w), float(h)),
        area=float(pixels.sum()),
        iscrowd=iscrowd,
        segmentation=_run_lengths(pixels),
    )


def _run_lengths(pixels: np.ndarray) -> dict[str, object]:
    """Lengths of the runs, column by column, background first."""
    runs = [(value, len(list(run))) for value, run in groupby(pixels.T.ravel().tolist())]
    counts = [length for _, length in runs]
    return {"size": list(pixels.shape), "counts": [0, *counts] if runs[0][0] else counts}


def by_picture(dataset: SourceDataset) -> dict[bytes, ImageRecord]:
    """The images by the content of their files: how the two sides of a round trip meet."""
    found = {image.path.read_bytes(): image for image in dataset.images if image.path is not None}
    assert len(found) == len(dataset.images)
    return found


def assert_same(
    before: SourceDataset,
    after: SourceDataset,
    *,
    outlines: bool = True,
    keys: bool = False,
    pixels: float = 1e-6,
) -> None:
    """Fail unless a dataset came back from a round trip.

    Names of images and areas are not compared.

    Args:
        before: What was written.
        after: What was read again; images that are ``normalised`` may lack a size.
        outlines: Compare segmentations too.
        keys: Compare keys too.
        pixels: Largest difference of a coordinate.
    """
    again = by_picture(after)
    assert len(again) == len(before.images)
    assert [image.name for image in after.images] == sorted(image.name for image in after.images)
    for content, image in by_picture(before).items():
        other = again[content]
        assert other.problem == ""
        assert other.split == image.split
        assert other.labelled == image.labelled
        assert sorted(other.labels) == sorted(image.labels)
        assert other.keys == (image.keys if keys else other.keys)
        if not other.normalised and other.width is not None:
            assert (other.width, other.height) == (image.width, image.height)
        assert len(other.boxes) == len(image.boxes)
        scale = (image.width, image.height) if other.normalised else (1, 1)
        for box, twin in zip(image.boxes, other.boxes, strict=True):
            assert twin.class_name == box.class_name
            assert twin.iscrowd == box.iscrowd
            assert _scaled(twin.xywh, scale) == pytest.approx(box.xywh, abs=pixels)
            if outlines:
                _assert_same_outline(box.segmentation, twin.segmentation, scale, pixels)


def _assert_same_outline(before: Any, after: Any, scale: Any, pixels: float) -> None:
    if isinstance(before, dict):
        assert after == before
        return
    assert len(after) == len(before)
    for part, twin in zip(before, after, strict=True):
        assert _scaled(twin, scale) == pytest.approx(part, abs=pixels)


def _scaled(values: Sequence[float], scale: tuple[float, float]) -> list[float]:
    assert all(math.isfinite(value) for value in values)
    return [value * scale[place % 2] for place, value in enumerate(values)]
