"""Exports of labelling tools, made by hand in the form that each tool writes, of known drawings.

``python benchmarks/tool_formats.py > docs/labelling_tools.md`` prints what comes of them, and
``tests/formats/test_tool_exports.py`` holds the readers to it. Every export is of the same
pictures, with the same boxes drawn on them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from builders import picture

WIDTH, HEIGHT = 200, 160
SPLITS = ("train", "train", "train", "train", "valid", "test")
CLASSES = ("cat", "dog")


@dataclass(frozen=True)
class Drawn:
    """One picture: its name without ending, the folder of its split, and boxes by class."""

    stem: str
    split: str
    boxes: tuple[tuple[str, int, int, int, int], ...]


def drawn() -> list[Drawn]:
    """The pictures of every export; boxes are left, top, width, height in pixels."""
    return [
        Drawn(
            f"shot_{n:02d}",
            split,
            (("cat", 20 + n, 30, 60, 40), ("dog", 110, 90 + n, 50, 44)),
        )
        for n, split in enumerate(SPLITS)
    ]


def save(folder: Path, name: str, number: int) -> None:
    """One of the pictures."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number, WIDTH, HEIGHT)).save(folder / name)


def write(folder: Path, name: str, text: str) -> None:
    """A text file."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def _coco(images: list[Drawn], name: Callable[[Drawn], str], first: int, **more: Any) -> str:
    """A COCO file, with the keys that a tool adds to each annotation."""
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, start=first):
        entries.append({"id": image_id, "width": WIDTH, "height": HEIGHT, "file_name": name(image)})
        for label, x, y, w, h in image.boxes:
            annotations.append(
                {
                    "id": len(annotations) + first,
                    "image_id": image_id,
                    "category_id": CLASSES.index(label) + first,
                    "segmentation": [],
                    "area": float(w * h),
                    "bbox": [float(x), float(y), float(w), float(h)],
                    "iscrowd": 0,
                    **more,
                }
            )
    categories = [{"id": n, "name": c, "supercategory": ""} for n, c in enumerate(CLASSES, first)]
    content = {"info": {}, "images": entries, "categories": categories}
    return json.dumps({**content, "licenses": [], "annotations": annotations})


def _voc(image: Drawn, filename: str, depth: str, extra: str) -> str:
    """A VOC file; ``extra`` stands in every object."""
    objects = "".join(
        f"<object><name>{label}</name>{extra}<bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
        f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
        for label, x, y, w, h in image.boxes
    )
    return (
        f"<annotation><folder></folder><filename>{filename}</filename><source><database>Unknown"
        f"</database></source><size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>{depth}"
        f"</depth></size><segmented>0</segmented>{objects}</annotation>"
    )


def _yolo(image: Drawn) -> str:
    return "".join(
        f"{CLASSES.index(label)} {(x + w / 2) / WIDTH:.6f} {(y + h / 2) / HEIGHT:.6f} "
        f"{w / WIDTH:.6f} {h / HEIGHT:.6f}\n"
        for label, x, y, w, h in image.boxes
    )


def _mask(image: Drawn) -> np.ndarray:
    """Class numbers from 1, uint8."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for label, x, y, w, h in image.boxes:
        pixels[y : y + h, x : x + w] = CLASSES.index(label) + 1
    return pixels


def cvat_coco(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"images/default/{image.stem}.jpg", n)
    attributes = {"occluded": False, "rotation": 0.0}
    text = _coco(drawn(), lambda image: f"{image.stem}.jpg", 1, attributes=attributes)
    write(folder, "annotations/instances_default.json", text)


def cvat_voc(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"JPEGImages/{image.stem}.jpg", n)
        extra = "<occluded>0</occluded><attributes><attribute><name>rotation</name><value>0.0"
        extra += "</value></attribute></attributes>"
        text = _voc(image, f"{image.stem}.jpg", "", extra)
        write(folder, f"Annotations/{image.stem}.xml", text)
    write(folder, "ImageSets/Main/default.txt", "".join(f"{i.stem}\n" for i in drawn()))
    write(folder, "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\n"
          "cat:128,0,0::\ndog:0,128,0::\n")  # fmt: skip


def cvat_yolo(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"obj_train_data/{image.stem}.jpg", n)
        write(folder, f"obj_train_data/{image.stem}.txt", _yolo(image))
    write(folder, "obj.names", "cat\ndog\n")
    write(folder, "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    write(folder, "train.txt", "".join(f"data/obj_train_data/{i.stem}.jpg\n" for i in drawn()))


def cvat_mask(folder: Path) -> None:
    colours = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], dtype=np.uint8)
    for n, image in enumerate(drawn()):
        save(folder, f"JPEGImages/{image.stem}.jpg", n)
        for kind in ("SegmentationClass", "SegmentationObject"):
            (folder / kind).mkdir(exist_ok=True)
            pixels = Image.fromarray(colours[_mask(image)])
            pixels.save(folder / kind / f"{image.stem}.png")
    write(folder, "ImageSets/Segmentation/default.txt", "".join(f"{i.stem}\n" for i in drawn()))
    write(folder, "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\n"
          "cat:128,0,0::\ndog:0,128,0::\n")  # fmt: skip


