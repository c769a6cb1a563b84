"""JSON label files: reading one whole, or only its ends."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reprise.formats.encodings import decode_text, in_utf8, not_text
from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.records import LabelError

END_BYTES = 65_536
# JSON files that finding a format looks into.
MOST_OPENED = 5


def read_json(files: FileIndex, name: str) -> Any:
    """What a JSON file holds: UTF-8 with or without a byte order mark, UTF-16, UTF-32, or the
    source's code page.

    Raises:
        RepriseError: It is not JSON.
    """
    try:
        return json.loads(in_utf8(files.path(name).read_bytes(), files.encoding))
    except (ValueError, RecursionError) as error:
        raise files.source_error(
            f"{name} is not valid JSON: {parse_problem(error)}.",
            "export the labels again, or remove the file from the source.",
        ) from None


def parse_problem(error: Exception) -> str:
    """What a parser of JSON, XML or YAML says against a file."""
    if isinstance(error, UnicodeDecodeError):
        return not_text(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def parse_label_file(data: bytes) -> Any:
    """What a JSON file about one image holds.

    Raises:
        LabelError: It is not JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LabelError(f"its label file is not valid JSON: {parse_problem(error)}") from None


def file_ends(path: Path) -> bytes:
    """The first and the last 64 KiB of a file, or all of a shorter one; UTF-16 as UTF-8."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        size = file.seek(0, 2)
        file.seek(max(len(head), size - END_BYTES))
        tail = file.read(END_BYTES)
    mark = head[:2]
    if mark in (BOM_UTF16_LE, BOM_UTF16_BE):
        return decode_text(head + tail, errors="replace").encode()
    return head + tail


def has_json_keys(text: bytes, keys: Iterable[str]) -> bool:
    """Whether all these keys occur in a piece of JSON, at any depth."""
    return all(re.search(rb'"%s"\s*:' % re.escape(key.encode()), text) for key in keys)


def first_with_keys(files: FileIndex, names: list[str], keys: Iterable[str]) -> str | None:
    """The first of some files, of which MOST_OPENED are looked into, that has all these keys."""
    wanted = list(keys)
    opened = (name for name in names[:MOST_OPENED])
    return next((n for n in opened if has_json_keys(file_ends(files.path(n)), wanted)), None)


def text_value(value: object, what: str) -> str:
    """A value that must be text.

    Raises:
        LabelError: It is not, has nothing in it, or cannot be written as UTF-8.
    """
    if not isinstance(value, str) or not value.strip() or not encodable(value):
        raise LabelError(f"{what} {value!r} is not a text with something in it")
    return value


def scalar_keys(entry: dict[str, Any], own: frozenset[str]) -> dict[str, str]:
    """The scalar values of an object as text, to group images by; an empty text is none.

    Args:
        entry: The object.
        own: Names that mean something else.
    """
    return {
        name: str(value)
        for name, value in entry.items()
        if name not in own and isinstance(value, str | int | float) and str(value).strip()
    }
