"""JSON label files: reading one, and the numbers in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.json_stream import JsonLists
from reprise.formats.records import SourceDataset

Parsed = TypeVar("Parsed")


def read_json(files: FileIndex, name: str, source: str) -> Any:
    """What a JSON file holds: UTF-8 with or without a byte order mark, UTF-16 or UTF-32.

    Raises:
        RepriseError: It is not JSON.
    """
    return _read(json.loads, files, name, source)


def read_json_lists(files: FileIndex, name: str, source: str) -> JsonLists:
    """As :func:`read_json`, for a file that may be large: its lists, entry by entry."""
    return _read(JsonLists, files, name, source)


def _read(parse: Callable[[bytes], Parsed], files: FileIndex, name: str, source: str) -> Parsed:
    try:
        return parse(files.path(name).read_bytes())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RepriseError(
            f"source '{source}': {name} is not valid JSON: {reason}.",
            "export the labels again, or remove the file from the source.",
        ) from None


def number(value: object) -> float:
    """A number as float; NaN for anything else, which the box rules then judge."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


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


def check_keys(dataset: SourceDataset, own: frozenset[str], format_name: str) -> None:
    """Refuse to write grouping values under names that mean something else in a format.

    Raises:
        RepriseError: Some image has such a key.
    """
    for image in dataset.images:
        for key in sorted(own & set(image.keys)):
            raise RepriseError(
                f"{format_name} cannot hold the key '{key}', which image {image.name} of "
                f"'{dataset.source}' has: the format uses it for something else.",
                "rename the key.",
            )
