"""What every format reader gives: the labels of one source, before any judgement on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class BoxRecord:
    """One labelled object.

    Attributes:
        class_name: Its class.
        xywh: Left, top, width, height in pixels of the image at the size that the label
            file states; nothing is checked, values may be NaN.
        area: In square pixels; NaN when the label file does not say.
        iscrowd: 1 for a region of many objects, else 0.
        segmentation: COCO polygons (lists of x, y) or RLE (a dict); empty when there is none.
    """

    class_name: str
    xywh: tuple[float, float, float, float]
    area: float = float("nan")
    iscrowd: int = 0
    segmentation: list[list[float]] | dict[str, object] = field(default_factory=list)


@dataclass
class ImageRecord:
    """One image that a label file names.

    Attributes:
        name: Posix path inside the source folder.
        path: The file, None when it is missing.
        width: Width in pixels as the label file states it, None when it does not.
        height: As ``width``.
        keys: Further scalar values, as text: what ``data.split.group_by`` may name.
        synthetic: True for an image that was made, not taken.
        boxes: Its objects in the order of the label file.
    """

    name: str
    path: Path | None
    width: int | None = None
    height: int | None = None
    keys: dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    boxes: list[BoxRecord] = field(default_factory=list)


@dataclass(frozen=True)
class SourceDataset:
    """The labels of one source.

    Attributes:
        source: Its name under ``data.sources``.
        images: Sorted by name, each name once.
        classes: Declared class names in the order of the label files, each once.
        unlisted: Image files that no label file names, sorted posix paths.
    """

    source: str
    images: list[ImageRecord]
    classes: list[str]
    unlisted: list[str]
