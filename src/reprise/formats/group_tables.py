"""Grouping values in a table beside the labels, such as the patient or the site of each image.

Any CSV file with ``group`` in its name counts, if it has a column of image names and no boxes.
"""

from __future__ import annotations

import posixpath

from reprise.formats.box_columns import box_columns
from reprise.formats.csv_tables import IMAGE_COLUMNS, Table, column_place, other_columns, read_table
from reprise.formats.file_index import FileIndex
from reprise.formats.records import ImageRecord

_FIX = "correct the table, or rename it so that its name does not hold the word group."


def add_group_keys(images: list[ImageRecord], files: FileIndex) -> list[str]:
    """Add the columns of such tables to the ``keys`` of the images that their rows name.

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
    return notes


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
