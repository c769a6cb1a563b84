"""Supervisely: ``ann/<image file>.json`` beside ``img/<image file>``, in a folder for each dataset.

A file has the image's ``size`` and ``objects`` with a ``classTitle`` and a ``geometryType``:
``rectangle`` (two corners), ``polygon``, ``bitmap`` (a PNG, deflated, in base64, and its
``origin``), or one without area. Holes of polygons are filled. Tags are values to group images by.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import (
    NO_BOX,
    Point,
    bounds,
    corners,
    json_number,
    outline,
    stated_side,
)
from reprise.formats.json_files import first_with_keys, parse_label_file, text_value
from reprise.formats.mask_images import mask_of, open_mask
from reprise.formats.records import (
    NO_GEOMETRY,
    BoxRecord,
    ImageRecord,
    LabelError,
    ReadOptions,
    SourceDataset,
)
from reprise.formats.sidecars import read_sidecars
from reprise.formats.writing import check_writable, class_names, copy_image, write_label
from reprise.masks import rle

MAX_BYTES = 100_000_000  # of one label file
MAX_PIXELS = 64_000_000  # of an image with bitmaps
_WITHOUT_AREA = ("point", "line", "polyline", "graph")


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every Supervisely file of a source folder.

    Returns:
        The labels in pixels; classes are sorted. The image of ``ann/a.jpg.json`` is ``a.jpg``,
        nearest in ``img``. Splits come from the folders of datasets.

    Raises:
        RepriseError: There is no such file.
    """
    names = [name for name in files.with_suffix(".json") if not name.endswith("meta.json")]
    dataset = read_sidecars(files, names, MAX_BYTES, _parse, files.images())
    if dataset is None:
        looked_for = "a .json file with 'size' and a list 'objects'"
        raise files.no_label_file("Supervisely", looked_for, ".json")
    return dataset


