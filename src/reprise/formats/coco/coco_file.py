"""One COCO file, entry by entry; an entry that cannot be used costs its image, not the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.coco.writer import OWN_KEYS
from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.image_lists import add_problem
from reprise.formats.json_files import number
from reprise.formats.json_stream import JsonLists
from reprise.formats.records import BoxRecord, ImageRecord
from reprise.formats.sidecars import MAX_SIDE, folder_split
from reprise.formats.split_names import named_split

SECTIONS = ("images", "annotations", "categories")

Id = int | str


class CocoFile:
    """Adds what one file says to the images of its source.

    An entry that cannot be used is a ``problem`` of the image that it is about. When that
    image is not known either, an image without a file stands for it, so that the ledger has a
    row; it is named after the place: ``labels.json#image_id=99``.

    Args:
        content: The file.
        files: The source folder.
        source: Its name, for messages.
        name: Posix path of the file.

    Attributes:
        notes: What is wrong with its categories.
    """

    def __init__(self, content: JsonLists, files: FileIndex, source: str, name: str) -> None:
        self._content = content
        self._files = files
        self._source = source
        self._name = name
        self._unplaced: set[str] = set()
        self.notes: list[str] = []

    def read_into(self, images: dict[str, ImageRecord]) -> list[str]:
        """Add this file's images, by name, and their boxes.

        Returns:
            Its classes in order.

        Raises:
            RepriseError: A section is not a list, a file name fits several files, or there
                are annotations and none can be used.
        """
        classes, spoilt = self._categories()
        self._boxes(images, self._images(images), classes, spoilt)
        return list(classes.values())

    def _categories(self) -> tuple[dict[Id, str], dict[Id, str]]:
        """Class names by category id; and what is wrong with the categories of other ids."""
        classes: dict[Id, str] = {}
        spoilt: dict[Id, str] = {}
        for where, entry in self._entries("categories"):
            category_id: Id | None = None
            try:
                category_id = _id(entry, "id")
                name = _text(entry, "name")
                if classes.setdefault(category_id, name) != name:
                    raise _MistakeError(
                        f"id {category_id!r} is that of '{classes[category_id]}' too"
                    )
            except _MistakeError as mistake:
                self.notes.append(f"{self._name}, {where}: {mistake}")
                if category_id is not None:
                    spoilt.setdefault(category_id, f"{where}: {mistake}")
        return {key: name for key, name in classes.items() if key not in spoilt}, spoilt

    def _images(self, images: dict[str, ImageRecord]) -> dict[Id, ImageRecord]:
        """Add the images; returns them by this file's ids."""
        by_id: dict[Id, ImageRecord] = {}
        for where, entry in self._entries("images"):
            image = self._image(images, where, entry)
            try:
                image_id = _id(entry, "id")
                other = by_id.setdefault(image_id, image)
                if other is not image:
                    mistake = f"{self._name}, {where}: id {image_id!r} is that of two images"
                    add_problem(image, mistake)
                    add_problem(other, mistake)
            except _MistakeError as mistake:
                add_problem(image, f"{self._name}, {where}: {mistake}")
        return by_id

    def _image(self, images: dict[str, ImageRecord], where: str, entry: object) -> ImageRecord:
        """The image that an entry names."""
        try:
            written = _text(entry, "file_name")
        except _MistakeError as mistake:
            return self._stand_in(images, where, f"{self._name}, {where}: {mistake}")
        matches = self._files.candidates(written, self._name)
        if len(matches) > 1:
            raise self._error(
                where, f"file_name '{written}' fits several files: {', '.join(matches[:4])}"
            )
        name = matches[0] if matches else written
        record = ImageRecord(
            name=name,
            path=self._files.path(name) if matches else None,
            keys=_group_keys(entry),
            synthetic=_value(entry, "synthetic") in (True, 1),
            split=named_split(self._name) or folder_split(name),
        )
        try:
            record.width, record.height = _side(entry, "width"), _side(entry, "height")
        except _MistakeError as mistake:
            add_problem(record, f"{self._name}, {where}: {mistake}")
        return images.setdefault(name, record)

    def _boxes(
        self,
        images: dict[str, ImageRecord],
        by_id: dict[Id, ImageRecord],
        classes: dict[Id, str],
        spoilt: dict[Id, str],
    ) -> None:
        """Append the boxes to their images."""
        count, used, reason = 0, 0, ""
        for where, entry in self._entries("annotations"):
            count += 1
            image = self._owner(images, by_id, where, entry)
            try:
                box = _box(entry, classes, spoilt)
            except _MistakeError as mistake:
                add_problem(image, f"{self._name}, {where}: {mistake}")
            else:
                image.boxes.append(box)
                used += image.name not in self._unplaced
            reason = reason or image.problem
        if count and not used:
            raise self._error(
                "annotations", f"none of the {count} can be used; the first reason is {reason}"
            )

    def _owner(
        self,
        images: dict[str, ImageRecord],
        by_id: dict[Id, ImageRecord],
        where: str,
        entry: object,
    ) -> ImageRecord:
        """The image that an annotation is about."""
        try:
            image_id = _id(entry, "image_id")
        except _MistakeError as mistake:
            return self._stand_in(images, where, f"{self._name}, {where}: {mistake}")
        if image_id not in by_id:
            problem = f"{self._name}, {where}: image_id {image_id!r} is not among its images"
            by_id[image_id] = self._stand_in(images, f"image_id={image_id!r}", problem)
        return by_id[image_id]

    def _stand_in(self, images: dict[str, ImageRecord], place: str, problem: str) -> ImageRecord:
        """An image without a file, for labels of which nobody knows what they are about."""
        name = f"{self._name}#{place}"
        self._unplaced.add(name)
        record = ImageRecord(name, None, split=named_split(self._name), problem=problem)
        return images.setdefault(name, record)

    def _entries(self, section: str) -> Iterator[tuple[str, object]]:
        if not self._content.is_list(section):
            raise self._error(section, "it is not a list")
        for index, entry in enumerate(self._content.entries(section)):
            yield f"{section}[{index}]", entry

    def _error(self, where: str, problem: str) -> RepriseError:
        return RepriseError(
            f"source '{self._source}': {self._name}, {where}: {problem}.",
            "correct the label file or export it again, then update its sha256.",
        )


