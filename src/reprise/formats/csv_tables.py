"""CSV files as labellers and spreadsheets write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex

DELIMITERS = ",;\t"
# Names of the column that says which image a row is about; the first that is there counts.
IMAGE_COLUMNS = ("filename", "file_name", "image", "image_path", "path")
_PEEK_BYTES = 65_536


@dataclass(frozen=True)
class Table:
    """One CSV file.

    Attributes:
        name: Posix path inside the source folder.
        columns: The header without spaces around the names.
        rows: Number of the file's line on which a row ends, and the row's cells as written,
            not always as many as there are columns; empty lines are left out.
        delimiter: What separates the cells: a comma, a semicolon or a tab.
    """

    name: str
    columns: list[str]
    rows: list[tuple[int, list[str]]]
    delimiter: str


def read_table(files: FileIndex, name: str, source: str) -> Table:
    """Read a CSV file: UTF-8 with or without a byte order mark, header first.

    The delimiter is the one of DELIMITERS that splits the header into most columns.

    Raises:
        RepriseError: It is not UTF-8, is empty, or its quotes do not match.
    """
    try:
        text = files.path(name).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RepriseError(
            f"source '{source}': {name} is not UTF-8 text: {error.reason} at byte {error.start}.",
            "save it as CSV in UTF-8.",
        ) from None
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise RepriseError(
            f"source '{source}': {name}, line {reader.line_num}: {error}.",
            "correct the quotes of that line, or export the file again.",
        ) from None
    if not rows:
        raise RepriseError(
            f"source '{source}': {name} is empty.", "export it again, or remove it from the source."
        )
    columns = [cell.strip() for cell in rows[0][1]]
    return Table(name, columns, rows[1:], delimiter)


def peek_columns(files: FileIndex, name: str) -> list[str]:
    """The header of a file that may be a CSV file; only its first bytes are read."""
    with files.path(name).open("rb") as file:
        text = file.read(_PEEK_BYTES).decode("utf-8-sig", errors="replace")
    return [cell.strip() for cell in _header(text, _delimiter(text))]


def column_place(columns: Iterable[str], names: Iterable[str]) -> int | None:
    """Index of the first of these names that is a column, in any case of letters."""
    known = [column.lower() for column in columns]
    return next((known.index(name) for name in names if name in known), None)


def write_table(columns: list[str], rows: Iterable[list[object]]) -> str:
    """CSV text as RFC 4180 has it: commas, CRLF, quotes where they must be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _delimiter(text: str) -> str:
    return max(DELIMITERS, key=lambda mark: len(_header(text, mark)))


def _header(text: str, delimiter: str) -> list[str]:
    # No header comes near this; a longer cell than csv allows is then no error here.
    start = io.StringIO(text[:_PEEK_BYTES], newline="")
    return next((cells for cells in csv.reader(start, delimiter=delimiter) if cells), [])