def detect(files: FileIndex) -> str | None:
    """Some JSON file in a folder ``ann`` with ``size`` and ``objects``, among the first few."""
    names = [name for name in files.with_suffix(".json") if name.split("/")[-2:-1] == ["ann"]]
    name = first_with_keys(files, names, ("objects", "size", "tags"))
    found = f"{len(names)} JSON file(s) in folders ann, {name} in the form of Supervisely"
    return found if name else None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``<split>/img/``, ``<split>/ann/`` and ``meta.json``; ``ds0`` without a split.

    What Supervisely cannot hold and is lost: the outlines of objects that have several, areas,
    the mark ``synthetic``. Images that are not labelled have no label file. Folders of images
    become parts of their names.

    Raises:
        RepriseError: There are crowds, labels of whole images, a mask of another size than its
            image, or two images of one name.
    """
    check_writable(dataset, "supervisely")
    for image in dataset.images:
        place, name = image.split or "ds0", image.name.replace("/", "__")
        copy_image(image, folder, f"{place}/img/{name}")
        if image.labelled:
            objects = [_object(box, image) for box in image.boxes]
            tags = [{"name": key, "value": value} for key, value in sorted(image.keys.items())]
            size = {"height": image.height, "width": image.width}
            content = {"description": "", "tags": tags, "size": size, "objects": objects}
            text = json.dumps(content, ensure_ascii=False, allow_nan=False)
            write_label(folder, f"{place}/ann/{name}.json", text + "\n")
    classes = [{"title": title, "shape": "any"} for title in class_names(dataset)]
    write_label(folder, "meta.json", json.dumps({"classes": classes, "tags": []}) + "\n")


def _object(box: BoxRecord, image: ImageRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {"classTitle": box.class_name, "tags": [], "description": ""}
    if isinstance(box.segmentation, dict):
        mask = mask_of(box, image)
        if mask.any():
            x, y, w, h = rle.bounds(mask)
            png = io.BytesIO()
            Image.fromarray(mask[y : y + h, x : x + w]).save(png, "PNG")
            data = base64.b64encode(zlib.compress(png.getvalue())).decode("ascii")
            return {**entry, "geometryType": "bitmap", "bitmap": {"data": data, "origin": [x, y]}}
    elif len(box.segmentation) == 1:
        points = [list(point) for point in corners(box.segmentation[0])]
        return {**entry, "geometryType": "polygon", "points": {"exterior": points, "interior": []}}
    left, top, width, height = box.xywh
    ends = [[left, top], [left + width, top + height]]
    return {**entry, "geometryType": "rectangle", "points": {"exterior": ends, "interior": []}}


def _parse(data: bytes, record: ImageRecord) -> bool:
    content = parse_label_file(data)
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        return False
    size = content.get("size")
    if not isinstance(size, dict):
        return False
    record.width = stated_side(size.get("width"), "width")
    record.height = stated_side(size.get("height"), "height")
    record.keys = _tags(content.get("tags"))
    for place, entry in enumerate(content["objects"], start=1):
        try:
            record.boxes.append(_box(entry, record))
        except LabelError as error:
            raise LabelError(f"object {place} of its label file {error}") from None
    return True


def _tags(value: Any) -> dict[str, str]:
    entries = [tag for tag in value if isinstance(tag, dict)] if isinstance(value, list) else []
    return {
        tag["name"]: str("yes" if tag.get("value") is None else tag["value"])
        for tag in entries
        if isinstance(tag.get("name"), str) and tag["name"]
    }


def _box(entry: Any, record: ImageRecord) -> BoxRecord:
    """One object.

    Raises:
        LabelError: What makes the whole file unusable, as the end of a sentence.
    """
    if not isinstance(entry, dict):
        raise LabelError("is not an object")
    label = text_value(entry.get("classTitle"), "classTitle")
    kind = entry.get("geometryType") or ("bitmap" if entry.get("bitmap") else "polygon")
    if kind == "bitmap":
        return _bitmap(label, entry.get("bitmap"), record)
    points = _points(entry.get("points"))
    if not points:
        return BoxRecord(label, NO_BOX, shape=NO_GEOMETRY)
    if kind == "rectangle":
        return BoxRecord(label, bounds(points))
    if kind == "polygon":
        return BoxRecord(label, bounds(points), segmentation=outline(points))
    if kind in _WITHOUT_AREA:
        return BoxRecord(label, bounds(points[:1]), shape=kind)
    return BoxRecord(label, NO_BOX, shape=text_value(kind, "its geometryType"))


def _points(value: Any) -> list[Point]:
    exterior = value.get("exterior") if isinstance(value, dict) else None
    if not isinstance(exterior, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in exterior
    ):
        raise LabelError("has no list of points")
    return [(json_number(x), json_number(y)) for x, y in exterior]


def _bitmap(label: str, value: Any, record: ImageRecord) -> BoxRecord:
    origin = value.get("origin") if isinstance(value, dict) else None
    if not isinstance(origin, list) or len(origin) != 2 or not record.width or not record.height:
        raise LabelError("is a bitmap without a place, or of an image without a size")
    left, top = (json_number(part) for part in origin)
    pixels = record.width * record.height
    if pixels > MAX_PIXELS or not (abs(left) <= MAX_PIXELS and abs(top) <= MAX_PIXELS):
        raise LabelError(f"is a bitmap of more than {MAX_PIXELS} pixels or far outside its image")
    try:
        packed = base64.b64decode(str(value.get("data")), validate=True)
        # A PNG of so many pixels has no more bytes, so that none unpacks without end.
        png = zlib.decompressobj().decompress(packed, 8 * pixels + 65_536)
        image = open_mask(io.BytesIO(png), pixels)
    except (ValueError, zlib.error, LabelError) as error:
        raise LabelError(f"is a bitmap that is no PNG, deflated and in base64: {error}") from None
    drawn = image.getchannel("A") if "A" in image.getbands() else image.convert("L")
    mask = np.asarray(drawn) > 0
    x, y, w, h = rle.bounds(mask)
    runs = rle.encode(mask, round(left), round(top), (record.height, record.width))
    box = (float(round(left) + x), float(round(top) + y), float(w), float(h))
    return BoxRecord(label, box, rle.area(runs), segmentation=runs)
