"""CSV files of labels of whole images, one row an image: a column of tags, or one column a class.

Names count in any case of letters, in any order:

- image: one of IMAGE_COLUMNS
- labels, in one of two forms. A column of TAG_COLUMNS holds all labels of the image, separated
  by ``;``, else by ``|``, else by commas, and if none of these occurs in the column by spaces; in
  one of WHOLE_COLUMNS, spaces belong to the label, and so do commas, unless most of the parts
  that they separate recur elsewhere in the column. A label that ``classes.txt`` names is never
  split. Or, without such a column, every column that says yes or no (1, 0, true, false, -1 or
  blank) in more than half of the rows that say anything is a class, if there are two of them at
  least; one of them may be a class that is called ``label``.
- ``split``, and ``synthetic`` (1 or true for an image that was made)

In columns of classes, 1 and true say yes, 0, false and blank say no. -1 is what the columns as a
whole make it: no, where none of them holds a 0 or a blank, as in CelebA; else uncertain, as in
CheXpert, and then ``uncertain`` of the source's entry says whether it counts as no (the default),
as yes, or drops its image.

An image's name may lack its ending (``1`` for ``1.jpg``). An empty cell of tags, or no in every
class, says that the image shows no class. Columns of other names hold what
``data.split.group_by`` may name. All such files of a source are merged; of one image they must
say the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats.box_columns import box_columns
from reprise.formats.class_list import in_order, read_class_list, write_class_list
from reprise.formats.csv_tables import (
    IMAGE_COLUMNS,
    Table,
    cell,
    column_place,
    first_rows,
    header,
    headers_seen,
    is_blank,
    is_true,
    other_columns,
    read_table,
    write_table,
    yes_or_no,
)
from reprise.formats.file_index import FileIndex
from reprise.formats.image_lists import ImageList
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.split_names import named_split
from reprise.formats.writing import (
    check_names,
    check_writable,
    class_names,
    copy_image,
    write_label,
)

TAG_COLUMNS = ("labels", "tags", "classes")
WHOLE_COLUMNS = ("label", "tag", "class")
_SEPARATORS = ";|,"
# Lists as programs write them into a cell: ['cat', 'dog'].
_LIST, _QUOTED = re.compile(r"\s*\[[^\[\]]*\]\s*"), re.compile(r"'([^']*)'|\"([^\"]*)\"")
_MINUS = frozenset({"-1", "-1.0"})
# In a table of one row a label so many images, and this share of them, have several rows.
_LEAST_SEVERAL, _SHARE_SEVERAL = 5, 0.1
_UNCERTAIN = {"negative": "no", "positive": "yes", "drop": "a reason to leave its image out"}
# A column of VGG Image Annotator, whose counts of regions may well be 0 and 1.
OTHER_FORMATS = ("region_shape_attributes",)
# What `detect` looks at: files, and rows of each.
_MOST_OPENED, _ROWS = 10, 20


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the labels of images from all CSV files that hold some.

    Returns:
        Images with labels and no boxes. Classes are those of ``classes.txt``, where there is
        one, then the columns of classes, then tags by name. A row whose class cells say
        neither yes nor no gives its image a ``problem``. Images that no file names are no part
        of the dataset. A CSV file with ``group`` in its name adds grouping values.

    Raises:
        RepriseError: There is no such file, a row has too many or too few cells or names no
            image, or two rows contradict each other. The message names file, line and image.
    """
    reader = _Reader(files, options.uncertain)
    for name in files.with_suffix(".csv"):
        if may_fit(header(files, name)):
            reader.read(read_table(files, name))
    return reader.dataset()


