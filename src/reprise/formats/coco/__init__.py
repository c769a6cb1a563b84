"""COCO detection labels: one or more JSON files beside, above or below the images."""

from __future__ import annotations

import json
import math
import posixpath
import re
from pathlib import Path
from typing import Any

from reprise.formats.coco.coco_file import OWN_KEYS, SECTIONS, CocoFile
from reprise.formats.file_index import FileIndex
from reprise.formats.image_lists import ImageList
from reprise.formats.json_files import file_ends, has_json_keys, read_json
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.writing import (
    USED,
    check_names,
    check_writable,
    class_names,
    copy_image,
    write_label,
)

# In a long file a section's key may be far from both ends; its entries then have these.
_SIGNS = (("images", "file_name"), ("annotations", "image_id"), ("categories", "category_id"))
_MOST_OPENED = 8


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every COCO file of a source folder and merge them.

    Returns:
        The labels. Boxes are as written; a named image that is missing has no ``path``. An
        entry that cannot be used is a ``problem`` of its image; one that is about no image
        stands as an image without a ``path``. The split of an image is the one that its label
        file's path names, else its folders.

    Raises:
        RepriseError: There is no COCO file, or one as a whole cannot be used: it is not JSON,
            a section is not a list, a file name fits several files, or no annotation has an
            image and a category. The message names the file and the place.
    """
    images = ImageList(files)
    found = 0
    for name in files.with_suffix(".json"):
        content = read_json(files, name)
        if not isinstance(content, dict) or not all(key in content for key in SECTIONS):
            continue
        found += 1
        CocoFile(content, files, name, images).read()
    if not found:
        looked_for = f"a .json file whose top level has {', '.join(SECTIONS)}"
        raise files.no_label_file("COCO", looked_for, ".json")
    return images.dataset()


def detect(files: FileIndex) -> str | None:
    """JSON files with the three sections of COCO, among the eight likeliest by their names."""
    names = sorted(files.with_suffix(".json"), key=_unlikeliness)[:_MOST_OPENED]
    found = [name for name in names if _is_coco(file_ends(files.path(name)))]
    return f"COCO sections in {', '.join(found[:3])}" if found else None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``annotations/instances_<split>.json`` and ``images/<split>/``.

    Images without a split are in ``annotations/instances.json`` and in ``images/``; images
    that are not labelled are copied and not listed. Every file has all classes, with the same
    ids from 1; ids of images and annotations are from 1 too and occur in one file only. An
    area that is not known is written as that of the box. Nothing else is changed.

    Args:
        dataset: Every image has a path, a width and a height; boxes are in pixels.
        folder: An empty folder.

    Raises:
        RepriseError: There are labels of whole images, or a key is named as one of COCO's.
    """
    check_writable(dataset, "coco", crowds=True)
    check_names(dataset, "coco", "key", lambda key: key in OWN_KEYS, USED)
    categories = {name: index for index, name in enumerate(class_names(dataset), start=1)}
    files: dict[str | None, dict[str, list[Any]]] = {}
    boxes_before = 0
    for image_id, image in enumerate(dataset.images, start=1):
        copy_image(image, folder, _name(image))
        if not image.labelled:
            continue
        content = files.setdefault(image.split, {"images": [], "annotations": []})
        content["images"].append(_image(image, image_id))
        for number, box in enumerate(image.boxes, start=boxes_before + 1):
            entry = {"id": number, "image_id": image_id, "category_id": categories[box.class_name]}
            content["annotations"].append({**entry, **_annotation(box)})
        boxes_before += len(image.boxes)
    listed = [{"id": index, "name": name} for name, index in categories.items()]
    # Without any labelled image the empty file still says what the classes are.
    for split, content in (files or {None: {"images": [], "annotations": []}}).items():
        name = f"instances_{split}.json" if split else "instances.json"
        text = json.dumps({"info": {}, **content, "categories": listed}, allow_nan=False)
        write_label(folder, f"annotations/{name}", text + "\n")


def _unlikeliness(name: str) -> tuple[bool, int, str]:
    speaks = re.search(r"coco|instances|annotations|labels", posixpath.basename(name).lower())
    return speaks is None, name.count("/"), name


def _is_coco(text: bytes) -> bool:
    return text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(
        any(has_json_keys(text, [sign]) for sign in signs) for signs in _SIGNS
    )


def _name(image: ImageRecord) -> str:
    return posixpath.join("images", image.split or "", image.name)


def _image(image: ImageRecord, image_id: int) -> dict[str, Any]:
    entry = {
        "id": image_id,
        "file_name": _name(image),
        "width": image.width,
        "height": image.height,
    }
    return {**entry, **image.keys, **({"synthetic": True} if image.synthetic else {})}


def _annotation(box: BoxRecord) -> dict[str, Any]:
    return {
        "bbox": list(box.xywh),
        "area": box.area if math.isfinite(box.area) else box.xywh[2] * box.xywh[3],
        "iscrowd": box.iscrowd,
        "segmentation": box.segmentation,
    }
