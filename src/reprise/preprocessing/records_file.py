"""The labels of a source in a file, gone through without all being in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from reprise.formats.records import BoxRecord, ImageRecord


def write_records(images: Iterable[ImageRecord], folder: Path, file: Path) -> None:
    """Write a line of JSON for each image.

    Args:
        images: Of one source.
        folder: The source's; it may have another name when the file is read.
        file: Replaced when it exists.
    """
    with file.open("w", encoding="ascii") as lines:
        for image in images:
            lines.write(json.dumps(_told(image, folder), separators=(",", ":")) + "\n")


def read_records(file: Path, folder: Path) -> Iterator[ImageRecord]:
    """The images that :func:`write_records` wrote, in that order."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            name, path, width, height, keys, synthetic, boxes, *others = json.loads(line)
            labels, split, normalised, labelled, problem = others
            yield ImageRecord(
                name,
                None if path is None else folder / path,
                width,
                height,
                keys,
                synthetic,
                [BoxRecord(class_name, tuple(xywh), *rest) for class_name, xywh, *rest in boxes],
                labels,
                split,
                normalised,
                labelled,
                problem,
            )


def _told(image: ImageRecord, folder: Path) -> list[object]:
    return [
        image.name,
        None if image.path is None else image.path.relative_to(folder).as_posix(),
        image.width,
        image.height,
        image.keys,
        image.synthetic,
        [
            (box.class_name, box.xywh, box.area, box.iscrowd, box.segmentation, box.shape)
            for box in image.boxes
        ],
        image.labels,
        image.split,
        image.normalised,
        image.labelled,
        image.problem,
    ]
