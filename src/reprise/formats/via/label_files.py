"""The label files of the VGG Image Annotator (VIA), entry by entry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from reprise.formats.csv_tables import read_table
from reprise.formats.file_index import FileIndex
from reprise.formats.json_files import read_json
from reprise.formats.records import LabelError


@dataclass(frozen=True)
class Region:
    """One region: where it stands, ``shape_attributes`` and ``region_attributes``."""

    where: str
    shape: dict[str, Any]
    attributes: dict[str, Any]


@dataclass
class Entry:
    """What a label file says about an image.

    Attributes:
        file: Posix path of the label file.
        where: The place in it, for messages.
        filename: The image's name as written.
        size: Of the image file, in bytes; None when it is not stated.
        attributes: ``file_attributes``.
        regions: In the order of the file.
        problem: What cannot be read, empty when all can.
    """

    file: str
    where: str
    filename: str
    size: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    problem: str = ""


# The images of a label file, and for each region attribute the choices that a project declares.
LabelFile = tuple[list[Entry], dict[str, list[str]]]


def is_via_header(columns: list[str]) -> bool:
    """Whether a CSV file with these columns is an export of VIA."""
    return {"region_shape_attributes", "region_attributes"} <= set(_lowered(columns))


def read_json_file(files: FileIndex, name: str) -> LabelFile | None:
    """A project, or an export of its annotations; None for a JSON file of another kind.

    Raises:
        RepriseError: It is not JSON, or an entry has no file name.
    """
    content = read_json(files, name)
    if not isinstance(content, dict):
        return None
    images = content.get("_via_img_metadata", content)
    if not isinstance(images, dict):
        raise files.error(name, "_via_img_metadata", "it is not an object")
    first = next(iter(images.values()), None)
    if images is content and not (
        isinstance(first, dict) and {"filename", "regions"} <= set(first)
    ):
        return None
    entries = []
    for key, value in images.items():
        where = f"entry {key!r}"
        filename = value.get("filename") if isinstance(value, dict) else None
        if not isinstance(filename, str):
            raise files.error(name, where, "it has no filename")
        entry = Entry(name, where, filename, _size(value.get("size")))
        try:
            entry.attributes = _object(value.get("file_attributes"), "file_attributes")
            entry.regions = _json_regions(value.get("regions"), where)
        except LabelError as mistake:
            entry.problem = f"{name}, {where}: {mistake}"
        entries.append(entry)
    return entries, _options(content)


def read_csv_file(files: FileIndex, name: str) -> LabelFile:
    """A CSV export: one row a region, and one for an image without regions.

    Raises:
        RepriseError: It is not CSV, or a row ends before the image's name.
    """
    table = read_table(files, name)
    columns = _lowered(table.columns)
    entries: dict[tuple[str, str], Entry] = {}
    for where, cells in table.rows:
        row = dict(zip(columns, cells, strict=False))
        if "filename" not in row:
            raise files.error(name, where, "there is no image's name")
        size = row.get("file_size", "").strip()
        start = Entry(name, where, row["filename"], _size(size))
        entry = entries.setdefault((row["filename"], size), start)
        try:
            if length_problem := table.length_problem(cells):
                raise LabelError(length_problem)
            entry.attributes.update(_cell(row, "file_attributes"))
            shape, attributes = (
                _cell(row, key) for key in ("region_shape_attributes", "region_attributes")
            )
            if shape:
                entry.regions.append(Region(where, shape, attributes))
        except LabelError as mistake:
            entry.problem = entry.problem or f"{name}, {where}: {mistake}"
    return list(entries.values()), {}


def _lowered(columns: list[str]) -> list[str]:
    # Version 1 starts the header with a number sign.
    return [column.lstrip("#").lower() for column in columns]


def _json_regions(value: object, where: str) -> list[Region]:
    """The regions of an entry: a list in version 2, an object in version 1."""
    items = list(value.values()) if isinstance(value, dict) else value or []
    if not isinstance(items, list):
        raise LabelError("regions is not a list")
    regions = []
    for place, item in enumerate(items):
        region = _object(item, f"regions[{place}]")
        shape = _object(region.get("shape_attributes"), f"regions[{place}].shape_attributes")
        attributes = _object(region.get("region_attributes"), f"regions[{place}].region_attributes")
        regions.append(Region(f"{where}, regions[{place}]", shape, attributes))
    return regions


def _object(value: object, what: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise LabelError(f"{what} is not an object")
    return value or {}


def _cell(row: dict[str, str], column: str) -> dict[str, Any]:
    text = row.get(column, "").strip()
    try:
        return _object(json.loads(text) if text else None, column)
    except (ValueError, RecursionError):
        raise LabelError(f"{column} is not JSON") from None


def _size(value: object) -> int | None:
    return int(str(value)) if re.fullmatch("[1-9][0-9]{0,15}", str(value)) else None


def _options(content: dict[str, Any]) -> dict[str, list[str]]:
    """The choices that a project declares for its region attributes."""
    attributes = content.get("_via_attributes")
    region = attributes.get("region") if isinstance(attributes, dict) else None
    found = {}
    for name, value in region.items() if isinstance(region, dict) else ():
        options = value.get("options") if isinstance(value, dict) else None
        if isinstance(options, dict):
            found[name] = [option.strip() for option in options if option.strip()]
    return found
