"""What every format reads and writes: the labels of one source, not validated yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# How an object was drawn, in ``BoxRecord.shape``, where that is said of it.
ROTATED = "rotated rectangle"
NO_GEOMETRY = "no geometry"
# Shapes whose boxes stay.
WITH_AREA = frozenset({ROTATED})


class LabelError(Exception):
    """What is wrong with the labels of one image: they become its ``problem``."""


@dataclass(frozen=True, slots=True)
class BoxRecord:
    """One labelled object.

    Attributes:
        class_name: Its class.
        xywh: Left, top, width, height in pixels of the image at the size that the label
            file states, or in fractions of it when its image is ``normalised``; nothing is
            checked, values may be NaN.
        area: In square pixels; NaN when the label file does not say.
        iscrowd: 1 for a region of many objects, else 0.
        segmentation: COCO polygons (lists of x, y; the units of ``xywh``) or RLE (a dict);
            empty when there is none.
        shape: How it was drawn, where that has no area or is not known: ``point``, ``line``
            and the like, with a box of no size or of NaN. ROTATED for a box that is that
            around a turned rectangle, which is its outline; NO_GEOMETRY for a class without
            any place, which :mod:`reprise.formats.whole_source` makes a label of its image.
            Empty for everything else.
    """

    class_name: str
    xywh: tuple[float, float, float, float]
    area: float = float("nan")
    iscrowd: int = 0
    segmentation: list[list[float]] | dict[str, object] = field(default_factory=list)
    shape: str = ""

    def __reduce__(self) -> tuple[type[BoxRecord], tuple[Any, ...]]:
        # Millions go from process to process, in a third of the time of a dataclass's own way.
        return BoxRecord, tuple(getattr(self, name) for name in self.__slots__)


@dataclass(slots=True)
class ImageRecord:
    """One image that a label file names, or that lies beside the label files.

    Attributes:
        name: Posix path inside the source folder.
        path: The file, None when it is missing.
        width: Width in pixels as the label file states it, None when it does not.
        height: As ``width``.
        keys: Further scalar values, as text: what ``data.split.group_by`` may name.
        synthetic: True for an image that was made, not taken.
        boxes: Its objects in the order of the label file.
        labels: Classes of the image as a whole, each once.
        split: ``train``, ``val`` or ``test`` where the source itself says so, else None.
        normalised: True when boxes and polygons are fractions of the upright image's width
            and height.
        labelled: False for an image that no label file mentions; an image that is known to show
            no object is labelled.
        problem: Why its labels cannot be read, empty when they can.
    """

    name: str
    path: Path | None
    width: int | None = None
    height: int | None = None
    keys: dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    boxes: list[BoxRecord] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    split: str | None = None
    normalised: bool = False
    labelled: bool = True
    problem: str = ""

    def add_problem(self, problem: str) -> None:
        """Say why its labels cannot be used; the first reason stays."""
        self.problem = self.problem or problem

    def set_size(self, width: int, height: int) -> None:
        """Note a size in pixels that the labels state.

        Raises:
            LabelError: They stated another size before.
        """
        if self.width is not None and (self.width, self.height) != (width, height):
            raise LabelError(f"{width} x {height} pixels, but {self.width} x {self.height} before")
        self.width, self.height = width, height

    def __reduce__(self) -> tuple[type[ImageRecord], tuple[Any, ...]]:
        # As of BoxRecord.
        return ImageRecord, tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True)
class SourceDataset:
    """The labels of one source.

    Attributes:
        source: Its name under ``data.sources``.
        images: Sorted by name, each name once.
        classes: Declared class names in the order of the label files, each once.
        lists_images: True when a label file lists all images of the dataset, so that an image
            that it does not list is no part of it; False when an image without labels is
            simply one without objects.
        opened_images: Whether it depends on what image files hold, in a format whose labels
            are others; it then changes with them.
        notes: What was decided in reading it, for the console and the statistics: which
            version of the labels was taken, say.
        specks: Regions of masks that are too small for objects and were left out.
    """

    source: str
    images: list[ImageRecord]
    classes: list[str]
    lists_images: bool = False
    opened_images: bool = False
    notes: list[str] = field(default_factory=list)
    specks: int = 0


@dataclass(frozen=True)
class ReadOptions:
    """What ``data.sources.<name>`` says about reading its labels.

    Attributes:
        version: For formats that keep several versions side by side: ``latest`` or a stamp.
        uncertain: For tables of labels that mark some as uncertain: ``negative`` takes these
            for no, ``positive`` for yes, ``drop`` leaves their images out.
        encoding: Code page of label files that are not Unicode; None for none.
    """

    version: str = "latest"
    uncertain: str = "negative"
    encoding: str | None = None