class _MistakeError(Exception):
    """What is wrong with an entry."""


def _value(entry: object, key: str) -> Any:
    """The value of a key, None where there is none."""
    if not isinstance(entry, dict):
        raise _MistakeError("it is not an object")
    return entry.get(key)


def _required(entry: object, key: str) -> Any:
    value = _value(entry, key)
    if value is None:
        raise _MistakeError(f"the key '{key}' is missing")
    return value


def _id(entry: object, key: str) -> Id:
    value = _required(entry, key)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as some libraries write whole numbers
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _MistakeError(f"{key} {value!r} is neither a whole number nor text")
    return value


def _text(entry: object, key: str) -> str:
    value = _required(entry, key)
    if not isinstance(value, str) or not value.strip() or not encodable(value):
        raise _MistakeError(f"{key} {value!r} is not a text with something in it")
    return value


def _side(entry: object, key: str) -> int | None:
    value = _value(entry, key)
    if value is None or value == 0:  # exporters write 0 for a size they do not know
        return None
    pixels = number(value)
    if not 0 < pixels <= MAX_SIDE:
        raise _MistakeError(f"{key} {value!r} is not a positive number")
    return max(1, round(pixels))


def _box(entry: object, classes: dict[Id, str], spoilt: dict[Id, str]) -> BoxRecord:
    category_id = _id(entry, "category_id")
    if category_id in spoilt:
        raise _MistakeError(f"category_id {category_id!r} cannot be used: {spoilt[category_id]}")
    if category_id not in classes:
        raise _MistakeError(f"category_id {category_id!r} is not among its categories")
    return BoxRecord(
        class_name=classes[category_id],
        xywh=_bbox(_value(entry, "bbox")),
        area=number(_value(entry, "area")),
        iscrowd=int(_value(entry, "iscrowd") in (True, 1)),
        segmentation=_segmentation(_value(entry, "segmentation")),
    )


def _bbox(value: object) -> tuple[float, float, float, float]:
    """Left, top, width, height; NaN for what is no number, which the box rules then judge."""
    if not isinstance(value, list) or len(value) != 4:
        return math.nan, math.nan, math.nan, math.nan
    x, y, w, h = (number(item) for item in value)
    return x, y, w, h


def _segmentation(value: object) -> list[list[float]] | dict[str, object]:
    """Polygons or RLE, which the rules then judge; what is no list of numbers becomes NaN."""
    if isinstance(value, dict):
        return _run_lengths(value)
    parts = value if isinstance(value, list) else [] if value is None else [value]
    return [
        [number(item) for item in part] if isinstance(part, list) else [math.nan] for part in parts
    ]


def _run_lengths(value: dict[str, Any]) -> dict[str, object]:
    """The two keys of an RLE mask, which the rules then judge."""
    return {"size": value.get("size"), "counts": value.get("counts")}


def _group_keys(entry: object) -> dict[str, str]:
    items = entry.items() if isinstance(entry, dict) else ()
    return {
        key: str(value)
        for key, value in items
        if key not in OWN_KEYS and isinstance(value, str | int | float | bool)
    }
