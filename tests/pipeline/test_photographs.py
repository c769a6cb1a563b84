"""Real photographs through the whole pipeline, with only an entry in data.sources.

The label files are turned into COCO here, until readers of their own formats exist.
"""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.clone import make_clone
from reprise.dataset import Dataset

# Name, width, height, grouping key, and boxes as (class, x, y, w, h) in pixels.
Labelled = tuple[str, int, int, str, list[tuple[str, float, float, float, float]]]


def blood_cells(folder: Path) -> Iterator[Labelled]:
    for path in sorted((folder / "Annotations").glob("*.xml")):
        root = ElementTree.parse(path).getroot()

        def number(element: ElementTree.Element, name: str) -> int:
            return int(element.findtext(name) or "")

        size = root.find("size")
        assert size is not None
        boxes = []
        for item in root.iter("object"):
            box = item.find("bndbox")
            assert box is not None
            x1, y1, x2, y2 = (number(box, n) for n in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append((item.findtext("name") or "", x1, y1, x2 - x1, y2 - y1))
        name = f"JPEGImages/{path.stem}.jpg"
        yield name, number(size, "width"), number(size, "height"), path.stem, boxes


def drawn_forms(folder: Path) -> Iterator[Labelled]:
    with (folder / "derived_design_groups.csv").open() as file:
        design = {row["image"]: row["design_id"] for row in csv.DictReader(file)}
    for entry in json.loads((folder / "dataset.json").read_text()):
        name = f"images/{entry['id']}.png"
        w, h = entry["width"], entry["height"]
        boxes = [
            (r["tagName"], r["left"] * w, r["top"] * h, r["width"] * w, r["height"] * h)
            for r in entry["regions"]
        ]
        yield name, w, h, design[name], boxes


def write_coco(source: Path, labelled: Iterator[Labelled], out: Path) -> None:
    classes: dict[str, int] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for name, width, height, group, boxes in labelled:
        images.append(
            {"id": len(images) + 1, "file_name": name, "width": width, "height": height,
             "design": group}
        )  # fmt: skip
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, out / name)
        for label, x, y, w, h in boxes:
            annotations.append(
                {"id": len(annotations) + 1, "image_id": len(images), "bbox": [x, y, w, h],
                 "category_id": classes.setdefault(label, len(classes) + 1), "area": w * h,
                 "iscrowd": 0}
            )  # fmt: skip
    categories = [{"id": number, "name": name} for name, number in classes.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (out / "annotations.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "read", "images", "boxes", "degenerate"),
    [
        ("bccd_voc", blood_cells, 147, {"RBC": 1683, "Platelets": 165, "WBC": 153}, 1),
        ("gui_sketch2code", drawn_forms, 80, {"Label": 441, "Heading": 150, "Link": 14}, 0),
    ],
)
def test_photographs_become_a_trained_and_reported_model(
    repository: Path,
    shared_datasets: Path,
    tmp_path: Path,
    name: str,
    read: Callable[[Path], Iterator[Labelled]],
    images: int,
    boxes: dict[str, int],
    degenerate: int,
) -> None:
    photographs = tmp_path / "photographs"
    write_coco(shared_datasets / name, read(shared_datasets / name), photographs)
    loose = {"train": 0, "val": 0, "test": 0}
    clone = make_clone(
        repository,
        tmp_path / "clone",
        **{
            "data.sources": {"mine": {"url": str(photographs), "format": "coco"}},
            "data.split.group_by": ["design"],
            "synthetic.generator": "none",
            "expectations.min_boxes_per_class": loose,
            "training.epochs": 4,
            "training.threads": 2,
            "data.image_size": 128,
        },
    )
    clone.dvc("repro")

    data = Dataset(clone.folder / "data" / "processed")
    dropped = data.rejected[data.rejected["action"] == "dropped"]
    kept = data.annotations.merge(data.images, on="image_id")
    names = {c.category_id: c.name for c in data.categories}
    counted = kept["category_id"].map(names).value_counts()
    assert len(data.images) + (dropped["item"] == "image").sum() == images
    assert (dropped["item"] == "box").sum() == degenerate
    for label, count in boxes.items():
        short = degenerate if label == "RBC" else 0
        assert counted[label] == count - short, label
    assert kept.groupby("group")["split"].nunique().max() == 1

    losses = clone.read("reports/training/plots/metrics/val/loss.tsv").decode().splitlines()[1:]
    values = [float(line.split("\t")[1]) for line in losses]
    assert len(values) == 4
    assert values[-1] < values[0], "val loss did not fall"
    metrics = json.loads(clone.read("reports/evaluation/metrics.json"))
    assert set(metrics["test"]) >= {"mAP", "mAP50", "mAP75", "precision", "recall", "f1"}
