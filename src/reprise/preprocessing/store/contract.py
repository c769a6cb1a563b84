"""Everything of the dataset contract but its shards: tables, COCO files, statistics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reprise.dataset import LABEL_COLUMNS, SPLITS, Category, table, write_json

if TYPE_CHECKING:
    import pandas as pd

# In the order of COCO's keys.
_BOX_COLUMNS = (
    "annotation_id", "image_id", "category_id", "x", "y", "w", "h", "area", "iscrowd",
    "segmentation",
)  # fmt: skip
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
# Rows that are written at once: more would be held in memory several times over.
_ROWS = 2**14


def write_tables(
    root: Path,
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    categories: list[Category],
    rejected: pd.DataFrame,
    labels: pd.DataFrame | None = None,
    further: Mapping[str, object] | None = None,
) -> None:
    """Write everything of a dataset but its shards.

    Args:
        root: The dataset folder.
        images: Columns IMAGE_COLUMNS, sorted by ``image_id``.
        annotations: Columns ANNOTATION_COLUMNS, sorted by ``annotation_id``.
        categories: Sorted by ``category_id``.
        rejected: Columns REJECTED_COLUMNS: the ledger.
        labels: Columns LABEL_COLUMNS; None when no image is labelled as a whole.
        further: What goes into the statistics beside counts: ``notes`` by source, what was
            decided in reading it, and ``specks``, where masks had any.
    """
    labels = table([], LABEL_COLUMNS) if labels is None else labels
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("images", images),
        ("annotations", annotations),
        ("labels", labels),
        ("rejected", rejected),
    ):
        frame.to_parquet(
            root / f"{name}.parquet", index=False, compression="zstd", row_group_size=_ROWS
        )
    entries = [{"id": item.category_id, "name": item.name} for item in categories]
    write_json(root / "categories.json", entries)
    for split in SPLITS:
        rows = images[images["split"] == split]
        _write_coco(root / "annotations" / f"{split}.json", rows, annotations, entries)
    counted = statistics(images, annotations, labels, categories, rejected)
    write_json(root / "statistics.json", {**counted, **(further or {"notes": {}})})


def _write_coco(
    path: Path, images: pd.DataFrame, annotations: pd.DataFrame, categories: list[dict[str, Any]]
) -> None:
    """One split as COCO ground truth, entry by entry: a million boxes need not be in memory."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"info": {"description": "Reprise dataset"}, "images": [')
        _write_entries(file, map(_encode, _coco_images(images)))
        file.write('], "annotations": [')
        _write_entries(file, _coco_boxes(annotations, images))
        file.write(f'], "categories": {json.dumps(categories, ensure_ascii=False)}}}\n')


def _write_entries(file: TextIO, entries: Iterator[str]) -> None:
    for place, entry in enumerate(entries):
        file.write(f", {entry}" if place else entry)


def _coco_images(images: pd.DataFrame) -> Iterator[dict[str, Any]]:
    names = ("image_id", "source", "name", "original_width", "original_height")
    columns = (images[name].tolist() for name in names)
    for image_id, source, name, width, height in zip(*columns, strict=True):
        yield {"id": image_id, "file_name": f"{source}/{name}", "width": width, "height": height}


def _coco_boxes(annotations: pd.DataFrame, images: pd.DataFrame) -> Iterator[str]:
    wanted = annotations["image_id"].isin(images["image_id"])
    for start in range(0, len(annotations), _ROWS):
        part = annotations.iloc[start : start + _ROWS]
        yield from _coco_entries(part[wanted.iloc[start : start + _ROWS]])


def _coco_entries(annotations: pd.DataFrame) -> Iterator[str]:
    """Annotations as JSON text, like that of :mod:`json`: a segmentation is such text already,
    and a finite float is written as Python writes it."""
    columns = (annotations[name].tolist() for name in _BOX_COLUMNS)
    for number, image, category, x, y, w, h, area, crowd, outline in zip(*columns, strict=True):
        yield (
            f'{{"id": {number}, "image_id": {image}, "category_id": {category}, '
            f'"bbox": [{x}, {y}, {w}, {h}], "area": {area}, "iscrowd": {crowd}, '
            f'"segmentation": {outline}}}'
        )


def statistics(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    labels: pd.DataFrame,
    categories: list[Category],
    rejected: pd.DataFrame,
) -> dict[str, Any]:
    """Counts that describe a dataset, by split, class and source."""
    by_split: dict[str, Any] = {}
    for split in SPLITS:
        rows = images[images["split"] == split]
        inside = annotations["category_id"][annotations["image_id"].isin(rows["image_id"])]
        counts = inside.value_counts()
        labelled = labels[labels["image_id"].isin(rows["image_id"])]["category_id"].value_counts()
        by_split[split] = {
            "images": len(rows),
            "synthetic_images": int(rows["synthetic"].sum()),
            "images_without_boxes": int((~rows["image_id"].isin(annotations["image_id"])).sum()),
            "groups": int(rows["group"].nunique()),
            "boxes": len(inside),
            "boxes_by_class": {c.name: int(counts.get(c.category_id, 0)) for c in categories},
            "images_by_label": {
                c.name: int(labelled.get(c.category_id, 0)) for c in categories if len(labels)
            },
        }
    sources = images.groupby("source").size()
    return {
        "splits": by_split,
        "images_by_source": {str(name): int(count) for name, count in sources.items()},
        "dropped": int((rejected["action"] == "dropped").sum()),
        "repaired": int((rejected["action"] == "repaired").sum()),
    }
