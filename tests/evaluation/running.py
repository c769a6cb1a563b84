"""The evaluate stage run on a small dataset in a temporary folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from datasets import add_image, write_rows
from reprise.dataset import write_json
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.evaluate import evaluate
from reprise.predictions import write_predictions
from reprise.preprocessing.store.shards import ShardWriter

Box = tuple[int, int, list[float]]  # image, class, xywh
Label = tuple[int, int]  # image, class

# Images 1 and 2 are val, 3 and 4 are test; class 1 is a cat, 2 a dog, 3 a cow.
VAL_BOXES: list[Box] = [(1, 1, [10, 10, 50, 50])]
TEST_BOXES: list[Box] = [
    (3, 1, [10, 10, 50, 50]),
    (3, 2, [100, 100, 50, 50]),
    (4, 1, [10, 10, 20, 20]),
]


def write_dataset(
    root: Path,
    boxes: list[Box],
    crowd: list[Box] | None = None,
    shapes: dict[int, Any] | None = None,
    labels: list[Label] | None = None,
) -> None:
    """Four images of 200 by 200 pixels.

    Args:
        root: The dataset folder.
        boxes: Objects; the annotation id is the place in the list, from 1.
        crowd: Crowd regions, numbered after them.
        shapes: Annotation id -> COCO segmentation.
        labels: Classes of whole images.
    """
    shards = ShardWriter(root, "farm")
    images = [
        add_image(
            shards,
            image_id,
            "val" if image_id < 3 else "test",
            "farm" if image_id % 2 else "street",
            np.zeros((100, 100, 3), dtype=np.uint8),
            scale=2,
            name=f"{image_id}.png",
        )
        for image_id in range(1, 5)
    ]
    shards.close()
    rows = [(*row, 0) for row in boxes] + [(*row, 1) for row in crowd or []]
    annotations = [
        {
            "annotation_id": index,
            "image_id": image_id,
            "category_id": category_id,
            **dict(zip("xywh", xywh, strict=True)),
            "area": xywh[2] * xywh[3],
            "iscrowd": iscrowd,
            "segmentation": json.dumps((shapes or {}).get(index, [])),
        }
        for index, (image_id, category_id, xywh, iscrowd) in enumerate(rows, start=1)
    ]
    found = [{"image_id": image, "category_id": category} for image, category in labels or []]
    write_rows(root, ("cat", "dog", "cow"), images, annotations, found)


class Run:
    """One run of the stage in a temporary folder, with its outputs read back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "evaluation"

    def __call__(
        self,
        test: list[dict[str, Any]],
        val: list[dict[str, Any]] | None = None,
        boxes: list[Box] | None = None,
        crowd: list[Box] | None = None,
        shapes: dict[int, Any] | None = None,
        labels: list[Label] | None = None,
        model: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Run:
        if not (self.folder / "data").exists():
            objects = VAL_BOXES + TEST_BOXES if boxes is None else boxes
            write_dataset(self.folder / "data", objects, crowd, shapes, labels)
        predictions = self.folder / "predictions"
        predictions.mkdir(exist_ok=True)
        write_predictions(predictions / "test.json", test)
        write_predictions(predictions / "val.json", val or [])
        (self.folder / "models").mkdir(exist_ok=True)
        write_json(self.folder / "models" / "model.json", model or {"score_threshold": 0.5})
        evaluate(
            self.folder / "data",
            predictions,
            self.folder / "models",
            EvaluationConfig(**settings),
            self.out,
        )
        return self

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        return json.loads((self.out / "metrics.json").read_text(encoding="utf-8"))

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def confusion(self) -> dict[tuple[str, str], int]:
        rows = self.table("confusion")
        return {(row["actual"], row["predicted"]): int(row["count"]) for row in rows}

    def errors(self) -> list[tuple[str, str, str]]:
        return [(row["kind"], row["class"], row["actual"]) for row in self.table("errors")]
