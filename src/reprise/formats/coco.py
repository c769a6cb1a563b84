"""COCO detection labels: one or more JSON files beside, above or below the images."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.files import FileIndex, encodable
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset

SECTIONS = ("images", "annotations", "categories")
# Keys of an image entry that describe the file; all others may serve to group images.
_OWN_KEYS = frozenset({"id", "file_name", "width", "height", "synthetic"})


def read(folder: Path, source: str) -> SourceDataset:
    """Read every COCO file of a source folder and merge them.

    Args:
        folder: The source folder; it is not changed.
        source: Name of the source, for messages.

    Returns:
        The labels. Boxes are as written; a named image that is missing has no ``path``.

    Raises:
        RepriseError: There is no COCO file, or one is malformed: not JSON, a key missing, an
            id repeated or unknown, a value of the wrong type. The message names the file and
            the entry.
    """
    files = FileIndex(folder, source)
    images: dict[str, ImageRecord] = {}
    classes: dict[str, None] = {}
    found = 0
    for name in files.with_suffix(".json"):
        content = _parse(files.path(name), source, name)
        if not (isinstance(content, dict) and all(key in content for key in SECTIONS)):
            continue
        found += 1
        reader = _Reader(content, source, name)
        by_id = reader.categories()
        classes.update(dict.fromkeys(by_id.values()))
        reader.boxes_into(reader.images_into(images, files), by_id)
    if not found:
        raise _nothing_found(files, source)
    unlisted = [name for name in files.images() if name not in images]
    ordered = [images[name] for name in sorted(images)]
    return SourceDataset(source, ordered, list(classes), unlisted)


def _nothing_found(files: FileIndex, source: str) -> RepriseError:
    seen = files.with_suffix(".json")
    listing = ", ".join(seen[:5]) if seen else "no .json file at all"
    return RepriseError(
        f"source '{source}': no COCO file was found. Looked, in all folders, for a .json file "
        f"whose top level has {', '.join(SECTIONS)}; found {listing}.",
        "put the label file into the source, or correct its format in data.sources.",
    )


def _parse(path: Path, source: str, name: str) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RepriseError(
            f"source '{source}': {name} is not valid JSON: {reason}.",
            "export the labels again, or remove the file from the source.",
        ) from None


class _Reader:
    """One COCO file, read entry by entry with errors that say where."""

    def __init__(self, content: dict[str, Any], source: str, name: str) -> None:
        self._content = content
        self._where = f"source '{source}': {name}"
        self._name = name

    def categories(self) -> dict[int | str, str]:
        """Category id to class name."""
        by_id: dict[int | str, str] = {}
        for where, entry in self._entries("categories"):
            by_id[self._new_id(entry, where, by_id)] = self._text(entry, "name", where)
        return by_id

    def images_into(
        self, images: dict[str, ImageRecord], files: FileIndex
    ) -> dict[int | str, ImageRecord]:
        """Add this file's images by name; returns them by this file's ids."""
        by_id: dict[int | str, ImageRecord] = {}
        for where, entry in self._entries("images"):
            image_id = self._new_id(entry, where, by_id)
            written = self._text(entry, "file_name", where)
            matches = files.candidates(written, self._name)
            if len(matches) > 1:
                raise self._error(
                    where, f"file_name '{written}' fits several files: {', '.join(matches[:4])}"
                )
            name = matches[0] if matches else written
            record = ImageRecord(
                name=name,
                path=files.path(name) if matches else None,
                width=self._side(entry, "width", where),
                height=self._side(entry, "height", where),
                keys=_group_keys(entry),
                synthetic=entry.get("synthetic") in (True, 1),
            )
            by_id[image_id] = images.setdefault(name, record)
        return by_id

    def boxes_into(
        self, images: dict[int | str, ImageRecord], categories: dict[int | str, str]
    ) -> None:
        """Append this file's boxes to its images."""
        seen: set[int | str] = set()
        for where, entry in self._entries("annotations"):
            if "id" in entry:
                seen.add(self._new_id(entry, where, seen))
            image_id = self._id(entry, "image_id", where)
            category_id = self._id(entry, "category_id", where)
            if image_id not in images:
                raise self._error(where, f"image_id {image_id!r} is not among its images")
            if category_id not in categories:
                raise self._error(where, f"category_id {category_id!r} is not among its categories")
            images[image_id].boxes.append(
                BoxRecord(
                    class_name=categories[category_id],
                    xywh=self._bbox(entry, where),
                    area=_number(entry.get("area")),
                    iscrowd=int(entry.get("iscrowd") in (True, 1)),
                    segmentation=self._segmentation(entry, where),
                )
            )

    def _entries(self, section: str) -> list[tuple[str, dict[str, Any]]]:
        entries = self._content[section]
        if not isinstance(entries, list):
            raise self._error(section, "it is not a list")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise self._error(f"{section}[{index}]", "it is not an object")
        return [(f"{section}[{index}]", entry) for index, entry in enumerate(entries)]

    def _new_id(self, entry: dict[str, Any], where: str, known: Any) -> int | str:
        value = self._id(entry, "id", where)
        if value in known:
            raise self._error(where, f"id {value!r} occurs twice")
        return value

    def _id(self, entry: dict[str, Any], key: str, where: str) -> int | str:
        value = self._required(entry, key, where)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self._error(where, f"{key} {value!r} is neither a whole number nor text")
        return value

    def _text(self, entry: dict[str, Any], key: str, where: str) -> str:
        value = self._required(entry, key, where)
        if not isinstance(value, str) or not value.strip() or not encodable(value):
            raise self._error(where, f"{key} {value!r} is not a text with something in it")
        return value

    def _side(self, entry: dict[str, Any], key: str, where: str) -> int | None:
        value = entry.get(key)
        if value is None or value == 0:  # exporters write 0 for a size they do not know
            return None
        pixels = _number(value)
        if not (math.isfinite(pixels) and pixels > 0):
            raise self._error(where, f"{key} {value!r} is not a positive number")
        return max(1, round(pixels))

    def _bbox(self, entry: dict[str, Any], where: str) -> tuple[float, float, float, float]:
        value = self._required(entry, "bbox", where)
        if not isinstance(value, list) or len(value) != 4:
            raise self._error(where, f"bbox {value!r} is not a list [x, y, width, height]")
        x, y, w, h = (_number(item) for item in value)
        return x, y, w, h

    def _segmentation(
        self, entry: dict[str, Any], where: str
    ) -> list[list[float]] | dict[str, object]:
        value = entry.get("segmentation") or []
        if isinstance(value, dict):
            return _run_lengths(value)
        if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
            raise self._error(where, "segmentation is neither a list of polygons nor RLE")
        polygons = [[_number(item) for item in part] for part in value]
        return [part for part in polygons if _is_polygon(part)]

    def _required(self, entry: dict[str, Any], key: str, where: str) -> Any:
        if key not in entry:
            raise self._error(where, f"the key '{key}' is missing")
        return entry[key]

    def _error(self, where: str, problem: str) -> RepriseError:
        return RepriseError(
            f"{self._where}, {where}: {problem}.",
            "correct the label file or export it again, then update its sha256.",
        )


def _number(value: object) -> float:
    """A number as float; NaN for anything else, which the box rules then judge."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_polygon(part: list[float]) -> bool:
    """Whether an outline can be used; a broken one is left out, its box stays."""
    return len(part) >= 6 and len(part) % 2 == 0 and all(map(math.isfinite, part))


def _run_lengths(value: dict[str, Any]) -> dict[str, object] | list[list[float]]:
    """The two keys of an RLE mask, or no outline when they cannot be used."""
    size, counts = value.get("size"), value.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(map(_is_count, size))):
        return []
    packed = isinstance(counts, str) and encodable(counts)
    if not packed and not (isinstance(counts, list) and all(map(_is_count, counts))):
        return []
    return {"size": size, "counts": counts}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _group_keys(entry: dict[str, Any]) -> dict[str, str]:
    return {
        key: str(value)
        for key, value in entry.items()
        if key not in _OWN_KEYS and isinstance(value, str | int | float | bool)
    }
