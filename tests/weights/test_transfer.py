"""Weights of one half of the data, in their publisher's form, are a start for the other half."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from datasets import shapes_dataset
from models.settings import augmentation, folders, machine, model, training, validation
from reprise.models.yolo.library import tasks
from reprise.training.config import TrainSettings
from reprise.training.train import train
from weights.publishers import save_as_trained
from weights_stage import bring_weights

from ultralytics.utils import IterableSimpleNamespace  # isort: skip

SIZE = 64
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Case:
    """How a family is trained here.

    Attributes:
        metric: Of val, by which starts are compared.
        before: Epochs on the first half.
        after: Epochs on the second half, from either start.
        network: Changes to the ``model`` section.
        training: Changes to the ``training`` section.
        augmented: Whether images are changed.
    """

    metric: str
    before: int
    after: int
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    augmented: bool = True


TWO_STAGES = {
    "variant": "medium",
    "nms_iou": 0.5,
    "first_stage": {
        "anchor_sizes": [8, 16, 32, 64, 128], "max_proposals": 40, "sampled_proposals": 32,
    },
}  # fmt: skip
CASES = {
    "yolo": Case("mAP50", 30, 5, {}, {"learning_rate": 5e-3, "batch_size": 8}),
    "faster_rcnn": Case("mAP50", 8, 2, TWO_STAGES, {"learning_rate": 5e-4}),
    "mask_rcnn": Case("mAP50", 8, 2, TWO_STAGES, {"learning_rate": 5e-4}),
    "multilabel": Case("mAP", 20, 3, {}, {"learning_rate": 3e-4}),
    "sam": Case("mean_iou", 24, 4, {}, {"learning_rate": 1e-3}, augmented=False),
}


def half(folder: Path, seed: int, train: int) -> Path:
    """Images that no other seed has."""
    return shapes_dataset(folder, train=train, val=12, test=1, size=SIZE, seed=seed, masks=True)


def run(family: str, data: Path, folder: Path, epochs: int, seed: int, start: str | None) -> float:
    """Train; the metric on val."""
    case = CASES[family]
    settings = TrainSettings(
        model(type=family, weights={family: start}, **case.network),
        training(
            epochs=epochs, seed=seed, ema_decay=0.9, ema_warmup_steps=20,
            early_stopping={"metric": case.metric}, **case.training,
        ),
        validation(frequency=epochs, metrics=[case.metric]),
        augmentation(enabled=case.augmented, mosaic=0, mixup=0, rotation=0),
        SIZE,
    )  # fmt: skip
    train(settings, machine(), folders(data, folder))
    description = json.loads((folder / "models/model.json").read_text())
    return float(description["selection"]["value"])


def published(family: str, weights: Path, path: Path) -> str:
    """Trained weights in the form that the family's publisher gives; the file's path."""
    tensors = load_file(weights)
    if family == "yolo":
        network: Any = tasks.DetectionModel(
            tasks.yaml_model_load("yolo11n.yaml"), ch=3, nc=2, verbose=False
        )
        network.load_state_dict(tensors)
        network.names, network.task = {0: "square", 1: "disc"}, "detect"
        network.args = IterableSimpleNamespace()
        save_as_trained(network, path.with_suffix(".pt"))
        return str(path.with_suffix(".pt"))
    if family == "sam":
        save_file(tensors, path.with_suffix(".safetensors"), {"format": "pt"})
        return str(path.with_suffix(".safetensors"))
    torch.save(tensors, path.with_suffix(".pth"))
    return str(path.with_suffix(".pth"))


@pytest.mark.slow
@pytest.mark.parametrize("family", CASES)
def test_weights_of_one_half_beat_random_ones_on_the_other(tmp_path: Path, family: str) -> None:
    """At equal epochs, the worst seed of the one above the best of the other."""
    case = CASES[family]
    first, second = (half(tmp_path / str(i), i, n) for i, n in ((0, 64), (1, 16)))
    run(family, first, tmp_path / "before", case.before, 0, None)
    file = published(family, tmp_path / "before/models/model.safetensors", tmp_path / "published")
    found: dict[str | None, list[float]] = {None: [], file: []}
    for start in found:
        for seed in SEEDS:
            folder = tmp_path / f"after-{start is None}-{seed}"
            bring_weights(family, start, folder / "weights")
            found[start].append(run(family, second, folder, case.after, seed, start))
    print(f"{family}: {case.metric} from random weights {found[None]}, from these {found[file]}")
    assert min(found[file]) > max(found[None])
