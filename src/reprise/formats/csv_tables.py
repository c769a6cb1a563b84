"""CSV files as labellers and spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from reprise.formats.encodings import decode_text
from reprise.formats.file_index import FileIndex
from reprise.formats.headerless import columns_without_header

DELIMITERS = ",;\t"
# Names of the column that says which image a row is about; the first that is there counts.
IMAGE_COLUMNS = (
    *("filename", "file_name", "image", "image_path", "path", "image_name", "image_id", "imageid"),
    *("img", "img_path", "file", "file_path", "filepath"),
)
_PEEK_BYTES = 65_536
# Rows that tell what the columns of a table without a header are.
_TELLING_ROWS = 200
# What says that there is no value, as pandas and spreadsheets write it.
_BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none"})
_YES = frozenset({"1", "1.0", "true", "yes", "t", "y", "x"})
_NO = frozenset({"0", "0.0", "false", "no", "f", "n"})


@dataclass(frozen=True)
class Table:
    """One CSV file.

    Attributes:
        name: Posix path inside the source folder.
        columns: The header without spaces around the names; of a table without one, what
            :mod:`reprise.formats.headerless` makes of it.
        rows: Where a row ends (``line 7``), for messages, and the row's cells as written, not
            always as many as there are columns; empty lines are left out.
        delimiter: What separates the cells: a comma, a semicolon or a tab.
        has_header: False where the first line is a row.
    """

    name: str
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    delimiter: str
    has_header: bool = True

    def notes(self) -> list[str]:
        """What is to be said of a table without a header."""
        if self.has_header:
            return []
        taken = ", ".join(name or "(unused)" for name in self.columns)
        return [f"{self.name} has no header; its columns were taken as {taken}"]

    def length_problem(self, cells: list[str]) -> str:
        """What is wrong with the number of cells in a row; empty when nothing is."""
        if len(cells) == len(self.columns):
            return ""
        return f"{len(cells)} cells where the header has {len(self.columns)}"


def read_table(files: FileIndex, name: str) -> Table:
    """Read a CSV file: UTF-8 with or without a byte order mark, with or without a header.

    The delimiter is the one of DELIMITERS that splits the header into most columns. Rows
    without any content are left out, and so is Excel's first line ``sep=;``.

    Raises:
        RepriseError: It is not UTF-8, is empty, or its quotes do not match.
    """
    text, offset = _without_separator_line(files.read_text(name))
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [
            (f"line {reader.line_num + offset}", cells)
            for cells in reader
            if any(map(str.strip, cells))
        ]
    except csv.Error as error:
        fix = "correct the quotes of that line, or export the file again."
        raise files.error(name, f"line {reader.line_num + offset}", str(error), fix) from None
    if not rows:
        raise files.source_error(
            f"{name} is empty.",
            "export it again, or remove it from the source.",
        )
    own = columns_without_header([cells for _, cells in rows])
    if own is not None:
        return Table(name, own, rows, delimiter, has_header=False)
    columns = [cell.strip() for cell in rows[0][1]]
    count = len(columns)
    # Some write a delimiter behind the last cell too.
    whole = [
        (w, cells if any(map(str.strip, cells[count:])) else cells[:count]) for w, cells in rows[1:]
    ]
    return Table(name, columns, whole, delimiter)


def first_rows(files: FileIndex, name: str, count: int = 0) -> tuple[list[str], list[list[str]]]:
    """The header of a file that may be a CSV file, and a few rows.

    Only the first bytes are read, so that the last row may be cut off.

    Args:
        files: The source folder.
        name: Posix path of the file.
        count: How many rows; those with other numbers of cells than the header are left out.
    """
    with files.path(name).open("rb") as file:
        text, _ = _without_separator_line(decode_text(file.read(_PEEK_BYTES), errors="replace"))
    header, *rows = _rows(text, _delimiter(text), max(count, _TELLING_ROWS) + 1) or [[]]
    own = columns_without_header([header, *rows]) if header else None
    if own is not None:
        header, rows = own, [header, *rows]
    whole = [row for row in rows[:count] if len(row) == len(header)]
    return [cell.strip() for cell in header], whole


def header(files: FileIndex, name: str) -> list[str]:
    """The header of a file that may be a CSV file; only its first bytes are read."""
    return first_rows(files, name)[0]


def headers_seen(files: FileIndex, names: list[str]) -> str:
    """The headers of some CSV files, for an error about one that is missing."""
    seen = [f"{name}: {', '.join(header(files, name)[:12])}" for name in names[:3]]
    return "; ".join(seen) or "no .csv file at all"


def cell(cells: list[str], place: int | None) -> str:
    """A cell of a row without spaces around it; empty for a column that is not there."""
    return "" if place is None else cells[place].strip()


def is_true(text: str) -> bool:
    """Whether a cell says yes: 1, true, yes or x, in any case of letters."""
    return yes_or_no(text) is True


def is_blank(text: str) -> bool:
    """Whether a cell has no value: it is empty, or NaN, NA, null or none."""
    return text.strip().lower() in _BLANKS


def yes_or_no(text: str) -> bool | None:
    """What a cell says, as 1 and 0, true and false, yes and no, or x; None for anything else."""
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def column_place(columns: Iterable[str], names: Iterable[str]) -> int | None:
    """Index of the first of these names that is a column, in any case of letters."""
    known = [column.lower() for column in columns]
    return next((known.index(name) for name in names if name in known), None)


def other_columns(columns: list[str], taken: Collection[int | None]) -> dict[str, int]:
    """All columns that have a name, but some, with their places."""
    return {name: place for place, name in enumerate(columns) if name and place not in taken}


def write_table(columns: list[str], rows: Iterable[list[object]]) -> str:
    """CSV text as RFC 4180 has it: commas, CRLF, quotes where they must be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _without_separator_line(text: str) -> tuple[str, int]:
    """A table without the line in which Excel names its delimiter; and how many lines that was."""
    found = re.match(r"sep=[,;\t]\r?\n", text)
    return (text[found.end() :], 1) if found else (text, 0)


def _delimiter(text: str) -> str:
    return max(DELIMITERS, key=lambda mark: len((_rows(text, mark, 1) or [[]])[0]))


def _rows(text: str, delimiter: str, count: int) -> list[list[str]]:
    # No header comes near this; a longer cell than csv allows is then no error here.
    start = io.StringIO(text[:_PEEK_BYTES], newline="")
    rows = (row for row in csv.reader(start, delimiter=delimiter) if any(map(str.strip, row)))
    try:
        return list(islice(rows, count))
    except csv.Error:
        return []
