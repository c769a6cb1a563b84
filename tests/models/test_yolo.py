"""The YOLO family: samples, loss and predictions in the contract's coordinates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, augmentation, model
from reprise.dataset import Dataset
from reprise.models.family import family_class
from reprise.models.yolo import Yolo, _to_original
from reprise.models.yolo_samples import EvaluationSamples, Pixels, TrainingSamples, collate

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(shapes_dataset(tmp_path_factory.mktemp("shapes"), size=IMAGE_SIZE))


def test_a_training_sample_depends_on_epoch_and_index_alone(dataset: Dataset) -> None:
    samples = TrainingSamples(Pixels(dataset, "train", IMAGE_SIZE), augmentation(), 3, 4)
    first = samples[(1, 5)]
    samples[(0, 0)]  # whatever was drawn in between
    again = samples[(1, 5)]
    other = samples[(2, 5)]
    assert torch.equal(first["img"], again["img"])
    assert torch.equal(first["bboxes"], again["bboxes"])
    assert not torch.equal(first["img"], other["img"])


def test_samples_without_augmentation_show_the_stored_image(dataset: Dataset) -> None:
    samples = TrainingSamples(
        Pixels(dataset, "train", IMAGE_SIZE), augmentation(enabled=False), 0, 1
    )
    row = dataset.split("train").iloc[0]
    stored = dataset.pixels(row["shard"], row["offset"], row["length"])
    shown = samples[(0, 0)]["img"].numpy().transpose(1, 2, 0)
    assert shown.dtype == np.uint8
    assert np.array_equal(shown[: stored.shape[0], : stored.shape[1]], stored)


def test_mosaic_closes_in_the_last_epochs(dataset: Dataset) -> None:
    pixels = Pixels(dataset, "train", IMAGE_SIZE)
    still = augmentation(
        mixup=0, rotation=0, translation=0, scale=0, hue=0, saturation=0, brightness=0,
        flip_horizontal=0, flip_vertical=0,
    )  # fmt: skip
    samples = TrainingSamples(pixels, still, seed=0, epochs=3)
    plain = TrainingSamples(pixels, augmentation(enabled=False), seed=0, epochs=3)
    assert not torch.equal(samples[(1, 0)]["img"], plain[(1, 0)]["img"])
    assert torch.equal(samples[(2, 0)]["img"], plain[(2, 0)]["img"])


def test_evaluation_boxes_return_to_original_pixels(dataset: Dataset) -> None:
    samples = EvaluationSamples(Pixels(dataset, "val", IMAGE_SIZE))
    truth = dataset.boxes_of(dataset.split("val")["image_id"])
    for index in range(len(samples)):
        sample = samples[index]
        height, width = samples.shape(index)
        assert sample["img"].shape == (3, height, width)
        centre, size = sample["bboxes"][:, :2], sample["bboxes"][:, 2:]
        corners = torch.cat([centre - size / 2, centre + size / 2], dim=1)
        corners *= torch.tensor([width, height, width, height])
        detections = torch.cat([corners, torch.ones(len(corners), 1), sample["cls"]], dim=1)
        found = _to_original(sample["image_id"], sample["placement"], detections)
        expected = truth[sample["image_id"]]
        assert np.allclose(
            [row["bbox"] for row in found], expected[["x", "y", "w", "h"]], atol=0.05
        )
        assert [row["category_id"] for row in found] == expected["category_id"].tolist()


def test_collate_counts_boxes_to_their_images(dataset: Dataset) -> None:
    samples = TrainingSamples(Pixels(dataset, "train", IMAGE_SIZE), augmentation(), 0, 2)
    chosen = [samples[(0, index)] for index in range(4)]
    batch = collate(chosen)
    assert batch["images"].shape == (4, 3, IMAGE_SIZE, IMAGE_SIZE)
    assert batch["images"].dtype == torch.uint8
    for index, sample in enumerate(chosen):
        assert (batch["batch_idx"] == index).sum() == len(sample["cls"])


@pytest.mark.parametrize("architecture", ["yolov8", "yolo11", "yolo26"])
def test_each_generation_gives_losses_that_reach_every_weight(
    dataset: Dataset, architecture: str
) -> None:
    torch.manual_seed(0)
    family = Yolo(model(architecture=architecture), dataset.class_names, IMAGE_SIZE)
    family.start_epoch(0, 2)
    samples = family.training_samples(dataset, augmentation(), seed=0, epochs=2)
    batch = family.collate([samples[(0, index)] for index in range(4)])
    family.network.train()
    losses = family.loss(family.network, batch)
    assert {"box", "cls"} <= losses.keys()
    torch.stack(list(losses.values())).sum().backward()
    untouched = [name for name, p in family.network.named_parameters() if p.grad is None]
    # The fixed projection of the distribution focal loss is the one constant.
    assert [name for name in untouched if "dfl" not in name] == []


def test_the_variant_sets_the_size(dataset: Dataset) -> None:
    def weights(variant: str) -> int:
        family = family_class("yolo")(model(variant=variant), dataset.class_names, IMAGE_SIZE)
        return sum(p.numel() for p in family.network.parameters())

    assert weights("nano") < weights("small") < weights("medium")


def test_the_library_leaves_pillow_and_torch_as_they_are() -> None:
    code = (
        "import torch, PIL.Image\nbefore = PIL.Image.open, torch.save\n"
        "import reprise.models.yolo_library\n"
        "assert (PIL.Image.open, torch.save) == before\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": SOURCE}
    )
