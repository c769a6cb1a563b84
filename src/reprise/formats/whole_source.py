"""What is decided over all labels of a source, for every format, after they were read.

- A class without any place is a label of its image.
- A box that is missing, empty or not finite is the one around its outline or mask.
- A class called background is none.
- Fractions and pixels: :mod:`reprise.formats.units`.
- Where labels find no picture, pictures without labels may be theirs, and are no background.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from reprise.formats.geometry import Xywh, bounds, corners
from reprise.formats.records import (
    NO_GEOMETRY,
    ROTATED,
    BoxRecord,
    ImageRecord,
    SourceDataset,
)
from reprise.formats.units import settle_units
from reprise.masks import rle

BACKGROUND = frozenset({"background", "_background_", "__background__"})
MAX_PIXELS = 100_000_000  # of a mask that is decoded for its bounds


def settle(dataset: SourceDataset) -> SourceDataset:
    """Complete the labels of a source; its images are changed in place.

    Returns:
        The dataset with notes on what was decided.

    Raises:
        RepriseError: Its coordinates fit neither as fractions nor as pixels.
    """
    images = dataset.images
    notes = [*_labels_of_images(images), *_missing_boxes(images), *_turned(images)]
    classes, of_background = _without_background(dataset)
    notes += of_background
    opened, of_units = settle_units(dataset)
    notes += of_units
    lists_images, of_pictures = _unsure_background(dataset)
    return replace(
        dataset,
        classes=classes,
        lists_images=lists_images,
        opened_images=opened,
        notes=dataset.notes + notes + of_pictures,
    )


def _labels_of_images(images: list[ImageRecord]) -> list[str]:
    moved = _Told()
    for image in images:
        placed = []
        for box in image.boxes:
            if box.shape != NO_GEOMETRY:
                placed.append(box)
                continue
            moved.add(image)
            if box.class_name not in image.labels:
                image.labels.append(box.class_name)
        image.boxes = placed
    return moved.note("label(s) have a class and no place: taken as labels of whole images")


def _missing_boxes(images: list[ImageRecord]) -> list[str]:
    made = _Told()

    def completed(box: BoxRecord) -> BoxRecord:
        _, _, w, h = box.xywh
        if not box.segmentation or (all(map(math.isfinite, box.xywh)) and w > 0 and h > 0):
            return box
        around = _around(box)
        if around is None:
            return box
        made.add(image)
        return replace(box, xywh=around)

    for image in images:
        image.boxes = _changed(image.boxes, completed)
    return made.note("box(es) were missing or empty: taken around their outlines")


def _changed(boxes: list[BoxRecord], change: Callable[[BoxRecord], BoxRecord]) -> list[BoxRecord]:
    return [change(box) for box in boxes]


def _around(box: BoxRecord) -> Xywh | None:
    """The box around an outline; None where it has none or is damaged."""
    if isinstance(box.segmentation, dict):
        try:
            return tuple(map(float, rle.bounds(rle.decode(box.segmentation, MAX_PIXELS))))  # type: ignore[return-value]
        except ValueError:
            return None
    parts = [part for part in box.segmentation if len(part) >= 6 and len(part) % 2 == 0]
    whole = bounds([point for part in parts for point in corners(part)])
    return whole if math.isfinite(whole[0]) else None


def _turned(images: list[ImageRecord]) -> list[str]:
    turned = _Told()
    for image in images:
        for box in image.boxes:
            if box.shape == ROTATED:
                turned.add(image)
    return turned.note("rotated rectangle(s) are read as polygons, with the boxes around them")


def _without_background(dataset: SourceDataset) -> tuple[list[str], list[str]]:
    named: Counter[str] = Counter()
    for image in dataset.images:
        named.update(box.class_name for box in image.boxes if _is_background(box.class_name))
        named.update(name for name in image.labels if _is_background(name))
    if not named:
        return [name for name in dataset.classes if not _is_background(name)], []
    for image in dataset.images:
        image.boxes = [box for box in image.boxes if not _is_background(box.class_name)]
        image.labels = [name for name in image.labels if not _is_background(name)]
    classes = [name for name in dataset.classes if not _is_background(name)]
    names = ", ".join(f"'{name}'" for name in sorted(named))
    return classes, [f"{named.total()} label(s) of the class {names} are taken as none"]


def _is_background(name: str) -> bool:
    return name.strip().lower() in BACKGROUND


def _unsure_background(dataset: SourceDataset) -> tuple[bool, list[str]]:
    """Whether images without labels are no part of the dataset, and why."""
    lost = [
        image.name
        for image in dataset.images
        if image.path is None and (image.boxes or image.labels) and not image.problem
    ]
    bare = sum(image.path is not None and not image.labelled for image in dataset.images)
    if dataset.lists_images or not lost or not bare:
        return dataset.lists_images, []
    return True, [
        f"{len(lost)} label(s) find no picture, such as {lost[0]}, so that the {bare} picture(s) "
        "without labels may be theirs and are left out (unlabelled: background keeps them)"
    ]


class _Told:
    """Counts what is done, and remembers where first."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def add(self, image: ImageRecord) -> None:
        self._count += 1
        self._first = self._first or image.name

    def note(self, what: str) -> list[str]:
        return [f"{self._count} {what}; the first is in {self._first}"] if self._count else []
