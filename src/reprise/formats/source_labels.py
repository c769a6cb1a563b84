"""Labels of a source, read in the format that it names or that its files show."""

from __future__ import annotations

import importlib
import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from reprise.errors import RepriseError
from reprise.formats.box_columns import box_columns
from reprise.formats.csv_tables import IMAGE_COLUMNS, Table, column_place, other_columns, read_table
from reprise.formats.file_index import FileIndex
from reprise.formats.nearest_formats import nothing_fits
from reprise.formats.records import WITH_AREA, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.registry import FORMATS
from reprise.formats.whole_source import settle


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
    files = FileIndex(folder, source, options.encoding)
    notes = []
    if name == "auto":
        name, reason = detect_format(files)
        notes = [f"format {name}, for it has {reason}"]
    dataset = format_module(name).read(files, options)
    dataset = settle(dataset)
    notes += dataset.notes + add_group_keys(dataset.images, files)
    return replace(dataset, notes=notes + label_warnings(dataset.images))


def detect_format(files: FileIndex) -> tuple[str, str]:
    """The one format that the files show, and what shows it.

    Raises:
        RepriseError: No format fits, or several do.
    """
    source = files.source
    found = fitting_formats(files)
    if len(found) == 1:
        return next(iter(found.items()))
    if not files.names:
        raise RepriseError(
            f"source '{source}' holds no file at all.", "correct the url, or put the data there."
        )
    if not found:
        raise nothing_fits(files, lambda name: format_module(name).read(files, ReadOptions()))
    lines = "\n".join(f"    {name}: it has {reason}" for name, reason in found.items())
    raise RepriseError(
        f"source '{source}' fits several formats:\n{lines}",
        f"name the one to read: data.sources.{source}.format",
    )


def fitting_formats(files: FileIndex) -> dict[str, str]:
    """Every format that the files show, and what shows it, in the order of FORMATS."""
    return {name: reason for name in FORMATS if (reason := format_module(name).detect(files))}


_MOST = 5


def label_warnings(images: Iterable[ImageRecord]) -> list[str]:
    """Notes on class names that are nearly the same, and on shapes that become no box.

    Args:
        images: Of one source.
    """
    classes: dict[str, None] = {}
    shapes: Counter[str] = Counter()
    first = ""
    for image in images:
        classes.update(dict.fromkeys(image.labels))
        for box in image.boxes:
            classes[box.class_name] = None
            if box.shape and box.shape not in WITH_AREA:
                shapes[box.shape] += 1
                first = first or image.name
    notes = similar_class_names(classes)
    if shapes:
        kinds = ", ".join(f"{shape} {count}" for shape, count in sorted(shapes.items()))
        notes.append(
            f"{shapes.total()} shape(s) have no area, or none that is known, and become no box "
            f"({kinds}); the first is in {first}"
        )
    return notes


def similar_class_names(classes: Iterable[str]) -> list[str]:
    """A note on class names that differ in capitals or spaces only; empty without any.

    Args:
        classes: Names, each once.
    """
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(" ".join(name.split()).casefold(), []).append(name)
    alike = [" and ".join(map(repr, names)) for names in groups.values() if len(names) > 1]
    if not alike:
        return []
    more = f"; and {len(alike) - _MOST} more" if len(alike) > _MOST else ""
    return [
        "classes whose names differ only in capitals or spaces are not joined: "
        f"{'; '.join(alike[:_MOST])}{more}. If they mean the same, write one name in the label "
        "files; a list in data.classes then refuses the others"
    ]


_FIX = "correct the table, or rename it so that its name does not hold the word group."


def add_group_keys(images: list[ImageRecord], files: FileIndex) -> list[str]:
    """Add the columns of group tables to the ``keys`` of the images that their rows name.

    Any CSV file with ``group`` in its name is one, if it has a column of image names and no boxes.
    An empty cell is no value. What the labels themselves say of an image stays.

    Args:
        images: Of one source; changed in place.
        files: The source folder.

    Returns:
        A note for each table that was used.

    Raises:
        RepriseError: A table cannot be read, a row has another number of cells than the
            header, a name fits several images, or two rows give an image different values.
    """
    notes = []
    by_name = {image.name: image for image in images}
    for name in files.with_suffix(".csv"):
        if "group" not in posixpath.basename(name).lower():
            continue
        table = read_table(files, name)
        image_column = column_place(table.columns, IMAGE_COLUMNS)
        others = other_columns(table.columns, [image_column])
        if image_column is None or not others or box_columns(table.columns):
            continue
        values = _values(table, image_column, others, files)
        known = [image for image in values if image in by_name]
        for image in known:
            by_name[image].keys = {**values[image], **by_name[image].keys}
        notes.append(f"{name} gives {', '.join(others)} of {len(known)} image(s)")
    return notes + files.index.notes()


def _values(
    table: Table, image_column: int, columns: dict[str, int], files: FileIndex
) -> dict[str, dict[str, str]]:
    """The values of each image in a table, by the image's name in the source folder."""
    found: dict[str, dict[str, str]] = {}
    for where, cells in table.rows:
        if problem := table.length_problem(cells):
            raise files.error(table.name, where, problem, _FIX)
        written = cells[image_column]
        matches = files.index.find(written, table.name)
        if len(matches) > 1:
            raise files.several(written, table.name, where, matches)
        values = {key: cells[place] for key, place in columns.items() if cells[place].strip()}
        name = matches[0] if matches else written
        if found.setdefault(name, values) != values:
            problem = f"other values for '{written}' than before"
            raise files.error(table.name, where, problem, _FIX)
    return found
