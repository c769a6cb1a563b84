"""COCO detection labels, written: one JSON file for each split."""

from __future__ import annotations

import json
import math
import posixpath
from pathlib import Path
from typing import Any

from reprise.formats.json_files import check_keys
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.formats.writing import check_writable, class_names, copy_image, write_label

# Keys of an image entry that describe the file; all others may serve to group images.
OWN_KEYS = frozenset({"id", "file_name", "width", "height", "synthetic"})


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
    check_keys(dataset, OWN_KEYS, "coco")
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
