"""Which family runs on which real dataset, and the trivial answer that each must beat.

``tests/pipeline/test_families.py`` holds the runs to it; ``benchmarks/families.py`` prints
their table in ``docs/families.md``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.clone import Clone, make_clone
from real_datasets import LABELS, SMALL_SET
from reprise.dataset import Dataset
from reprise.masks.rle import encode_mask
from reprise.predictions import label_prediction, prediction
from reprise.scoring import Task, compute_metrics, score, truth_of

BLIND_BOXES = 100  # an image; COCO looks at no more

SMALL_TRAINING = {
    "training.threads": 2,
    "training.batch_size": 4,
    "training.early_stopping.enabled": False,
    "machine.workers": 1,
    "model.weights": {},
}


@dataclass(frozen=True)
class FamilyRun:
    """One family on one dataset.

    Attributes:
        family: ``model.type``.
        folder: Below ``../shared/datasets``.
        metric: Of the test split (val where there is no test), that is compared.
        margin: By how much it must beat the trivial answer's.
        entry: What the dataset's entry says beside its url.
        params: Further parameters by dotted name.
        quick: Whether it runs in the ordinary tests.
    """

    family: str
    folder: str
    metric: str
    margin: float
    entry: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    quick: bool = False

    @property
    def name(self) -> str:
        """For a test's id."""
        task = self.params.get("model.task")
        return f"{self.family}{f' to {task}' if task else ''} on {self.folder}"

    @property
    def missing(self) -> str:
        """Why it cannot run here, empty when it can."""
        if self.family == "detectron2" and importlib.util.find_spec("detectron2") is None:
            return "Detectron2 is not installed; it is optional and built from its source"
        return ""

    def start(self, repository: Path, shared: Path, folder: Path) -> Clone:
        """A clone with the run's parameters."""
        sources = {"mine": {"url": str(shared / self.folder), **self.entry}}
        return make_clone(
            repository,
            folder,
            **{
                **SMALL_SET,
                **SMALL_TRAINING,
                "data.sources": sources,
                "model.type": self.family,
                **self.params,
            },
        )


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes:
        losses: Training loss by epoch.
        value: The compared metric.
        trivial: The trivial answer's.
        split: On which both were measured.
        seconds: Of the train stage.
        memory: Peak GiB of the train stage.
    """

    losses: list[float]
    value: float
    trivial: float
    split: str
    seconds: float
    memory: float


def follow(case: FamilyRun, clone: Clone) -> Outcome:
    """Run the clone's pipeline and gather what it gave."""
    clone.dvc("repro", "validate")
    before = time.perf_counter()
    peak = _peak_of(clone)
    seconds = time.perf_counter() - before
    clone.dvc("repro")
    description = json.loads(clone.read("models/model.json"))
    data = Dataset(clone.folder / "data" / "processed")
    split = "test" if len(data.split("test")) else "val"
    metrics = json.loads(clone.read("reports/evaluation/metrics.json"))
    rows = clone.read("reports/training/plots/metrics/train/loss.tsv").decode().splitlines()[1:]
    return Outcome(
        losses=[float(row.split("\t")[1]) for row in rows],
        value=float(metrics[split][case.metric]),
        trivial=trivial(data, split, description["task"], description["prompted"])[case.metric],
        split=split,
        seconds=seconds,
        memory=peak,
    )


