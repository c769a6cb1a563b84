"""LabelMe labels: one JSON file for each image, with shapes of several kinds."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any

from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.geometry import stated_side
from reprise.formats.json_files import first_with_keys, parse_label_file
from reprise.formats.labelme.shapes import merged, record_of, shapes_from
from reprise.formats.records import BoxRecord, ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.sidecars import read_sidecars
from reprise.formats.writing import check_writable, copy_image, write_label

MAX_BYTES = 300_000_000  # of one JSON file; the image itself may be in it
_VERSION = "5.5.0"  # of LabelMe, whose files these are like


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every LabelMe file of a source folder.

    A rectangle is the box of its corners, in any order; a polygon, a circle (as a polygon of
    64 corners), an oriented rectangle and a mask have an outline and are its bounds. Points
    and lines have no area: their boxes have no size but a ``shape``, and the rules drop them,
    with a row in the ledger. Shapes of one label and one ``group_id`` are one object. Flags of
    the image that are true are its labels.

    The image is the one that ``imagePath`` names, seen from the JSON file, else the one named
    as the JSON file. ``imageData`` is ignored. Splits come from folder names.

    Returns:
        The labels in pixels; classes are sorted, because no file declares them.

    Raises:
        RepriseError: There is no LabelMe file, or one fits several images.
    """
    names = files.with_suffix(".json")
    dataset = read_sidecars(files, names, MAX_BYTES, _parse, files.images())
    if dataset is None:
        raise files.no_label_file("LabelMe", "a .json file with a list 'shapes'", ".json")
    return dataset


def detect(files: FileIndex) -> str | None:
    """Some JSON file with ``shapes`` and ``imagePath``, among the first few."""
    names = files.with_suffix(".json")
    name = first_with_keys(files, names, ("shapes", "imagePath"))
    return name and f"{len(names)} JSON file(s), {name} in the form of LabelMe"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write each image with its JSON file beside it, in a folder for each split.

    What LabelMe cannot hold and is lost: areas, keys, the mark ``synthetic``, classes that
    label nothing, and a box that is not the bounds of its outline. Images that are not
    labelled have no JSON file.

    Raises:
        RepriseError: There are crowds, a mask of another size than its image, or two images
            whose names differ in their endings only.
    """
    check_writable(dataset, "labelme", labels=True)
    for image in dataset.images:
        name = posixpath.join(image.split or "", image.name)
        copy_image(image, folder, name)
        if image.labelled:
            text = json.dumps(_content(image), ensure_ascii=False, allow_nan=False, indent=1)
            write_label(folder, f"{posixpath.splitext(name)[0]}.json", text + "\n")


def _content(image: ImageRecord) -> dict[str, Any]:
    shapes: list[dict[str, Any]] = []
    for group, box in enumerate(image.boxes, start=1):
        shapes += shapes_from(box, image, group)
    return {
        "version": _VERSION,
        "flags": dict.fromkeys(image.labels, True),
        "shapes": shapes,
        "imagePath": posixpath.basename(image.name),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }


def _parse(data: bytes, record: ImageRecord) -> bool:
    content = parse_label_file(data)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        return False
    written = content.get("imagePath")
    record.name = written if isinstance(written, str) else ""
    record.width = stated_side(content.get("imageWidth"), "imageWidth")
    record.height = stated_side(content.get("imageHeight"), "imageHeight")
    record.labels = _flags(content.get("flags"))
    record.boxes = _boxes(content["shapes"], record)
    return True


def _flags(value: Any) -> list[str]:
    """Names of the flags that are true."""
    flags = value if isinstance(value, dict) else {}
    return [name for name, set_ in flags.items() if set_ is True and encodable(name) and name]


def _boxes(entries: list[Any], record: ImageRecord) -> list[BoxRecord]:
    """The objects in the order in which the first shape of each stands."""
    size = None if not (record.width and record.height) else (record.height, record.width)
    objects: dict[Any, list[BoxRecord]] = {}
    for place, entry in enumerate(entries, start=1):
        try:
            group, box = record_of(entry, size)
        except LabelError as error:
            raise LabelError(f"shape {place} {error}") from None
        objects.setdefault(place if group is None else (box.class_name, group), []).append(box)
    return [merged(boxes, key[1]) if len(boxes) > 1 else boxes[0] for key, boxes in objects.items()]
