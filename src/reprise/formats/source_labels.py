"""Labels of a source, read in the format that it names or that its files show."""

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
from reprise.formats.registry import FORMATS


class Format(Protocol):
    """The functions of each format's module.

    Labels are handed on as they are written, and the rules of preprocessing judge them: nothing
    is dropped or corrected here. So a coordinate that is no number is NaN, a box may have no size
    or lie outside its image, and a label whose image is missing has a record with ``path=None``.
    :mod:`reprise.formats.records` says what each value means.
    """

    def read(self, files: FileIndex, options: ReadOptions) -> SourceDataset:
        """Read the labels of a source; its files are not changed.

        What is wrong with the labels of a single image costs that image alone: code that finds
        it raises :class:`~reprise.formats.records.LabelError`, and ``read`` catches it and makes
        it the image's ``problem``.

        Returns:
            All images of the source by name, also those that no label mentions: these are not
            ``labelled``. In a format whose label file lists the images of the dataset,
            ``lists_images`` says that they are no part of it.

        Raises:
            RepriseError: The labels as a whole cannot be read; the message names the file.
        """
        ...

    def detect(self, files: FileIndex) -> str | None:
        """What in the folder indicates this format, such as ``147 VOC files, the first
        Annotations/a.xml``; None when nothing does. Opens a few small files at most."""
        ...

    def write(self, dataset: SourceDataset, folder: Path) -> None:
        """Write images and labels so that :meth:`read` gives the same again.

        What the format has no place for is lost, where a trainer may do without: outlines, areas,
        keys. What would change its meaning is refused instead: crowds as single objects, labels
        of whole images, names that would be read as others. Each format says which.

        Args:
            dataset: Every image has a path, a width and a height; boxes are in pixels. Formats
                of masks need an RLE mask of its image's size for every object.
            folder: An empty folder.

        Raises:
            RepriseError: The format cannot hold what the dataset has.
        """
        ...


def format_module(name: str) -> Format:
    """The module behind a format's name."""
    return cast("Format", importlib.import_module(f"reprise.formats.{name}"))


def read_source(folder: Path, source: str, name: str, options: ReadOptions) -> SourceDataset:
    """Read a source in a named format, or in the one that its files show.

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
        name, reason = detect_format(files)
        notes = [f"format {name}, for it has {reason}"]
    dataset = format_module(name).read(files, options)
    notes += dataset.notes + add_group_keys(dataset.images, files)
    return replace(dataset, notes=notes + label_warnings(dataset.images))


def detect_format(files: FileIndex) -> tuple[str, str]:
    """The one format that the files show, and what shows it.

    Raises:
        RepriseError: No format fits, or several do.
    """
    source = files.source
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
