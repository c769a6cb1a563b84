"""One COCO file, entry by entry; an entry that cannot be used costs its image, not the file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import NO_BOX, Xywh, json_number, rotated, stated_angle, stated_side
from reprise.formats.image_lists import ImageList
from reprise.formats.json_files import text_value
from reprise.formats.records import (
    NO_GEOMETRY,
    ROTATED,
    BoxRecord,
    ImageRecord,
    LabelError,
)
from reprise.formats.split_names import named_split

SECTIONS = ("images", "annotations", "categories")
# Keys of an image entry that describe the file; all others may serve to group images.
OWN_KEYS = frozenset({"id", "file_name", "width", "height", "synthetic"})

Id = int | str
_WHOLE = re.compile("0|[1-9][0-9]{0,17}")


class CocoFile:
    """Adds what one file says to the images of its source.

    An entry that cannot be used is a ``problem`` of the image that it is about. When that
    image is not known either, a placeholder without a file takes its place, so that the ledger
    has a row; it is named after the place: ``labels.json#image_id=99``.

    Args:
        content: The file; its lists are emptied, so that no entry is kept beside its record.
        files: The source folder.
        name: Posix path of the file.
        images: Of the source; this file's are added.
    """

    def __init__(
        self, content: dict[str, Any], files: FileIndex, name: str, images: ImageList
    ) -> None:
        self._content = content
        self._files = files
        self._name = name
        self._images = images
        self._by_id: dict[Id, ImageRecord] = {}
        self._placeholders: set[str] = set()
        self._classes: dict[Id, str] = {}
        self._unusable: dict[Id, str] = {}
        self._used: set[Id] = set()

    def read(self) -> None:
        """Add this file's images with their boxes, its classes and what is wrong with these.

        Raises:
            RepriseError: A section is not a list, a file name fits several files, or there
                are annotations and none can be used.
        """
        self._read_categories()
        listed = self._content["images"] if isinstance(self._content["images"], list) else []
        written = [entry.get("file_name") for entry in listed if isinstance(entry, dict)]
        self._images.expect([name for name in written if isinstance(name, str)], self._name)
        for where, entry in self._entries("images"):
            self._read_image(where, entry)
        self._read_annotations()
        usable = (name for key, name in self._classes.items() if key not in self._unusable)
        self._images.classes.update(dict.fromkeys(usable))

    def _read_categories(self) -> None:
        for where, entry in self._entries("categories"):
            category_id: Id | None = None
            try:
                category_id = _id(entry, "id")
                name = _text(entry, "name")
                known = self._classes.setdefault(category_id, name)
                if known != name:
                    raise LabelError(f"id {category_id!r} is that of '{known}' too")
            except LabelError as mistake:
                self._images.notes.append(f"{self._name}, {where}: {mistake}")
                if category_id is not None:
                    self._unusable.setdefault(category_id, f"{where}: {mistake}")

    def _read_image(self, where: str, entry: Any) -> None:
        image = self._image(where, entry)
        try:
            image_id = _id(entry, "id")
            other = self._by_id.setdefault(image_id, image)
            if other is not image:
                mistake = f"{self._name}, {where}: id {image_id!r} is that of two images"
                image.add_problem(mistake)
                other.add_problem(mistake)
        except LabelError as mistake:
            image.add_problem(f"{self._name}, {where}: {mistake}")

    def _image(self, where: str, entry: Any) -> ImageRecord:
        """The image that an entry names."""
        try:
            written = _text(entry, "file_name")
        except LabelError as mistake:
            return self._placeholder(where, f"{where}: {mistake}")
        name = self._images.name(written, self._name, where)
        if name in self._images:
            return self._images.record(name)
        image = self._images.record(name)
        image.split = named_split(self._name)
        image.synthetic = entry.get("synthetic") in (True, 1)
        image.keys = {
            key: str(value)
            for key, value in entry.items()
            if key not in OWN_KEYS and isinstance(value, str | int | float)
        }
        try:
            image.width = stated_side(entry.get("width"), "width")
            image.height = stated_side(entry.get("height"), "height")
        except LabelError as mistake:
            image.add_problem(f"{self._name}, {where}: {mistake}")
        return image

    def _read_annotations(self) -> None:
        count, used, reason = 0, 0, ""
        for where, entry in self._entries("annotations"):
            count += 1
            image = self._owner(where, entry)
            try:
                image.boxes.append(self._box(entry))
                used += image.name not in self._placeholders
            except LabelError as mistake:
                image.add_problem(f"{self._name}, {where}: {mistake}")
            reason = reason or image.problem
        self._check_first_id()
        if count and not used:
            problem = f"none of the {count} can be used; the first reason is {reason}"
            raise self._files.error(self._name, "annotations", problem)

    def _check_first_id(self) -> None:
        """Fail where annotations number the categories from 0, and the file from 1."""
        used = {key + 1 for key in self._used if isinstance(key, int)}
        if 0 in self._used and 0 not in self._classes and used == set(self._classes):
            raise self._files.error(
                self._name,
                "annotations",
                f"their category ids go from 0 to {len(used) - 1}, and those of the categories "
                f"from 1 to {len(used)}: read so, objects would have the names of other classes",
                "add 1 to each category_id of the annotations, or renumber the categories.",
            )

    def _owner(self, where: str, entry: Any) -> ImageRecord:
        """The image that an annotation is about."""
        try:
            image_id = _id(entry, "image_id")
        except LabelError as mistake:
            return self._placeholder(where, f"{where}: {mistake}")
        if image_id not in self._by_id:
            problem = f"{where}: image_id {image_id!r} is not among its images"
            self._by_id[image_id] = self._placeholder(f"image_id={image_id!r}", problem)
        return self._by_id[image_id]

    def _placeholder(self, place: str, problem: str) -> ImageRecord:
        """An image without a file, for labels whose image is not known."""
        name = f"{self._name}#{place}"
        self._placeholders.add(name)
        record = self._images.record(name)
        record.split = named_split(self._name)
        record.add_problem(f"{self._name}, {problem}")
        return record

    def _box(self, entry: Any) -> BoxRecord:
        category_id = _id(entry, "category_id")
        if category_id in self._unusable:
            reason = self._unusable[category_id]
            raise LabelError(f"category_id {category_id!r} cannot be used: {reason}")
        self._used.add(category_id)
        if category_id not in self._classes:
            raise LabelError(f"category_id {category_id!r} is not among its categories")
        box = BoxRecord(
            class_name=self._classes[category_id],
            xywh=_bbox(entry.get("bbox")),
            area=json_number(entry.get("area")),
            iscrowd=int(entry.get("iscrowd") in (True, 1)),
            segmentation=_segmentation(entry.get("segmentation")),
        )
        return box if _is_drawn(box) else _undrawn(box, entry)

    def _entries(self, section: str) -> Iterator[tuple[str, Any]]:
        entries = self._content[section]
        if not isinstance(entries, list):
            raise self._files.error(self._name, section, "it is not a list")
        entries.reverse()
        for index in range(len(entries)):
            yield f"{section}[{index}]", entries.pop()


def _required(entry: Any, key: str) -> Any:
    if not isinstance(entry, dict):
        raise LabelError("it is not an object")
    if entry.get(key) is None:
        raise LabelError(f"the key '{key}' is missing")
    return entry[key]


def _id(entry: Any, key: str) -> Id:
    value = _required(entry, key)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as some libraries write whole numbers
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise LabelError(f"{key} {value!r} is neither a whole number nor text")
    # Some write a number here as text and there as a number.
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _text(entry: Any, key: str) -> str:
    return text_value(_required(entry, key), key)


def _is_drawn(box: BoxRecord) -> bool:
    return isinstance(box.segmentation, dict) or any(box.segmentation)


def _undrawn(box: BoxRecord, entry: dict[str, Any]) -> BoxRecord:
    """An annotation without an outline: its box may be turned, or be missing.

    Raises:
        LabelError: Its box has an angle whose sense no standard states.
    """
    written, attributes = entry.get("bbox"), entry.get("attributes")
    if isinstance(written, list) and len(written) == 5:
        raise LabelError(
            "bbox has 5 numbers, a turned box whose angle may be of several kinds: write its "
            "corners as the segmentation"
        )
    if key := stated_angle(entry):
        raise LabelError(
            f"the box is turned by its '{key}', which may be of several kinds: write its "
            "corners as the segmentation"
        )
    if not written:
        return replace(box, shape="keypoints" if entry.get("keypoints") else NO_GEOMETRY)
    # CVAT writes the box before the turn, and the turn in degrees, clockwise.
    angle = json_number(attributes.get("rotation")) if isinstance(attributes, dict) else math.nan
    if not math.isfinite(angle) or angle % 360 == 0:
        return box
    turned, rim = rotated(box.xywh, math.radians(angle))
    return replace(box, xywh=turned, segmentation=rim, shape=ROTATED) if rim else box


def _bbox(value: object) -> Xywh:
    """Left, top, width, height; NaN for what is no number, which the box rules then drop."""
    if not isinstance(value, list) or len(value) != 4:
        return NO_BOX
    x, y, w, h = (json_number(item) for item in value)
    return x, y, w, h


def _are_points(part: object) -> bool:
    """Whether a polygon is written as pairs."""
    return isinstance(part, list) and all(isinstance(p, list) and len(p) == 2 for p in part)


def _flat(part: list[Any]) -> list[Any]:
    return [item for point in part for item in point] if _are_points(part) else part


def _segmentation(value: object) -> list[list[float]] | dict[str, object]:
    """Polygons or RLE, which the rules then check; what is no list of numbers becomes NaN."""
    if isinstance(value, dict):
        return {"size": value.get("size"), "counts": value.get("counts")}
    parts = value if isinstance(value, list) else [] if value is None else [value]
    if parts and not any(isinstance(part, list | dict) for part in parts):
        parts = [parts]  # one polygon without a list around it
    elif len(parts) > 2 and _are_points(parts):
        parts = [parts]  # the points of one, each in a list
    return [
        [json_number(item) for item in _flat(part)] if isinstance(part, list) else [math.nan]
        for part in parts
    ]
