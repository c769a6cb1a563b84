"""``classes.txt`` or ``class_names.txt``: the classes of a source in their order, one a line."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.writing import write_label

FILE_NAME = "classes.txt"
_FILE_NAMES = (FILE_NAME, "class_names.txt")  # the second by LabelMe's labelme2voc
_MOST_BYTES = 10**6
_FIX = "correct the file: UTF-8 text, one class a line, each once."


def read_class_list(files: FileIndex) -> list[str]:
    """The lines of the source's list of classes, without spaces around them.

    Returns:
        Empty lines are left out; an empty list when there is no such file.

    Raises:
        RepriseError: The file is not UTF-8, is larger than 1 MB or names a class twice, or
            two such files differ.
    """
    called = (
        [name for name in files.names if posixpath.basename(name).lower() == file_name]
        for file_name in _FILE_NAMES
    )
    names = next(filter(None, called), [])
    found = [_lines(files, name) for name in names]
    for name, lines in zip(names, found, strict=True):
        if lines != found[0]:
            raise files.source_error(
                f"{names[0]} and {name} name different classes.",
                "keep the one that is right.",
            )
    return found[0] if found else []


def in_order(declared: Iterable[str], occurring: Iterable[str]) -> list[str]:
    """The declared classes, then the others by name, each once."""
    return list(dict.fromkeys([*declared, *sorted(set(occurring))]))


def write_class_list(names: list[str], folder: Path) -> None:
    """Write ``classes.txt`` into a folder.

    Raises:
        RepriseError: A name is empty, or would not come back from its line.
    """
    for name in names:
        if [name] != name.strip().splitlines():
            raise RepriseError(
                f"the class name {name!r} cannot be written to {FILE_NAME}, one name a line.",
                "rename the class.",
            )
    write_label(folder, FILE_NAME, "".join(f"{name}\n" for name in names))


def _lines(files: FileIndex, name: str) -> list[str]:
    if files.path(name).stat().st_size > _MOST_BYTES:
        raise files.source_error(f"{name} is larger than a list of classes.", _FIX)
    stripped = [line.strip() for line in files.read_text(name).splitlines()]
    lines = [line for line in stripped if line]
    most = Counter(lines).most_common(1)
    if most and most[0][1] > 1:
        raise files.source_error(f"{name} names '{most[0][0]}' twice.", _FIX)
    return lines
