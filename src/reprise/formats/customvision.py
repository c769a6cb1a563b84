"""Azure Custom Vision: a JSON list of images with tags, and regions in fractions of the image.

An entry is ``{"id", "width", "height", "tags": [{"tagName"}], "regions": [{"tagName", "left",
"top", "width", "height"}]}`` as the service's training API lists tagged images. Its image is
``images/{id}`` with any ending, else the file whose path without ending ends with the id.
"""

from __future__ import annotations

import json
import math
import posixpath
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import SIDES, sides_box, stated_side
from reprise.formats.image_lists import ImageList
from reprise.formats.json_files import (
    MOST_OPENED,
    file_ends,
    has_json_keys,
    read_json,
    scalar_keys,
    text_value,
)
from reprise.formats.records import BoxRecord, ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.writing import USED, check_names, check_writable, copy_image, write_label

_OWN_KEYS = frozenset(
    {"id", "created", "width", "height", "tags", "regions", "synthetic"}
    | {"imageUri", "thumbnailUri", "resizedImageUri", "originalImageUri"}
)


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every Custom Vision file of a source folder and merge them.

    Returns:
        The labels: boxes in fractions, tags as labels of the image as a whole. An entry with
        neither a list of tags nor one of regions is unlabelled. An entry that cannot be used
        is a ``problem`` of its image; one that is about no image stands as an image without
        a ``path``.

    Raises:
        RepriseError: There is no such file, one is not JSON, an id fits several images, or
            an image is in two splits.
    """
    reader = _Reader(files)
    found = 0
    for name in files.with_suffix(".json"):
        content = read_json(files, name)
        if _is_export(content):
            found += 1
            reader.read(content, name)
    if not found:
        looked_for = "a .json file that is a list of entries with id, tags and regions"
        raise files.no_label_file("Custom Vision", looked_for, ".json")
    return reader.images.dataset()


def detect(files: FileIndex) -> str | None:
    """A JSON file that is a list and has ids, tags and regions."""
    for name in files.with_suffix(".json")[:MOST_OPENED]:
        text = file_ends(files.path(name))
        is_list = text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
        if is_list and has_json_keys(text, ("id", "tags", "regions")):
            return f"a list of tags and regions in {name}"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names and ``dataset.json``, or one file a split: ``train.json``.

    The id of an image is its name without ending. Outlines are not kept, nor are classes
    without a label.

    Raises:
        RepriseError: There are crowds, images whose names differ in their endings only, or
            keys with names of the format's own.
    """
    check_writable(dataset, "customvision", labels=True)
    check_names(dataset, "customvision", "key", lambda key: key in _OWN_KEYS, USED)
    lists: dict[str, list[dict[str, Any]]] = {}
    ids: dict[str, str] = {}
    for image in dataset.images:
        image_id = _stem(image.name)
        other = ids.setdefault(image_id, image.name)
        if other != image.name:
            raise RepriseError(
                f"customvision knows images by their names without ending, and {other} and "
                f"{image.name} of '{dataset.source}' share one.",
                "rename one of them.",
            )
        copy_image(image, folder, image.name)
        lists.setdefault(image.split or "dataset", []).append(_entry(image, image_id))
    for name, entries in lists.items():
        text = json.dumps(entries, ensure_ascii=False, indent=1)
        write_label(folder, f"{name}.json", text + "\n")


def _entry(image: ImageRecord, image_id: str) -> dict[str, Any]:
    width, height = image.width or math.nan, image.height or math.nan
    regions = []
    for box in image.boxes:
        x, y, w, h = box.xywh
        fractions = (x / width, y / height, w / width, h / height)
        place = dict(zip(SIDES, fractions, strict=True))
        regions.append({"tagName": box.class_name, **place})
    tags = [{"tagName": name} for name in image.labels]
    return {
        **image.keys,
        **({"synthetic": True} if image.synthetic else {}),
        "id": image_id,
        "width": image.width,
        "height": image.height,
        "tags": tags if image.labelled else None,
        "regions": regions if image.labelled else None,
    }


def _is_export(content: object) -> bool:
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and "id" in first and ("tags" in first or "regions" in first)


class _Reader:
    """Collects what the files say; what cannot be used costs an image, not the file."""

    def __init__(self, files: FileIndex) -> None:
        self._files = files
        self.images = ImageList(files, by_stem=True)

    def read(self, content: list[Any], name: str) -> None:
        """Add the entries of one file."""
        seen: set[str] = set()
        ids = [entry.get("id") for entry in content if isinstance(entry, dict)]
        self.images.expect([image_id for image_id in ids if isinstance(image_id, str)], name)
        for index, entry in enumerate(content):
            where = f"{name}#[{index}]"
            try:
                if not isinstance(entry, dict):
                    raise LabelError("it is not an object")
                image_name = self._image_name(entry, name, f"[{index}]")
            except LabelError as mistake:
                # Its image is not known: a placeholder takes its place.
                self.images.record(where).add_problem(f"{where}: {mistake}")
                continue
            image = self.images.record(image_name)
            self.images.set_split(image, name)
            try:
                self._add(image, entry)
                if image_name in seen:
                    raise LabelError(f"id {entry['id']!r} occurs twice")
            except LabelError as mistake:
                image.add_problem(f"{where}: {mistake}")
            seen.add(image_name)

    def _image_name(self, entry: dict[str, Any], beside: str, where: str) -> str:
        """The image that an entry means; its id, where there is no such file."""
        return self.images.name(text_value(entry.get("id"), "id"), beside, where)

    def _add(self, image: ImageRecord, entry: dict[str, Any]) -> None:
        """What an entry says of its image."""
        image.normalised = True
        image.synthetic = entry.get("synthetic") in (True, 1)
        image.width = stated_side(entry.get("width"), "width")
        image.height = stated_side(entry.get("height"), "height")
        image.keys.update(scalar_keys(entry, _OWN_KEYS))
        image.labelled = not (entry.get("tags") is None and entry.get("regions") is None)
        tags = dict.fromkeys(self._tags(entry, "tags"))
        image.labels += [tag for tag in tags if tag not in image.labels]
        names = self._tags(entry, "regions")
        regions = entry.get("regions") or []
        image.boxes += [_box(*pair) for pair in zip(names, regions, strict=True)]

    def _tags(self, entry: dict[str, Any], section: str) -> list[str]:
        """The tag names in a list of tags or regions, which become known as classes."""
        items = entry.get(section)
        if items is None:
            return []
        if not isinstance(items, list):
            raise LabelError(f"{section} is not a list")
        names = []
        for place, item in enumerate(items):
            tag = item.get("tagName") if isinstance(item, dict) else None
            names.append(text_value(tag, f"{section}[{place}]: tagName"))
        self.images.classes.update(dict.fromkeys(names))
        return names


def _box(tag: str, region: dict[str, Any]) -> BoxRecord:
    return BoxRecord(tag, sides_box(region))


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]
