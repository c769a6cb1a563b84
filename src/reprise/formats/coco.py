"""COCO detection labels: one or more JSON files beside, above or below the images."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.coco_write import OWN_KEYS, write
from reprise.formats.files import FileIndex, encodable
from reprise.formats.json_labels import number, read_json_lists
from reprise.formats.json_stream import JsonLists
from reprise.formats.peek import ends, has_json_keys
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.sidecars import MAX_SIDE, folder_split
from reprise.formats.splits import named_split

__all__ = ["detect", "read", "write"]

SECTIONS = ("images", "annotations", "categories")
# In a long file a section's key may be far from both ends; its entries then have these.
_SIGNS = (("images", "file_name"), ("annotations", "image_id"), ("categories", "category_id"))
_MOST_OPENED = 8


def read(folder: Path, source: str, options: ReadOptions = ReadOptions()) -> SourceDataset:
    """Read every COCO file of a source folder and merge them.

    Args:
        folder: The source folder; it is not changed.
        source: Name of the source, for messages.
        options: Nothing of it applies.

    Returns:
        The labels. Boxes are as written; a named image that is missing has no ``path``. The
        split of an image is the one that its label file's path names, else its folders.

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
        content = read_json_lists(files, name, source)
        if not all(key in content.keys for key in SECTIONS):
            continue
        found += 1
        reader = _Reader(content, source, name)
        by_id = reader.categories()
        classes.update(dict.fromkeys(by_id.values()))
        reader.boxes_into(reader.images_into(images, files), by_id)
    if not found:
        raise _nothing_found(files, source)
    for name in files.images():
        unlisted = ImageRecord(name, files.path(name), split=folder_split(name), labelled=False)
        images.setdefault(name, unlisted)
    ordered = [images[name] for name in sorted(images)]
    return SourceDataset(source, ordered, list(classes), lists_images=True)


def detect(files: FileIndex) -> str | None:
    """JSON files with the three sections of COCO, among the eight likeliest by their names."""
    names = sorted(files.with_suffix(".json"), key=_unlikeliness)[:_MOST_OPENED]
    found = [name for name in names if _is_coco(ends(files.path(name)))]
    return f"COCO sections in {', '.join(found[:3])}" if found else None


def _unlikeliness(name: str) -> tuple[bool, int, str]:
    speaks = re.search(r"coco|instances|annotations|labels", posixpath.basename(name).lower())
    return speaks is None, name.count("/"), name


def _is_coco(text: bytes) -> bool:
    return text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(
        any(has_json_keys(text, [sign]) for sign in signs) for signs in _SIGNS
    )


def _nothing_found(files: FileIndex, source: str) -> RepriseError:
    seen = files.with_suffix(".json")
    listing = ", ".join(seen[:5]) if seen else "no .json file at all"
    return RepriseError(
        f"source '{source}': no COCO file was found. Looked, in all folders, for a .json file "
        f"whose top level has {', '.join(SECTIONS)}; found {listing}.",
        "put the label file into the source, or correct its format in data.sources.",
    )


class _Reader:
    """One COCO file, read entry by entry with errors that say where."""

    def __init__(self, content: JsonLists, source: str, name: str) -> None:
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
                split=named_split(self._name) or folder_split(name),
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
                    area=number(entry.get("area")),
                    iscrowd=int(entry.get("iscrowd") in (True, 1)),
                    segmentation=self._segmentation(entry, where),
                )
            )

    def _entries(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self._content.is_list(section):
            raise self._error(section, "it is not a list")
        for index, entry in enumerate(self._content.entries(section)):
            where = f"{section}[{index}]"
            if not isinstance(entry, dict):
                raise self._error(where, "it is not an object")
            yield where, entry

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
        pixels = number(value)
        if not 0 < pixels <= MAX_SIDE:
            raise self._error(where, f"{key} {value!r} is not a positive number")
        return max(1, round(pixels))

    def _bbox(self, entry: dict[str, Any], where: str) -> tuple[float, float, float, float]:
        value = self._required(entry, "bbox", where)
        if not isinstance(value, list) or len(value) != 4:
            raise self._error(where, f"bbox {value!r} is not a list [x, y, width, height]")
        x, y, w, h = (number(item) for item in value)
        return x, y, w, h

    def _segmentation(
        self, entry: dict[str, Any], where: str
    ) -> list[list[float]] | dict[str, object]:
        value = entry.get("segmentation") or []
        if isinstance(value, dict):
            return _run_lengths(value)
        if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
            raise self._error(where, "segmentation is neither a list of polygons nor RLE")
        polygons = [[number(item) for item in part] for part in value]
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
        if key not in OWN_KEYS and isinstance(value, str | int | float | bool)
    }
