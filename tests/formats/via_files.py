"""VIA projects and exports to write for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from builders import picture
from reprise.formats.csv_tables import write_table
from reprise.formats.records import ImageRecord

Shape = dict[str, Any]
RECT = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4.5}
TRIANGLE = {"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 2, 8]}
CSV_COLUMNS = [
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]


def region(shape: Shape, **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(filename: str, *regions: dict[str, Any], size: int = -1, **about: Any) -> dict[str, Any]:
    return {"filename": filename, "size": size, "regions": list(regions), "file_attributes": about}


def export(folder: Path, *entries: dict[str, Any], name: str = "via_export.json") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    content = {f"{one['filename']}{one['size']}": one for one in entries}
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def write_csv(folder: Path, *rows: list[object], header: list[str] = CSV_COLUMNS) -> None:
    texts = [
        [cell if isinstance(cell, str | int) else json.dumps(cell) for cell in r] for r in rows
    ]
    text = write_table(header, texts)  # type: ignore[arg-type]
    (folder / "via_export.csv").write_text(text, encoding="utf-8", newline="")


def put_images(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed)).save(folder / name)


def classes_of(image: ImageRecord) -> list[str]:
    return [box.class_name for box in image.boxes]
