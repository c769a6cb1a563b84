"""The formats that ``data.sources.<name>.format`` may name: one module and one line each."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.group_tables import add_group_keys
from reprise.formats.label_warnings import label_warnings
from reprise.formats.records import ReadOptions, SourceDataset

# In the order in which `format: auto` speaks of them.
FORMATS = {
    "coco": "COCO JSON: boxes, polygons, RLE masks, crowds",
    "voc": "Pascal VOC: one XML file an image",
    "yolo": "YOLO: one text file an image, boxes or polygons, with or without data.yaml",
    "labelme": "LabelMe: one JSON file an image",
    "via": "VGG Image Annotator: one JSON or CSV file",
    "customvision": "Azure Custom Vision: one JSON file with tags and regions in fractions",
    "boxes_csv": "CSV of boxes, also as train_{usecase}_{YYMMDDHHmmss}.csv with versions",
    "multilabel_csv": "CSV of labels of whole images: tags or one column a class",
    "multilabel_folders": "folders named label_1+label_2 that hold images",
    "instance_masks": "a folder for each image with one mask PNG for each object",
    "label_masks": "one mask PNG for each image, or for each image and class",
    "images": "images without labels, as background",
}
# Their labels depend on which images there are, and on nothing in them.
IMAGES_UNREAD = frozenset(FORMATS) - {"instance_masks", "label_masks"}


class Format(Protocol):
    """What each module of this package gives."""

    def read(self, folder: Path, source: str, options: ReadOptions) -> SourceDataset:
        """Read the labels of a source folder, which is not changed.

        Raises:
            RepriseError: The labels as a whole cannot be read; the message names the file.
                Labels of a single image that cannot be read are its ``problem`` instead.
        """
        ...

    def detect(self, files: FileIndex) -> str | None:
        """What in the folder speaks for this format, such as ``147 VOC files, the first
        Annotations/a.xml``; None when nothing does. Opens a few small files at most."""
        ...

    def write(self, dataset: SourceDataset, folder: Path) -> None:
        """Write images and labels so that :meth:`read` gives the same again.

        Args:
            dataset: Every image has a path, a width and a height; boxes are in pixels.
            folder: An empty folder.

        Raises:
            RepriseError: The format cannot hold what the dataset has.
        """
        ...


def format_module(name: str) -> Format:
    """The module behind a format's name."""
    return cast("Format", importlib.import_module(f"reprise.formats.{name}"))


def read_source(folder: Path, source: str, name: str, options: ReadOptions) -> SourceDataset:
    """Read a source in a named format, or in the one that its files speak for.

    Args:
        folder: The source folder; it is not changed.
        source: Its name, for messages.
        name: A key of FORMATS, or ``auto``.
        options: How to read it.

    Raises:
        RepriseError: The labels cannot be read, or ``auto`` cannot tell the format.
    """
    files = FileIndex(folder, source)
    notes = []
    if name == "auto":
        name, reason = detect_format(files, source)
        notes = [f"format {name}, for it has {reason}"]
    dataset = format_module(name).read(folder, source, options)
    added = add_group_keys(dataset.images, files, source)
    return replace(dataset, notes=notes + dataset.notes + added + label_warnings(dataset.images))


def detect_format(files: FileIndex, source: str) -> tuple[str, str]:
    """The one format that the files speak for, and what speaks for it.

    Raises:
        RepriseError: No format fits, or several do.
    """
    found = {name: reason for name in FORMATS if (reason := format_module(name).detect(files))}
    if len(found) == 1:
        return next(iter(found.items()))
    if not files.names:
        raise RepriseError(
            f"source '{source}' holds no file at all.", "correct the url, or put the data there."
        )
    if not found:
        looked = "\n".join(f"    {name}: {meaning}" for name, meaning in FORMATS.items())
        seen = ", ".join(files.names[:5])
        raise RepriseError(
            f"source '{source}': no known format was found. It holds {len(files.names)} "
            f"file(s) ({seen}). Looked for:\n{looked}",
            f"name the format: data.sources.{source}.format, or convert the labels.",
        )
    lines = "\n".join(f"    {name}: it has {reason}" for name, reason in found.items())
    raise RepriseError(
        f"source '{source}' fits several formats:\n{lines}",
        f"name the one to read: data.sources.{source}.format",
    )