def label_studio_coco(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"images/0a1b2c3d-{image.stem}.jpg", n)
    place = "..\\..\\label-studio\\media\\upload\\4\\0a1b2c3d-"
    text = _coco(drawn(), lambda image: f"{place}{image.stem}.jpg", 0, ignore=0)
    write(folder, "result.json", text)


def label_studio_yolo(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"images/0a1b2c3d-{image.stem}.jpg", n)
        write(folder, f"labels/0a1b2c3d-{image.stem}.txt", _yolo(image))
    write(folder, "classes.txt", "cat\ndog\n")
    categories = [{"id": n, "name": name} for n, name in enumerate(CLASSES)]
    write(folder, "notes.json", json.dumps({"categories": categories, "info": {"version": "1.0"}}))


def label_studio_voc(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"images/0a1b2c3d-{image.stem}.jpg", n)
        extra = "<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
        text = _voc(image, f"0a1b2c3d-{image.stem}", "3", extra)
        write(folder, f"Annotations/0a1b2c3d-{image.stem}.xml", text)


def roboflow_coco(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"{image.split}/{image.stem}_jpg.rf.9f8e{n}.jpg", n)
    for split in sorted(set(SPLITS)):
        names = {
            image.stem: f"{image.stem}_jpg.rf.9f8e{n}.jpg"
            for n, image in enumerate(drawn())
            if image.split == split
        }
        listed = [image for image in drawn() if image.split == split]
        content = json.loads(_coco(listed, lambda image: image.stem, 0))
        for entry in content["images"]:
            entry["file_name"] = names[entry["file_name"]]
        write(folder, f"{split}/_annotations.coco.json", json.dumps(content))
    write(folder, "README.roboflow.txt", "pets - v1\n")


