"""Models that are right by construction: the dataset's labels are what the network says.

Random weights, spread out so that scores differ; no training, and yet a metric that an export
which computes something else cannot reach.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from datasets import CLASSES, shapes_dataset
from models.settings import model
from reprise.dataset import Dataset
from reprise.models.family import Family, family_class
from reprise.models.inference import TorchBackend, predict_split
from reprise.models.storage import save_model
from reprise.preprocessing.store.contract import write_tables

SIZE = 64
LABELLED = 3  # objects an image, on average
MODELS: dict[str, dict[str, Any]] = {
    "yolo": {},
    "yolo_segment": {"type": "yolo", "task": "segment"},
    "yolo26": {"type": "yolo", "architecture": "yolo26"},
    "faster_rcnn": {"first_stage": {"max_proposals": 20}},
    "mask_rcnn": {"first_stage": {"max_proposals": 20}},
    "multilabel": {},
    "convnext": {"type": "multilabel", "architecture": "convnext"},
}


def make(root: Path, name: str) -> tuple[Path, Path]:
    """A dataset below ``root`` and a model folder whose predictions it has as labels."""
    values = {"type": name, "nms_iou": 0.5, "max_detections": 20, **MODELS[name]}
    config = model(**values)
    torch.manual_seed(0)
    family = family_class(config.type)(config, list(CLASSES), SIZE)
    family.network.eval()
    dataset = shapes_dataset(root / "dataset", train=1, val=4, test=6, size=SIZE, masks=True)
    spread(family, Dataset(dataset))
    label(Dataset(dataset), family)
    description = {
        "family": config.type,
        "task": family.task,
        "architecture": family.architecture,
        "classes": list(CLASSES),
        "image_size": SIZE,
        "score_threshold": 0.25,
        "parameters": {"model": config.model_dump(), "training": {"threads": 1}},
    }
    save_model(root / "models", family.network.state_dict(), description)
    return dataset, root / "models"


def spread(family: Family, data: Dataset) -> None:
    """Weights whose scores differ from image to image and from box to box."""
    network: Any = family.network
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        if family.config.type == "yolo":
            for branch in network.model[-1].cv3:
                branch[-1].weight.mul_(4)
                branch[-1].bias.fill_(-1.0)
        # Each layer of random weights makes less of what the image shows, unless its
        # statistics are those of images.
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        samples: Any = family.evaluation_samples(data, "test")
        alike = [i for i in range(len(samples)) if samples.shape(i) == (SIZE, SIZE)]
        images = family.inputs(family.collate([samples[i] for i in alike]))
        # With noise among them, so that no statistic is that of nearly equal images.
        images = torch.cat([images, torch.randint_like(images, 256), images // 4])
        family.outputs(network, images)
        for norm in norms:
            norm.eval()
        if "rcnn" in family.config.type:
            for layer in (network.rpn.head.cls_logits, network.roi_heads.box_predictor.cls_score):
                spread_logits(layer, partial(family.outputs, network, images))


def spread_logits(layer: torch.nn.Module, run: Callable[[], object]) -> None:
    """Scale a layer so that its logits have a standard deviation of 2 in one run."""
    found: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, logits: found.append(logits))
    run()
    hook.remove()
    layer.weight.mul_(2 / torch.cat([logits.flatten() for logits in found]).std())  # type: ignore


def label(data: Dataset, family: Family) -> None:
    """Put the network's best predictions in place of the dataset's annotations or labels."""
    rows: list[dict[str, Any]] = []
    for split in ("val", "test"):
        found = predict_split(family, TorchBackend(family, torch.device("cpu")), data, split, 1)
        found.sort(key=lambda row: -row["score"])
        # The best of all images together: those of each class are then the best of the class.
        images = len(data.split(split))
        rows += found[: images if family.task == "classify" else images * LABELLED]
    labels, annotations = data.labels.iloc[:0], data.annotations.iloc[:0]
    if family.task == "classify":
        kept = [(row["image_id"], row["category_id"]) for row in rows]
        labels = type(data.labels)(sorted(kept), columns=data.labels.columns)
    else:
        annotations = type(data.annotations)(
            [_annotation(number, row) for number, row in enumerate(rows, start=1)],
            columns=data.annotations.columns,
        )
    write_tables(data.root, data.images, annotations, data.categories, data.rejected, labels)


def _annotation(number: int, row: dict[str, Any]) -> dict[str, Any]:
    x, y, w, h = row["bbox"]
    return {
        "annotation_id": number,
        "image_id": row["image_id"],
        "category_id": row["category_id"],
        "x": x,
        "y": y,
        "w": w,
        "h": h,
        "area": w * h,
        "iscrowd": 0,
        "segmentation": json.dumps(row.get("segmentation", [])),
    }
