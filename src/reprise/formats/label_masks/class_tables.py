"""Tables beside label masks that say which class a value or a colour is.

In this order, the first that is there:

- ``labelmap.txt`` of CVAT, with lines ``name:r,g,b::``, or ``label_colors.txt`` of CamVid, with
  lines ``r g b name``;
- a CSV file with class, label, colour or palette in its name, a column of names (NAMES) and either
  a column of values (VALUES), as ``_classes.csv`` of Roboflow, or columns ``r, g, b``, as
  ``class_dict.csv`` of CamVid;
- ``classes.txt``. When its first line is ``background`` or ``void`` (or another of BACKGROUND or
  VOID), lines are numbered from 0; else from 1. ``labelmap.txt`` and tables of colours are numbered
  in the same way.

Of several files of one kind, one in each split's folder say, all must say the same.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from reprise.formats.class_list import read_class_list
from reprise.formats.csv_tables import IMAGE_COLUMNS, column_place, header, read_table
from reprise.formats.file_index import FileIndex

# Names that say that there is no object, in any case of letters: plain ground, and what is void.
BACKGROUND = frozenset({"_background_", "__background__", "background", "bg"})
VOID = frozenset({"void", "ignore", "ignored", "unlabeled", "unlabelled", "out of roi"})
NAMES = ("class", "name", "label", "class_name", "category")
VALUES = ("pixel value", "pixel_value", "value", "pixel", "id", "index", "class_id", "label_id")
_COLOURS = (("r", "g", "b"), ("red", "green", "blue"))
_UNSEEN = "__ignore__"  # the first line of LabelMe's lists, number -1
_ENTRIES = (
    re.compile(r"(?P<name>[^:]+):(?P<red>\d+),(?P<green>\d+),(?P<blue>\d+)(:.*)?"),
    re.compile(r"(?P<red>\d+)\s+(?P<green>\d+)\s+(?P<blue>\d+)\s+(?P<name>\S.*)"),
)
_LISTS = ("labelmap.txt", "label_colors.txt", "label_colours.txt")
_MOST_BYTES = 10**6
_MOST_CLASSES = 65_000


@dataclass(frozen=True)
class ClassTable:
    """Which class a value or a colour is.

    Attributes:
        names: Class number to name, in order, also those that are no object.
        colours: 0xRRGGBB to class number; empty when there is no list of colours.
        file: Posix path of the file that says so; empty without any.
    """

    names: dict[int, str] = field(default_factory=dict)
    colours: dict[int, int] = field(default_factory=dict)
    file: str = ""

    @property
    def background(self) -> set[int]:
        """Numbers that are no object: those that are called so, and 0 where it has no name."""
        called = {
            number for number, name in self.names.items() if name.lower() in BACKGROUND | VOID
        }
        return called if 0 in self.names else called | {0}


def read_class_table(files: FileIndex) -> ClassTable:
    """What the files of a source say.

    Raises:
        RepriseError: One of them is malformed, or several of a kind differ.
    """
    maps = [name for name in files.names if posixpath.basename(name).lower() in _LISTS]
    tables = [_of_entries(_entries(files, name), name) for name in maps]
    if not tables:
        found = (_csv_table(files, name) for name in files.with_suffix(".csv"))
        tables = [table for table in found if table is not None]
    for table in tables:
        if (table.names, table.colours) != (tables[0].names, tables[0].colours):
            raise files.source_error(
                f"{tables[0].file} and {table.file} say different things of the classes.",
                "keep the one that is right, or make each folder a source of its own.",
            )
    return tables[0] if tables else ClassTable(_numbered(read_class_list(files)))


def _numbered(names: list[str]) -> dict[int, str]:
    names = names[1:] if names and names[0].lower() == _UNSEEN else names
    first = 0 if names and names[0].lower() in BACKGROUND | VOID else 1
    return dict(enumerate(names, start=first))


def _of_entries(entries: list[tuple[str, int]], file: str) -> ClassTable:
    names = _numbered([name for name, _ in entries])
    numbers = {name: number for number, name in names.items()}
    colours = {colour: numbers[name] for name, colour in entries if name in numbers}
    return ClassTable(names, colours, file)


def _csv_table(files: FileIndex, name: str) -> ClassTable | None:
    if not re.search("class|label|colou?r|palette", posixpath.basename(name).lower()):
        return None
    columns = header(files, name)
    label, value = column_place(columns, NAMES), column_place(columns, VALUES)
    channels = [
        places
        for names in _COLOURS
        if None not in (places := [column_place(columns, (one,)) for one in names])
    ]
    if label is None or column_place(columns, IMAGE_COLUMNS) is not None:
        return None
    if value is None and not channels:
        return None
    table = read_table(files, name)
    names: dict[int, str] = {}
    entries: list[tuple[str, int]] = []
    for where, cells in table.rows:
        if problem := table.length_problem(cells):
            raise files.error(name, where, problem)
        if channels:
            numbers = [_byte(cells[place or 0], files, name, where) for place in channels[0]]
            entries.append((cells[label].strip(), numbers[0] << 16 | numbers[1] << 8 | numbers[2]))
        elif value is not None:
            names[_byte(cells[value], files, name, where)] = cells[label].strip()
    if entries:
        _check_once(files, name, entries, "correct the table.")
        return _of_entries(entries, name)
    return ClassTable(dict(sorted(names.items())), {}, name)


def _byte(text: str, files: FileIndex, name: str, where: str) -> int:
    if re.fullmatch("[0-9]{1,3}", text.strip()) and int(text) <= 255:
        return int(text)
    raise files.error(name, where, f"{text.strip()!r} is no value of a pixel from 0 to 255")


def _entries(files: FileIndex, name: str) -> list[tuple[str, int]]:
    fix = "write one class a line, as in: road:128,64,128::"
    with files.path(name).open("rb") as file:
        text = file.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    entries: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = next(filter(None, (form.fullmatch(line.strip()) for form in _ENTRIES)), None)
        channels = [int(found[key][:4]) for key in ("red", "green", "blue")] if found else [256]
        if not found or max(channels) > 255:
            raise files.error(name, f"line {number}", "no name:r,g,b:: is in it", fix)
        red, green, blue = channels
        entries.append((found["name"].strip(), red << 16 | green << 8 | blue))
    _check_once(files, name, entries, fix)
    return entries


def _check_once(files: FileIndex, name: str, entries: list[tuple[str, int]], fix: str) -> None:
    for kind, seen in (("class", [n for n, _ in entries]), ("colour", [c for _, c in entries])):
        if len(set(seen)) < len(seen) or len(seen) > _MOST_CLASSES:
            raise files.source_error(f"{name} names a {kind} twice.", fix)