def _peak_of(clone: Clone) -> float:
    """Peak GiB of any one process of the train stage."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'dvc', 'repro', 'train'])\n"
        "print('PEAK', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)\n"
    )
    told = clone.run(sys.executable, "-c", code).stdout
    # Linux counts KiB.
    unit = 2**30 if os.uname().sysname == "Darwin" else 2**20
    return int(told.rpartition("PEAK ")[2].split()[0]) / unit


def trivial(data: Dataset, split: str, task: Task, prompted: bool) -> dict[str, float]:
    """Metrics of the best answer that never looks at an image.

    Boxes: train boxes, evenly chosen, at their places, every image alike, scored by how
    common their class is; as masks, filled. With prompts: the prompting box, filled. Labels:
    each class's share of the train images.
    """
    if task == "classify":
        rows = _prior_labels(data, split)
    elif prompted:
        rows = _filled_truth(data, split)
    else:
        rows = _blind_boxes(data, split, masks=task == "segment")
    return compute_metrics(score(task, truth_of(data, split, task), rows))


def _prior_labels(data: Dataset, split: str) -> list[dict[str, Any]]:
    labels = data.label_truth("train")
    total = max(len(labels["images"]), 1)
    counts = dict.fromkeys((c.category_id for c in data.categories), 0)
    for row in labels["labels"]:
        counts[row["category_id"]] += 1
    return [
        label_prediction(image_id, category_id, count / total)
        for image_id in data.split(split)["image_id"]
        for category_id, count in counts.items()
    ]


def _filled_truth(data: Dataset, split: str) -> list[dict[str, Any]]:
    sizes: Any = data.images.set_index("image_id")[["original_height", "original_width"]]
    rows = []
    box: Any
    for image_id, boxes in data.boxes_of(data.split(split)["image_id"]).items():
        height, width = (int(value) for value in sizes.loc[image_id])
        for box in boxes.itertuples():
            place = (box.x / width, box.y / height, box.w / width, box.h / height)
            mask = _filled(place, height, width)
            rows.append(
                prediction(image_id, box.category_id, (box.x, box.y, box.w, box.h), 0.5, mask)
            )
    return rows


def _blind_boxes(data: Dataset, split: str, masks: bool) -> list[dict[str, Any]]:
    train = data.annotations.merge(data.split("train"), on="image_id")
    if train.empty:
        return []
    chosen = train.iloc[:: max(len(train) // BLIND_BOXES, 1)].head(BLIND_BOXES)
    share = train["category_id"].value_counts(normalize=True)
    rows = []
    image: Any
    box: Any
    for image in data.split(split).itertuples():
        height, width = int(image.original_height), int(image.original_width)
        for box in chosen.itertuples():
            x, w = box.x / box.original_width, box.w / box.original_width
            y, h = box.y / box.original_height, box.h / box.original_height
            mask = _filled((x, y, w, h), height, width) if masks else None
            place = (x * width, y * height, w * width, h * height)
            rows.append(
                prediction(image.image_id, box.category_id, place, share[box.category_id], mask)
            )
    return rows


def _filled(place: tuple[float, float, float, float], height: int, width: int) -> dict[str, Any]:
    import numpy as np

    x, y, w, h = place
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[round(y * height) : round((y + h) * height), round(x * width) : round((x + w) * width)] = 1
    return encode_mask(mask)


CELLS = {"data.image_size": 160}
# The second stage of a region network costs most, by proposal.
FEW_PROPOSALS = {
    "model.first_stage.sampled_proposals": 64,
    "model.first_stage.max_proposals": 300,
}
FAMILY_RUNS = (
    FamilyRun("yolo", "bccd_voc", "mAP50", 0.1, params={**CELLS, "training.epochs": 30}),
    FamilyRun(
        "faster_rcnn",
        "bccd_voc",
        "mAP50",
        0.1,
        params={**CELLS, **FEW_PROPOSALS, "training.epochs": 20},
    ),
    FamilyRun(
        "detectron2",
        "bccd_voc",
        "mAP50",
        0.1,
        params={**CELLS, **FEW_PROPOSALS, "model.architecture": "faster_rcnn",
                "training.epochs": 20},
    ),
    FamilyRun(
        "multilabel", "bccd_voc", "mAP", 0.02, params={**CELLS, **LABELS, "training.epochs": 12}
    ),
    FamilyRun(
        "yolo",
        "gui_sketch2code",
        "mAP50",
        0.02,
        entry={"format": "customvision"},
        params={"data.split.group_by": ["design_id"], "data.image_size": 256,
                "training.epochs": 30},
    ),
    FamilyRun(
        "multilabel",
        "gui_sketch2code",
        "mAP",
        0.02,
        entry={"format": "customvision"},
        params={"data.split.group_by": ["design_id"], "data.image_size": 128, **LABELS,
                "training.epochs": 12},
    ),
    FamilyRun(
        "yolo",
        "nuclei_dsb2018",
        "mAP50",
        0.05,
        entry={"format": "instance_masks"},
        params={"model.task": "segment", "data.image_size": 256, "training.epochs": 100,
                "validation.frequency": 5},
    ),
    FamilyRun(
        "sam",
        "nuclei_dsb2018",
        "mean_iou",
        0.01,
        entry={"format": "instance_masks"},
        params={"data.image_size": 256, "training.epochs": 100, "validation.frequency": 10,
                "validation.metrics": ["mAP", "mAP50", "mean_iou"],
                "training.early_stopping.metric": "mean_iou", "training.learning_rate": 1e-3,
                "training.batch_size": 2},
    ),
    FamilyRun(
        "mask_rcnn",
        "road_cracks_potholes",
        "mAP50",
        0.01,
        entry={"format": "label_masks"},
        # Most regions of these masks are specks, which the gate does not pass unasked.
        params={"data.image_size": 192, **FEW_PROPOSALS, "training.epochs": 8,
                "expectations.max_rejected": 0.9},
    ),
)  # fmt: skip