def detect(files: FileIndex) -> str | None:
    """A list of labels among the first few CSV files, by its header and first rows."""
    for name in files.with_suffix(".csv")[:_MOST_OPENED]:
        columns, rows = first_rows(files, name, _ROWS)
        found = label_columns(columns, rows) if may_fit(columns) else None
        if found is not None:
            form = "tags" if found.classes == {} else f"{len(found.classes)} columns of yes and no"
            return f"labels of images as {form} in {name}"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names, ``labels.csv`` and ``classes.txt``.

    Columns are image, labels (joined by ``;``), split and synthetic if any image has them, and
    one for each key; empty keys are not kept.

    Raises:
        RepriseError: There are boxes, or a class or a key has a name that would be read as
            something else.
    """
    check_writable(dataset, "multilabel_csv", boxes=False, labels=True)
    listed = [image for image in dataset.images if image.labelled]
    keys = sorted({key for image in listed for key in image.keys})
    _check_names(dataset, keys)
    has_split = any(image.split for image in listed)
    has_made = any(image.synthetic for image in listed)
    rows: list[list[object]] = []
    for image in dataset.images:
        copy_image(image, folder, image.name)
        if image.labelled:
            cells: list[object] = [image.name, _joined(image.labels)]
            cells += [image.split or ""] * has_split + [int(image.synthetic)] * has_made
            rows.append([*cells, *(image.keys.get(key, "") for key in keys)])
    columns = ["image", "labels", *["split"] * has_split, *["synthetic"] * has_made, *keys]
    write_class_list(class_names(dataset), folder)
    write_label(folder, "labels.csv", write_table(columns, rows))


@dataclass(frozen=True)
class LabelColumns:
    """Where the cells of a row are.

    Attributes:
        image: The image's name.
        tags: All labels; None when each class has a column.
        separator: What separates tags; empty for spaces, ``[`` for lists as programs write
            them, None when a cell is one label.
        classes: Columns of yes and no by their names.
        minus: What -1 says in them: ``negative``, or ``uncertain``; empty where none holds it.
        split: The split, or None.
        synthetic: Whether the image was made, or None.
        others: All other columns that have a name.
    """

    image: int
    tags: int | None
    separator: str | None
    classes: dict[str, int]
    minus: str
    split: int | None
    synthetic: int | None
    others: dict[str, int]

    def notes(self, table: Table, rows: list[list[str]]) -> list[str]:
        """Which columns were taken as classes, and how their cells are read."""
        notes = table.notes()
        if self.classes:
            names, rest = ", ".join(self.classes), ", ".join(self.others) or "none"
            notes.append(
                f"{table.name}: {len(self.classes)} columns are classes: {names}; other columns: "
                f"{rest}"
            )
        texts = [] if self.tags is None else [cells[self.tags] for cells in rows]
        if self.separator is None and any("," in text for text in texts):
            notes.append(
                f"{table.name}: commas in the column {table.columns[self.tags or 0]} belong to the "
                "names, for what they separate does not recur"
            )
        if self.minus == "negative":
            notes.append(f"{table.name}: -1 was taken for no, for no class has a 0 or a blank")
        return notes


def may_fit(columns: list[str]) -> bool:
    """Whether a header names an image and no box, so that the rows are worth a look."""
    if column_place(columns, IMAGE_COLUMNS) is None or box_columns(columns) is not None:
        return False
    return column_place(columns, OTHER_FORMATS) is None


def label_columns(
    columns: list[str], rows: list[list[str]], declared: Collection[str] = ()
) -> LabelColumns | None:
    """The meaning of a header.

    Args:
        columns: The header.
        rows: All rows or the first ones, each with as many cells as the header.
        declared: Classes that ``classes.txt`` names.

    Returns:
        None when the file holds no labels of images.
    """
    image = column_place(columns, IMAGE_COLUMNS)
    if image is None:
        return None
    many, whole = column_place(columns, TAG_COLUMNS), column_place(columns, WHOLE_COLUMNS)
    split, synthetic = column_place(columns, ("split",)), column_place(columns, ("synthetic",))
    free = other_columns(columns, (image, many, split, synthetic))
    classes = {name: place for name, place in free.items() if _is_class(rows, place)}
    of_classes = len(classes) > 1 and (whole is None or whole in classes.values())
    if many is None and of_classes:
        others = {name: place for name, place in free.items() if name not in classes}
        minus = _minus([cells[place] for cells in rows for place in classes.values()])
        return LabelColumns(image, None, None, classes, minus, split, synthetic, others)
    tags = whole if many is None else many
    if tags is None:
        return None
    separator = _separator([cells[tags] for cells in rows], declared, whole=many is None)
    separator = "" if separator is None and many is not None else separator
    others = {name: place for name, place in free.items() if place != tags}
    return LabelColumns(image, tags, separator, {}, "", split, synthetic, others)


def _is_class(rows: list[list[str]], place: int) -> bool:
    filled = [cells[place] for cells in rows if not is_blank(cells[place])]
    fitting = sum(yes_or_no(text) is not None or text.strip() in _MINUS for text in filled)
    return 2 * fitting > len(filled)


def _minus(cells: list[str]) -> str:
    if not any(text.strip() in _MINUS for text in cells):
        return ""
    says_no = any(is_blank(text) or yes_or_no(text) is False for text in cells)
    return "uncertain" if says_no else "negative"


def _separator(cells: list[str], declared: Collection[str], whole: bool) -> str | None:
    filled = [text for text in cells if not is_blank(text)]
    if filled and all(map(_LIST.fullmatch, filled)):
        return "["
    mark = next((mark for mark in _SEPARATORS if any(mark in text for text in cells)), None)
    if mark != "," or not whole:
        return mark
    # A class may be called "tench, Tinca tinca": tags come alone or with others too.
    different = {text.strip() for text in cells}
    parts = {text: {part.strip() for part in text.split(mark)} for text in different}
    seen = Counter(part for one in parts.values() for part in one) + Counter(declared)
    several = [one for text, one in parts.items() if len(one) > 1 and text not in declared]
    recurring = sum(any(seen[part] > 1 for part in one) for one in several)
    return mark if 2 * recurring > len(several) else None


def _parts(text: str, separator: str | None) -> list[str]:
    """The labels in a cell: apart by spaces without a separator, or entries of a list as Python,
    JSON and numpy write it."""
    if separator != "[":
        return text.split(separator)
    inner = text.strip()[1:-1]
    quoted = [one or other for one, other in _QUOTED.findall(inner)]
    return quoted or inner.split(",")


def labels_of(
    columns: LabelColumns, cells: list[str], declared: Collection[str] = (), uncertain: str = ""
) -> tuple[list[str], str]:
    """The labels of a row, and what is wrong with it, if anything.

    Args:
        columns: From :func:`label_columns`.
        cells: The row.
        declared: Classes that ``classes.txt`` names.
        uncertain: As of :class:`~reprise.formats.records.ReadOptions`.
    """
    if columns.tags is not None:
        text = cells[columns.tags]
        lone = columns.separator is None or text.strip() in declared
        parts = [text] if lone else _parts(text, columns.separator or None)
        return list(dict.fromkeys(part.strip() for part in parts if part.strip())), ""
    labels = []
    for name, place in columns.classes.items():
        text = cells[place].strip()
        said = yes_or_no(text)
        if text in _MINUS:
            if columns.minus == "uncertain" and uncertain == "drop":
                return [], f"the column {name} is uncertain (-1), and uncertain: drop is set"
            said = columns.minus == "uncertain" and uncertain == "positive"
        elif said is None and not is_blank(text):
            return [], f"the column {name} holds {text!r}, neither yes nor no (1 or 0)"
        if said:
            labels.append(name)
    return labels, ""


def _has_a_row_a_label(columns: LabelColumns, rows: list[list[str]]) -> bool:
    """Whether several rows of one image add up, for so many images have them."""
    if columns.tags is None:
        return False
    labels: dict[str, set[str]] = {}
    for cells in rows:
        labels.setdefault(cells[columns.image], set()).add(cells[columns.tags])
    several = sum(len(found) > 1 for found in labels.values())
    return several >= _LEAST_SEVERAL and several > _SHARE_SEVERAL * len(labels)


class _Reader:
    """Collects what the files say."""

    def __init__(self, files: FileIndex, uncertain: str) -> None:
        self._files = files
        self._uncertain = uncertain
        self._known = read_class_list(files)
        self._minus = 0
        self._images = ImageList(files)
        self._seen: dict[str, tuple[list[str], str, str]] = {}
        self._declared: dict[str, None] = {}
        self._repeated: set[str] = set()
        self._read: list[str] = []

    def read(self, table: Table) -> None:
        """Add what one file says, if it holds labels."""
        whole = [cells for _, cells in table.rows if not table.length_problem(cells)]
        columns = label_columns(table.columns, whole, self._known)
        if columns is None:
            return
        self._images.notes += columns.notes(table, whole)
        if columns.minus == "uncertain":
            places = columns.classes.values()
            self._minus += sum(
                cells[place].strip() in _MINUS for cells in whole for place in places
            )
        self._read.append(table.name)
        self._declared.update(dict.fromkeys(columns.classes))
        self._images.expect([cells[columns.image] for cells in whole], table.name)
        joined = _has_a_row_a_label(columns, whole)
        if joined:
            self._images.notes.append(f"{table.name}: the rows of an image are all its labels")
        for where, cells in table.rows:
            if problem := table.length_problem(cells):
                raise self._files.error(table.name, where, problem)
            written = cells[columns.image]
            image = self._images.record(self._images.name(written, table.name, where))
            self._images.set_split(image, table.name, named_split(cell(cells, columns.split)))
            image.synthetic = image.synthetic or is_true(cell(cells, columns.synthetic))
            for key, place in columns.others.items():
                if cells[place].strip():
                    image.keys.setdefault(key, cells[place])
            labels, problem = labels_of(columns, cells, self._known, self._uncertain)
            if problem:
                image.add_problem(f"{table.name}, {where}: {problem}")
            else:
                if joined and image.name in self._seen:
                    before = self._seen[image.name][0]
                    before += [label for label in labels if label not in before]
                self._set_labels(image, labels, table.name, where, joined)

    def dataset(self) -> SourceDataset:
        """Everything that was read."""
        if not self._read:
            raise self._nothing_found()
        if self._repeated:
            self._images.notes.append(
                f"{len(self._repeated)} image(s) are in several of {', '.join(self._read)}, "
                "with the same labels"
            )
        if self._minus:
            place = f"data.sources.{self._files.source}.uncertain"
            self._images.notes.append(
                f"{self._minus} cell(s) hold -1, which is uncertain where others hold 0 or blank, "
                f"and counts as {_UNCERTAIN[self._uncertain]}: {place} is {self._uncertain} "
                "(negative, positive or drop)"
            )
        occurring = {label for labels, _, _ in self._seen.values() for label in labels}
        declared = [*self._known, *self._declared]
        self._images.classes.update(dict.fromkeys(in_order(declared, occurring)))
        dataset = self._images.dataset()
        for image in dataset.images:
            if image.problem:
                image.labels = []
        return dataset

    def _set_labels(
        self, image: ImageRecord, labels: list[str], name: str, where: str, joined: bool
    ) -> None:
        before, other, place = self._seen.setdefault(image.name, (labels, name, where))
        if set(before) != set(labels) and not joined:
            raise self._files.source_error(
                f"{name}, {where} gives the image {image.name} the "
                f"labels {_listing(labels)}, but {other}, {place} gives it {_listing(before)}.",
                "correct one of them, or remove the file that is out of date.",
            )
        if other != name:
            self._repeated.add(image.name)
        image.labels = before

    def _nothing_found(self) -> RepriseError:
        seen = headers_seen(self._files, self._files.with_suffix(".csv"))
        return self._files.source_error(
            f"no CSV file has a column for the image and labels. Found {seen}.",
            "name the columns image,labels in the first line, or image and one column of 0 and 1 "
            "for each class; or correct the format in data.sources.",
        )


def _joined(labels: list[str]) -> str:
    # The mark at the end keeps a lone label from being split at what is in it.
    mark = ";" if len(labels) == 1 and re.search(r"[|,\s]", labels[0]) else ""
    return ";".join(labels) + mark


def _listing(labels: list[str]) -> str:
    return ", ".join(sorted(labels)) or "(none)"


def _check_names(dataset: SourceDataset, keys: list[str]) -> None:
    own = {*IMAGE_COLUMNS, *TAG_COLUMNS, *WHOLE_COLUMNS, *OTHER_FORMATS, "split", "synthetic"}
    lowered = [key.lower() for key in keys]
    boxes = box_columns(["image", "labels", "class", *keys]) is not None

    def is_bad_key(key: str) -> bool:
        twice = boxes or key.lower() in own or lowered.count(key.lower()) > 1
        return twice or not key or key != key.strip()

    def is_bad_class(name: str) -> bool:
        return ";" in name or name != name.strip()

    reason = "it would be read as another column, or has spaces around it"
    check_names(dataset, "multilabel_csv", "key", is_bad_key, reason)
    reason = "it has a semicolon or spaces around it"
    check_names(dataset, "multilabel_csv", "class", is_bad_class, reason)
