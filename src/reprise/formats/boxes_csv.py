"""Boxes in CSV files: one row a box; :mod:`reprise.formats.box_columns` names the columns.

Coordinates are pixels, with a point or a comma before the fraction. A row whose four coordinates
are all 0 or all -1, or blank (also NaN, null, NA) as its class is, says that the image has no
object; a class without coordinates is one of the image as a whole. A table may lack its header:
:mod:`reprise.formats.headerless`. The ``split`` column, the name of the file (``train.csv``) or the
folder of the image says the split. Columns of other names hold what ``data.split.group_by`` may
name, where the rows of each image agree.

A use case may keep its images in ``{usecase}/images/`` and list them anew for each version, in
``{usecase}/datasets/train_{usecase}_{YYMMDDHHmmss}.csv`` and ``test_``: one version is then read,
whose lists have the same stamp. Otherwise all box lists of the folder are merged.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats.box_columns import BoxColumns, box_columns
from reprise.formats.csv_tables import (
    cell,
    header,
    headers_seen,
    is_blank,
    is_true,
    read_table,
    write_table,
)
from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import (
    ANGLE_NAMES,
    NO_BOX,
    cell_number,
    is_turn,
    plain,
    stated_side,
)
from reprise.formats.image_lists import ImageList
from reprise.formats.records import (
    NO_GEOMETRY,
    BoxRecord,
    ImageRecord,
    LabelError,
    ReadOptions,
    SourceDataset,
)
from reprise.formats.split_names import SPLITS, named_split
from reprise.formats.writing import USED, check_names, check_writable, copy_image, write_label

COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
# Headers that `detect` looks at.
_MOST_OPENED = 10
_STAMPED = re.compile(r"(train|val|test)_(.+)_([0-9]{12})\.csv", re.IGNORECASE)


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the box lists of a source folder.

    Args:
        files: The source folder.
        options: ``version``, a stamp or ``latest``, chooses among lists with stamps.

    Returns:
        The labels. Images that the lists do not name, but other versions may, are unlabelled.
        The notes say which version was read, and what was left out.

    Raises:
        RepriseError: There is no list of boxes or no such version, a file cannot be read, a
            row names no image, or an image is in two splits. The message names file and line.
    """
    lists, notes = _choose(files, options.version)
    reader = _Reader(files)
    for entry in lists:
        reader.read(entry)
    reader.images.notes += notes
    return reader.dataset()


