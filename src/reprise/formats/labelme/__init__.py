"""LabelMe labels: one JSON file for each image, with shapes of several kinds."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.file_ends import ends, has_json_keys
from reprise.formats.file_index import FileIndex, encodable, no_label_file
from reprise.formats.labelme.shapes import Shape, merged, shape_of, shapes_from
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.sidecars import MAX_SIDE, attach
from reprise.formats.writing import copy_image, require, write_label

MAX_BYTES = 300_000_000  # of one JSON file; the image itself may be in it
_LOOKED_AT = 5
_VERSION = "5.5.0"  # of LabelMe, whose files these are like


def read(folder: Path, source: str, options: ReadOptions = ReadOptions()) -> SourceDataset:
    """Read every LabelMe file of a source folder.

    A rectangle is the box of its corners, in any order; a polygon, a circle (as a polygon of
    64 corners), an oriented rectangle and a mask have an outline and are its bounds. Points
    and lines have no area: their boxes have no size but a ``shape``, and the rules drop them,
    with a row in the ledger. Shapes of one label and one ``group_id`` are one object. Flags of
    the image that are true are its labels.

    The image is the one that ``imagePath`` names, seen from the JSON file, else the one named
    as the JSON file. ``imageData`` is ignored. Splits come from folder names.

    Args:
        folder: The source folder; it is not changed.
        source: Name of the source, for messages.
        options: Nothing of it applies.

    Returns:
        The labels in pixels; classes are sorted, because no file declares them.

    Raises:
        RepriseError: There is no LabelMe file, or one fits several images.
    """
    files = FileIndex(folder, source)
    labels = []
    for name in files.with_suffix(".json"):
        found = _parse(files.path(name))
        if found is not None:
            labels.append((name, *found))
    if not labels:
        raise no_label_file(files, source, "LabelMe", "a .json file with a list 'shapes'")
    records, notes = attach(labels, files, files.images(), source)
    used = {box.class_name for record in records for box in record.boxes}
    used.update(name for record in records for name in record.labels)
    return SourceDataset(source, records, sorted(used), notes=notes)


def detect(files: FileIndex) -> str | None:
    """Some JSON file with ``shapes`` and ``imagePath``, among the first five."""
    names = files.with_suffix(".json")
    for name in names[:_LOOKED_AT]:
        if has_json_keys(ends(files.path(name)), ("shapes", "imagePath")):
            return f"{len(names)} JSON file(s), {name} in the form of LabelMe"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write each image with its JSON file beside it, in a folder for each split.

    What LabelMe cannot hold and is lost: areas, keys, the mark ``synthetic``, classes that
    label nothing, and a box that is not the bounds of its outline. Images that are not
    labelled have no JSON file.

    Args:
        dataset: Every image has a path, a width and a height; boxes are in pixels.
        folder: An empty folder.

    Raises:
        RepriseError: There are crowds, a mask of another size than its image, or two images
            whose names differ in their endings only.
    """
    require(dataset, "labelme", labels=True)
    for image in dataset.images:
        name = posixpath.join(image.split or "", image.name)
        copy_image(image, folder, name)
        if image.labelled:
            text = json.dumps(_content(image), ensure_ascii=False, allow_nan=False, indent=1)
            write_label(folder, f"{posixpath.splitext(name)[0]}.json", text + "\n")


def _content(image: ImageRecord) -> dict[str, Any]:
    assert image.width is not None and image.height is not None
    shapes: list[dict[str, Any]] = []
    for group, box in enumerate(image.boxes, start=1):
        try:
            shapes += shapes_from(box, (image.height, image.width), group)
        except ValueError as error:
            raise RepriseError(
                f"labelme cannot hold a mask of image {image.name}: {error}.",
                "correct the mask, or take the object out of the dataset.",
            ) from None
    return {
        "version": _VERSION,
        "flags": dict.fromkeys(image.labels, True),
        "shapes": shapes,
        "imagePath": posixpath.basename(image.name),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }


def _parse(path: Path) -> tuple[str, ImageRecord] | None:
    """The image's name in a JSON file and what it says; None when it is no LabelMe file."""
    record = ImageRecord("", None)
    if path.stat().st_size > MAX_BYTES:
        record.problem = f"its JSON file has more than {MAX_BYTES} bytes"
        return "", record
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if deep else str(error)
        record.problem = f"its label file is not valid JSON: {reason}"
        return "", record
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        return None
    written = content.get("imagePath")
    try:
        record.width = _side(content, "imageWidth")
        record.height = _side(content, "imageHeight")
        record.labels = _flags(content.get("flags"))
        record.boxes = _boxes(content["shapes"], record)
    except ValueError as error:
        record.labels = []
        record.problem = str(error)
    return written if isinstance(written, str) else "", record


def _side(content: dict[str, Any], key: str) -> int | None:
    value = content.get(key)
    if value is None or value == 0:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= MAX_SIDE:
        raise ValueError(f"its {key} {value!r} is not a number of pixels")
    return max(1, round(value))


def _flags(value: Any) -> list[str]:
    """Names of the flags that are true."""
    flags = value if isinstance(value, dict) else {}
    return [name for name, set_ in flags.items() if set_ is True and encodable(name) and name]


def _boxes(entries: list[Any], record: ImageRecord) -> list[BoxRecord]:
    """The objects in the order in which the first shape of each stands."""
    size = None if not (record.width and record.height) else (record.height, record.width)
    objects: dict[Any, list[Shape]] = {}
    for place, entry in enumerate(entries, start=1):
        try:
            shape = shape_of(entry, size)
        except ValueError as error:
            raise ValueError(f"shape {place} {error}") from None
        key = (shape.label, shape.group) if shape.group is not None else place
        objects.setdefault(key, []).append(shape)
    return [merged(shapes, size) for shapes in objects.values()]