def roboflow_yolo(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        stem = f"{image.stem}_jpg.rf.9f8e{n}"
        save(folder, f"{image.split}/images/{stem}.jpg", n)
        write(folder, f"{image.split}/labels/{stem}.txt", _yolo(image))
    write(folder, "data.yaml", "train: ../train/images\nval: ../valid/images\n"
          "test: ../test/images\n\nnc: 2\nnames: ['cat', 'dog']\n")  # fmt: skip
    write(folder, "README.dataset.txt", "pets\n")


def roboflow_masks(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        stem = f"{image.split}/{image.stem}_jpg.rf.9f8e{n}"
        save(folder, f"{stem}.jpg", n)
        Image.fromarray(_mask(image)).save(folder / f"{stem}_mask.png")
        text = "Pixel Value, Class\n0, background\n1, cat\n2, dog\n"
        write(folder, f"{image.split}/_classes.csv", text)


def roboflow_labels(folder: Path) -> None:
    for split in sorted(set(SPLITS)):
        rows = ["filename, cat, dog"]
        for n, image in enumerate(drawn()):
            if image.split == split:
                save(folder, f"{split}/{image.stem}_jpg.rf.9f8e{n}.jpg", n)
                rows.append(f"{image.stem}_jpg.rf.9f8e{n}.jpg, 1, 1")
        write(folder, f"{split}/_classes.csv", "\n".join(rows) + "\n")


def vott_csv(folder: Path) -> None:
    rows = ['"image","xmin","ymin","xmax","ymax","label"']
    for n, image in enumerate(drawn()):
        save(folder, f"vott-csv-export/{image.stem}.jpg", n)
        rows += [
            f'"{image.stem}.jpg",{x}.0,{y}.0,{x + w}.0,{y + h}.0,"{label}"'
            for label, x, y, w, h in image.boxes
        ]
    write(folder, "vott-csv-export/pets-export.csv", "\n".join(rows) + "\n")


def labelbox_voc(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"images/{image.stem}.jpg", n)
        objects = "".join(
            f"<object><name>{label}</name><pose>Unspecified</pose><polygon><x1>{x}</x1><y1>{y}</y1>"
            f"<x2>{x + w}</x2><y2>{y}</y2><x3>{x + w}</x3><y3>{y + h}</y3><x4>{x}</x4>"
            f"<y4>{y + h}</y4></polygon></object>"
            for label, x, y, w, h in image.boxes
        )
        text = _voc(image, f"{image.stem}.jpg", "3", "").split("<object>")[0]
        write(folder, f"Annotations/{image.stem}.xml", f"{text}{objects}</annotation>")


def vott_json(folder: Path) -> None:
    assets = {}
    for n, image in enumerate(drawn()):
        save(folder, f"vott-json-export/{image.stem}.jpg", n)
        regions = [
            {
                "id": f"r{n}{label}",
                "type": "RECTANGLE",
                "tags": [label],
                "boundingBox": {"height": h, "width": w, "left": x, "top": y},
                "points": [
                    {"x": x, "y": y},
                    {"x": x + w, "y": y},
                    {"x": x + w, "y": y + h},
                    {"x": x, "y": y + h},
                ],
            }
            for label, x, y, w, h in image.boxes
        ]
        asset = {
            "format": "jpg",
            "id": f"{n:032x}",
            "name": f"{image.stem}.jpg",
            "path": f"file:/Users/me/My%20pictures/{image.stem}.jpg",
            "size": {"width": WIDTH, "height": HEIGHT},
            "state": 2,
            "type": 1,
        }
        assets[asset["id"]] = {"asset": asset, "regions": regions, "version": "2.2.0"}
    tags = [{"name": name, "color": "#5db300"} for name in CLASSES]
    content = {"name": "pets", "version": "2.2.0", "tags": tags, "assets": assets}
    write(folder, "vott-json-export/pets-export.json", json.dumps(content))


def supervisely(folder: Path) -> None:
    for n, image in enumerate(drawn()):
        save(folder, f"ds1/img/{image.stem}.jpg", n)
        objects = [
            {
                "id": 100 * n + place,
                "classId": CLASSES.index(label),
                "description": "",
                "geometryType": "rectangle",
                "labelerLogin": "me",
                "tags": [],
                "classTitle": label,
                "points": {"exterior": [[x, y], [x + w, y + h]], "interior": []},
            }
            for place, (label, x, y, w, h) in enumerate(image.boxes)
        ]
        size = {"height": HEIGHT, "width": WIDTH}
        content = {"description": "", "tags": [], "size": size, "objects": objects}
        write(folder, f"ds1/ann/{image.stem}.jpg.json", json.dumps(content))
    classes = [{"title": name, "shape": "rectangle", "color": "#5db300"} for name in CLASSES]
    write(folder, "meta.json", json.dumps({"classes": classes, "tags": []}))


def labelbox_ndjson(folder: Path) -> None:
    rows = []
    for n, image in enumerate(drawn()):
        save(folder, f"images/{image.stem}.jpg", n)
        objects = [
            {
                "feature_id": f"cl{n}{label}",
                "name": label,
                "value": label,
                "annotation_kind": "ImageBoundingBox",
                "classifications": [],
                "bounding_box": {"top": y, "left": x, "height": h, "width": w},
            }
            for label, x, y, w, h in image.boxes
        ]
        annotations = {"objects": objects, "classifications": [], "relationships": []}
        label = {"label_kind": "Default", "version": "1.0.0", "annotations": annotations}
        rows.append(
            {
                "data_row": {
                    "id": f"ck{n}",
                    "external_id": f"{image.stem}.jpg",
                    "row_data": f"https://storage/{image.stem}.jpg",
                },
                "media_attributes": {
                    "height": HEIGHT,
                    "width": WIDTH,
                    "mime_type": "image/jpeg",
                },
                "projects": {"cl1": {"name": "pets", "labels": [label]}},
            }
        )
    write(folder, "Export-project-pets.ndjson", "".join(json.dumps(row) + "\n" for row in rows))


@dataclass(frozen=True)
class Export:
    """One export.

    Attributes:
        tool: Its tool.
        kind: What the tool calls it.
        format: Which format it must be found to be.
        write: Writes it into a folder.
        boxes: Whether it has boxes, or else labels of whole images.
    """

    tool: str
    kind: str
    format: str
    write: Callable[[Path], None]
    boxes: bool = True


EXPORTS = (
    Export("CVAT", "COCO 1.0", "coco", cvat_coco),
    Export("CVAT", "PASCAL VOC 1.1", "voc", cvat_voc),
    Export("CVAT", "YOLO 1.1", "yolo", cvat_yolo),
    Export("CVAT", "Segmentation mask 1.1", "label_masks", cvat_mask),
    Export("Label Studio", "COCO", "coco", label_studio_coco),
    Export("Label Studio", "YOLO", "yolo", label_studio_yolo),
    Export("Label Studio", "Pascal VOC XML", "voc", label_studio_voc),
    Export("Roboflow", "COCO", "coco", roboflow_coco),
    Export("Roboflow", "YOLO", "yolo", roboflow_yolo),
    Export("Roboflow", "Semantic Segmentation Masks", "label_masks", roboflow_masks),
    Export("Roboflow", "Multi-Class Classification CSV", "multilabel_csv", roboflow_labels, False),
    Export("VoTT", "CSV", "boxes_csv", vott_csv),
    Export("VoTT", "VoTT JSON", "vott", vott_json),
    Export("Supervisely", "JSON annotations and images", "supervisely", supervisely),
    Export("Labelbox", "NDJSON", "labelbox", labelbox_ndjson),
    Export("Labelbox", "VOC", "voc", labelbox_voc),
)