def detect(files: FileIndex) -> str | None:
    """The lists of boxes among the first few CSV files, those with stamps first."""
    names = files.with_suffix(".csv")
    stamped = [entry.name for entry in _versions(names)]
    for name in [*stamped, *names][:_MOST_OPENED]:
        if box_columns(header(files, name)):
            return f"boxes in the columns of {name}"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names and ``boxes.csv``, or one list a split: ``train.csv``.

    Columns are COLUMNS, ``synthetic`` if any image is, and one for each key. Outlines are not
    kept, nor are classes without a box.

    Raises:
        RepriseError: There are crowds or labels of whole images, or a key or class has a name
            that would be read as something else.
    """
    check_writable(dataset, "boxes_csv")
    listed = [image for image in dataset.images if image.labelled]
    columns = list(COLUMNS)
    if any(image.synthetic for image in listed):
        columns.append("synthetic")
    keys = sorted({key for image in listed for key in image.keys})
    _check_names(dataset)
    lists: dict[str, list[list[object]]] = {}
    for image in dataset.images:
        copy_image(image, folder, image.name)
        if image.labelled:
            made = [int(image.synthetic)] if "synthetic" in columns else []
            further = [*made, *(image.keys.get(key, "") for key in keys)]
            start: list[object] = [image.name, image.width, image.height]
            rows = lists.setdefault(image.split or "boxes", [])
            rows += [[*start, *cells, *further] for cells in _box_cells(image)]
    for name, rows in (lists or {"boxes": []}).items():
        write_label(folder, f"{name}.csv", write_table([*columns, *keys], rows))


@dataclass(frozen=True)
class BoxList:
    """One list of boxes; the attributes of one that is of no version are empty.

    Attributes:
        name: Posix path of the CSV file inside the source folder.
        split: ``train``, ``val`` or ``test``.
        home: The use case's folder, where the list lies in its ``datasets`` folder; else empty.
            Images are in its folder ``images``, if there is one.
        usecase: As the file's name has it.
        stamp: 12 digits, YYMMDDHHmmss; later ones are greater as text.
    """

    name: str
    split: str = ""
    home: str = ""
    usecase: str = ""
    stamp: str = ""


def _versions(names: list[str]) -> list[BoxList]:
    """Those of some files that are lists of versions: train, then val, then test."""
    lists = []
    for name in names:
        folder, base = posixpath.split(name)
        match = _STAMPED.fullmatch(base)
        if match:
            above, last = posixpath.split(folder)
            home = above if last.lower() == "datasets" else ""
            lists.append(BoxList(name, match[1].lower(), home, match[2], match[3]))
    return sorted(lists, key=lambda entry: (SPLITS.index(entry.split), entry.name))


def _choose(files: FileIndex, version: str) -> tuple[list[BoxList], list[str]]:
    """The files to read, and notes on the choice: of each use case the lists of one version."""
    names = files.with_suffix(".csv")
    boxed = [name for name in names if box_columns(header(files, name))]
    if not boxed:
        raise _nothing_found(files, names)
    usecases: dict[tuple[str, str], list[BoxList]] = {}
    for entry in _versions(names):
        usecases.setdefault((entry.home, entry.usecase), []).append(entry)
    known = [lists for _, lists in sorted(usecases.items()) if {e.name for e in lists} & {*boxed}]
    if not known and version != "latest":
        raise files.source_error(
            f"there is no version {version}: no list of boxes is named as "
            "train_{usecase}_{YYMMDDHHmmss}.csv.",
            f"leave data.sources.{files.source}.version out.",
        )
    if not known:
        return [BoxList(name) for name in boxed], []
    chosen: list[BoxList] = []
    notes: list[str] = []
    for lists in known:
        chosen += _of_version(lists, version, files, notes)
    stamped = {entry.name for lists in known for entry in lists}
    notes += [f"{name} is of no version: not read" for name in boxed if name not in stamped]
    return chosen, notes


def _of_version(
    lists: list[BoxList], version: str, files: FileIndex, notes: list[str]
) -> list[BoxList]:
    """Of a use case the lists of a stamp, or of the newest that has a train list if any has."""
    usecase, source = lists[0].usecase, files.source
    trains = [entry.stamp for entry in lists if entry.split == "train"]
    newest = max(trains or [entry.stamp for entry in lists])
    stamp = newest if version == "latest" else version
    taken = [entry for entry in lists if entry.stamp == stamp]
    stamps = sorted({entry.stamp for entry in lists})
    if not taken:
        raise files.source_error(
            f"use case {usecase} has no version {version}; it has {', '.join(stamps)}.",
            f"set data.sources.{source}.version to one of these, or to latest.",
        )
    bases = ", ".join(posixpath.basename(entry.name) for entry in taken)
    missing = [split for split in ("train", "test") if split not in {t.split for t in taken}]
    alone = f" (there is no {' and no '.join(missing)} list of this version)" if missing else ""
    notes.append(f"version {stamp} of use case {usecase}: {bases}{alone}")
    newer = [other for other in stamps if other > stamp]
    if version == "latest" and newer:
        notes.append(f"newer, but without a train list: {', '.join(newer)}")
    return taken


def _nothing_found(files: FileIndex, names: list[str]) -> RepriseError:
    return files.source_error(
        f"no CSV file has columns for an image, a class and a box (such as filename, class, xmin, "
        f"ymin, xmax, ymax). Found {headers_seen(files, names)}.",
        f"name the columns {','.join(COLUMNS)} in the first line, or correct the format in "
        "data.sources.",
    )


class _Reader:
    """Collects what the lists say."""

    def __init__(self, files: FileIndex) -> None:
        self._files = files
        self.images = ImageList(files)
        self._of_boxes: set[str] = set()
        self._angles: set[str] = set()
        self._decimal_commas = False

    def read(self, entry: BoxList) -> None:
        """Add what one file says."""
        name = entry.name
        table = read_table(self._files, name)
        columns = box_columns(table.columns)
        if columns is None:
            raise _nothing_found(self._files, [name])
        self.images.notes += table.notes()
        own = any(other.startswith(f"{entry.home}/images/") for other in self._files.names)
        within = entry.home if own else ""
        named = [cells[columns.image] for _, cells in table.rows if len(cells) > columns.image]
        self.images.expect(named, name, within)
        for where, cells in table.rows:
            if len(cells) <= columns.image:
                raise self._files.error(name, where, "the row ends before the image's name")
            image_name = self.images.name(cells[columns.image], name, where, within)
            image = self.images.record(image_name)
            split = entry.split
            try:
                if problem := table.length_problem(cells):
                    raise LabelError(problem)
                split = named_split(cell(cells, columns.split)) or split
                self._add(image, cells, columns)
            except LabelError as mistake:
                image.add_problem(f"{name}, {where}: {mistake}")
            self.images.set_split(image, name, split)

    def dataset(self) -> SourceDataset:
        """Everything that was read."""
        if self._of_boxes:
            names = ", ".join(sorted(self._of_boxes))
            self.images.notes.append(
                f"not for grouping, for boxes of one image differ in it: {names}"
            )
        if self._angles:
            self.images.notes.append(
                f"boxes are not turned by {', '.join(sorted(self._angles))}: if they should be, "
                "write their corners as polygons, in a format that has these"
            )
        if self._decimal_commas:
            self.images.notes.append("commas in coordinates were taken for decimal points")
        dataset = self.images.dataset()
        for image in dataset.images:
            image.keys = {
                key: value
                for key, value in image.keys.items()
                if value.strip() and key not in self._of_boxes
            }
        return dataset

    def _add(self, image: ImageRecord, cells: list[str], columns: BoxColumns) -> None:
        """Add a row to its image."""
        for key, place in columns.others.items():
            if image.keys.setdefault(key, cells[place]) != cells[place]:
                self._of_boxes.add(key)
            if key.lower() in ANGLE_NAMES and is_turn(cell_number(cells[place])):
                self._angles.add(key)
        image.synthetic = image.synthetic or is_true(cell(cells, columns.synthetic))

        width = stated_side(cell(cells, columns.width), "width", cell_number)
        height = stated_side(cell(cells, columns.height), "height", cell_number)
        if width and height:
            image.set_size(width, height)
        elif width or height:
            raise LabelError("the width or the height of the image is missing")
        texts = [cell(cells, place) for place in columns.box]
        left, top, third, fourth = numbers = [cell_number(text) for text in texts]
        self._decimal_commas = self._decimal_commas or any("," in text for text in texts)
        class_name = cell(cells, columns.class_name)
        blank = all(map(is_blank, texts))
        if (blank and is_blank(class_name)) or set(numbers) in ({0.0}, {-1.0}):
            return
        if not class_name:
            raise LabelError("a box without a class")
        self.images.classes[class_name] = None
        if blank:
            image.boxes.append(BoxRecord(class_name, NO_BOX, shape=NO_GEOMETRY))
            return
        if columns.corners:
            third, fourth = third - left, fourth - top
        image.boxes.append(BoxRecord(class_name, (left, top, third, fourth)))


def _box_cells(image: ImageRecord) -> list[list[object]]:
    """Class and corners of each box, or the one row that says there is none."""
    if not image.boxes:
        return [["", 0, 0, 0, 0]]
    cells: list[list[object]] = []
    for box in image.boxes:
        x, y, w, h = box.xywh
        cells.append([box.class_name, *map(plain, (x, y, x + w, y + h))])
    return cells


def _check_names(dataset: SourceDataset) -> None:
    own = {*COLUMNS, "split", "synthetic"}
    check_names(dataset, "boxes_csv", "key", lambda key: key.lower() in own, USED)
    for kind in ("key", "class"):
        reason = "it is empty, or starts or ends with a space"
        check_names(dataset, "boxes_csv", kind, _is_spaced, reason)


def _is_spaced(name: str) -> bool:
    return not name or name != name.strip()
