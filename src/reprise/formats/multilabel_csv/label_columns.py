"""What the columns of a CSV file of labels of whole images are called.

Names count in any case of letters, in any order:

- image: one of IMAGE_NAMES
- labels, in one of two forms. A column of TAG_COLUMNS holds all labels of the image, separated
  by ``;``, else by ``|``, else by commas, and if none of these occurs in the column by spaces; in
  one of WHOLE_COLUMNS, spaces belong to the label. Or, without such a column, every column that
  holds 0 or 1 in more than half of the rows is a class, if there are two of them at least; one
  of them may be a class that is called ``label``.
- ``split``, and ``synthetic`` (1 or true for an image that was made)
"""

from __future__ import annotations

from dataclasses import dataclass

from reprise.formats.box_columns import box_columns
from reprise.formats.csv_tables import IMAGE_COLUMNS, column_place

IMAGE_NAMES = (*IMAGE_COLUMNS, "image_name", "image_id", "img", "file")
TAG_COLUMNS = ("labels", "tags", "classes")
WHOLE_COLUMNS = ("label", "tag", "class")
_SEPARATORS = ";|,"
_ZERO, _ONE = ("0", "0.0"), ("1", "1.0")
# A column of VGG Image Annotator, whose counts of regions may well be 0 and 1.
OTHER_FORMATS = ("region_shape_attributes",)


@dataclass(frozen=True)
class LabelColumns:
    """Where the cells of a row are.

    Attributes:
        image: The image's name.
        tags: All labels; None when each class has a column.
        separator: What separates tags; empty for spaces, None when a cell is one label.
        classes: Columns of 0 and 1 by their names.
        split: The split, or None.
        synthetic: Whether the image was made, or None.
        others: All other columns that have a name.
    """

    image: int
    tags: int | None
    separator: str | None
    classes: dict[str, int]
    split: int | None
    synthetic: int | None
    others: dict[str, int]


def may_fit(columns: list[str]) -> bool:
    """Whether a header names an image and no box, so that the rows are worth a look."""
    if column_place(columns, IMAGE_NAMES) is None or box_columns(columns) is not None:
        return False
    return column_place(columns, OTHER_FORMATS) is None


def label_columns(columns: list[str], rows: list[list[str]]) -> LabelColumns | None:
    """The meaning of a header.

    Args:
        columns: The header.
        rows: All rows or the first ones, each with as many cells as the header.

    Returns:
        None when the file holds no labels of images.
    """
    image = column_place(columns, IMAGE_NAMES)
    if image is None:
        return None
    many, whole = column_place(columns, TAG_COLUMNS), column_place(columns, WHOLE_COLUMNS)
    split, synthetic = column_place(columns, ("split",)), column_place(columns, ("synthetic",))
    free = {
        name: place
        for place, name in enumerate(columns)
        if name and place not in (image, many, split, synthetic)
    }
    classes = {name: place for name, place in free.items() if _is_class(rows, place)}
    of_classes = len(classes) > 1 and (whole is None or whole in classes.values())
    if many is None and of_classes:
        others = {name: place for name, place in free.items() if name not in classes}
        return LabelColumns(image, None, None, classes, split, synthetic, others)
    tags = whole if many is None else many
    if tags is None:
        return None
    separator = _separator([cells[tags] for cells in rows])
    separator = "" if separator is None and many is not None else separator
    others = {name: place for name, place in free.items() if place != tags}
    return LabelColumns(image, tags, separator, {}, split, synthetic, others)


def _is_class(rows: list[list[str]], place: int) -> bool:
    return 2 * sum(cells[place].strip() in _ZERO + _ONE for cells in rows) > len(rows)


def _separator(cells: list[str]) -> str | None:
    return next((mark for mark in _SEPARATORS if any(mark in cell for cell in cells)), None)


def labels_of(columns: LabelColumns, cells: list[str]) -> tuple[list[str], str]:
    """The labels of a row, and what is wrong with it, if anything."""
    if columns.tags is not None:
        text = cells[columns.tags]
        parts = [text] if columns.separator is None else text.split(columns.separator or None)
        return list(dict.fromkeys(part.strip() for part in parts if part.strip())), ""
    labels = []
    for name, place in columns.classes.items():
        value = cells[place].strip()
        if value in _ONE:
            labels.append(name)
        elif value not in _ZERO:
            return [], f"the column {name} holds {value!r}, neither 0 nor 1"
    return labels, ""
