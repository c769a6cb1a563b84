"""The tables of ``reprise predict --out``: COCO results, the pictures that they speak of, CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprise.commands.predicting.stream import Found, Refused
from reprise.dataset import write_json
from reprise.predictions import write_predictions

# Numbers of a box in the CSV file, in pixels of the upright original.
BOX = ("left", "top", "width", "height")


def write_tables(
    folder: Path, found: Sequence[Found], refused: Sequence[Refused], class_names: Sequence[str]
) -> None:
    """Write ``predictions.json``, ``images.json``, ``predictions.csv`` and ``refused.csv``.

    Args:
        folder: To write to.
        found: Of each picture; their places, from 1, are the image ids.
        refused: Pictures that could not be read; without any there is no ``refused.csv``.
        class_names: Of the model; category ids are their places, from 1.
    """
    rows = [
        {**row, "image_id": image_id}
        for image_id, one in enumerate(found, start=1)
        for row in one.rows
    ]
    write_predictions(folder / "predictions.json", rows)
    images = [
        {"id": image_id, "file_name": one.name, "width": one.width, "height": one.height}
        for image_id, one in enumerate(found, start=1)
    ]
    categories = [{"id": place, "name": name} for place, name in enumerate(class_names, start=1)]
    write_json(folder / "images.json", {"images": images, "categories": categories})
    boxed = any("bbox" in row for row in rows)
    table: list[list[Any]] = [["file_name", "class", "score", *(BOX if boxed else ())]]
    for one in found:
        for row in one.rows:
            name = class_names[row["category_id"] - 1]
            table.append([one.name, name, row["score"], *row.get("bbox", ())])
    write_csv(folder / "predictions.csv", table)
    if refused:
        lines = [[one.name, one.reason] for one in refused]
        write_csv(folder / "refused.csv", [["file_name", "reason"], *lines])


def write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    """Write a table, its first row the header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
