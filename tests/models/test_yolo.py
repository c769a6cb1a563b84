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
from reprise.errors import RepriseError
from reprise.models.family import family_class
from reprise.models.loss import mean_losses
from reprise.models.yolo.family import Yolo, _to_original
from reprise.models.yolo.samples import EvaluationSamples, Pixels, TrainingSamples, collate

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shapes")
    return Dataset(shapes_dataset(folder, size=IMAGE_SIZE, masks=True))


def built(dataset: Dataset, architecture: str, task: str) -> Yolo:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = model(architecture=architecture, task=task)
    family = Yolo(config, dataset.class_names, IMAGE_SIZE)
    family.start_epoch(0, 2)
    return family


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


def test_contrast_blur_and_noise_change_pixels_alone(dataset: Dataset) -> None:
    pixels = Pixels(dataset, "train", IMAGE_SIZE)
    still = {
        "mosaic": 0, "mixup": 0, "rotation": 0, "translation": 0, "scale": 0, "hue": 0,
        "saturation": 0, "brightness": 0, "flip_horizontal": 0, "flip_vertical": 0,
    }  # fmt: skip
    plain = TrainingSamples(pixels, augmentation(**still), 0, 1)[(0, 0)]
    means = {}
    for name in ("contrast", "blur", "noise"):
        samples = TrainingSamples(pixels, augmentation(**still, **{name: 1.0}), 0, 1)
        changed, again = samples[(0, 0)], samples[(0, 0)]
        assert torch.equal(changed["img"], again["img"])
        assert not torch.equal(changed["img"], plain["img"])
        assert torch.equal(changed["bboxes"], plain["bboxes"])
        means[name] = float((changed["img"].float() - plain["img"].float()).abs().mean())
    # Of 0.03 standard deviation the mean size is 0.024; the rest is a slight change too.
    assert means["noise"] == pytest.approx(0.024 * 255, rel=0.1)
    assert 0 < means["blur"] < 20


@pytest.mark.parametrize("task", ["detect", "segment"])
@pytest.mark.parametrize("architecture", ["yolov8", "yolo11", "yolo26"])
def test_each_generation_gives_losses_that_reach_every_weight(
    dataset: Dataset, architecture: str, task: str
) -> None:
    family = built(dataset, architecture, task)
    samples = family.training_samples(dataset, augmentation(), seed=0, epochs=2)
    batch = family.collate([samples[(0, index)] for index in range(4)])
    family.network.train()
    losses = mean_losses(family.loss(family.network, batch))
    expected = {"box", "cls", "l1" if architecture == "yolo26" else "dfl"}
    if task == "segment":
        expected |= {"seg", "sem"} if architecture == "yolo26" else {"seg"}
    assert losses.keys() == expected
    torch.stack(list(losses.values())).sum().backward()
    untouched = [name for name, p in family.network.named_parameters() if p.grad is None]
    # The fixed projection of the distribution focal loss is the one constant.
    assert [name for name in untouched if "dfl" not in name] == []


@pytest.mark.parametrize("architecture", ["yolo11", "yolo26"])
def test_images_without_objects_have_a_loss_too(dataset: Dataset, architecture: str) -> None:
    family = built(dataset, architecture, "segment")
    samples = family.training_samples(dataset, augmentation(enabled=False), seed=0, epochs=2)
    sample = samples[(0, 0)]
    sample |= {key: sample[key][:0] for key in ("cls", "bboxes")}
    sample |= {key: torch.zeros_like(sample[key]) for key in ("masks", "sem_masks")}
    losses = mean_losses(family.loss(family.network.train(), family.collate([sample, sample])))
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert torch.isfinite(total)


@pytest.mark.parametrize("task", ["detect", "segment"])
@pytest.mark.parametrize("architecture", ["yolo11", "yolo26"])
def test_a_wrapped_network_evaluates_as_the_bare_one(
    dataset: Dataset, tmp_path: Path, architecture: str, task: str
) -> None:
    """torch wraps the network of each process; it then answers to nothing but a call."""
    family = built(dataset, architecture, task)
    samples = family.evaluation_samples(dataset, "val")
    batch = family.collate([samples[0], samples[1]])
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(family.network)
        wrapped.train()
        torch.stack(list(mean_losses(family.loss(wrapped, batch)).values())).sum().backward()
        wrapped.eval()
        with torch.inference_mode():
            bare, found = (family.evaluate(n, batch) for n in (family.network, wrapped))
    finally:
        torch.distributed.destroy_process_group()
    assert bare[0] == found[0]
    assert bare[1] == found[1]
    assert bare[1]
    assert all(("segmentation" in row) == (task == "segment") for row in bare[1])
    assert "sem" not in {part.name for part in bare[0]}  # its head is there in training alone


def test_masks_are_asked_of_the_dataset_before_training(tmp_path: Path) -> None:
    boxes = Dataset(shapes_dataset(tmp_path, train=2, val=1, test=1, size=IMAGE_SIZE))
    built(boxes, "yolo11", "detect").prepare(boxes, 0.0)
    with pytest.raises(RepriseError, match=r"yolo \(model.task: segment\) learns masks"):
        built(boxes, "yolo11", "segment").prepare(boxes, 0.0)


def test_copy_paste_is_refused_where_there_are_no_masks(dataset: Dataset) -> None:
    family = built(dataset, "yolo11", "detect")
    with pytest.raises(RepriseError, match=r"augmentation\.copy_paste"):
        family.training_samples(dataset, augmentation(copy_paste=0.5), 0, 2)
    family.training_samples(dataset, augmentation(copy_paste=0.5, enabled=False), 0, 2)


@pytest.mark.parametrize("task", ["detect", "segment"])
@pytest.mark.parametrize("architecture", ["yolov8", "yolo11", "yolo26"])
def test_the_backbone_is_what_comes_before_neck_and_head(
    dataset: Dataset, architecture: str, task: str
) -> None:
    family = built(dataset, architecture, task)
    last = family.backbone()[-1]
    assert type(last).__name__ == ("SPPF" if architecture == "yolov8" else "C2PSA")
    frozen = {id(p) for module in family.backbone() for p in module.parameters()}
    share = sum(p.numel() for p in family.network.parameters() if id(p) in frozen)
    assert 0.3 < share / sum(p.numel() for p in family.network.parameters()) < 0.8


def test_the_variant_sets_the_size(dataset: Dataset) -> None:
    def weights(variant: str) -> int:
        family = family_class("yolo")(model(variant=variant), dataset.class_names, IMAGE_SIZE)
        return sum(p.numel() for p in family.network.parameters())

    assert weights("nano") < weights("small") < weights("medium")


def test_the_library_leaves_pillow_and_torch_as_they_are() -> None:
    code = (
        "import torch, PIL.Image\nbefore = PIL.Image.open, torch.save\n"
        "import reprise.models.yolo.library\n"
        "assert (PIL.Image.open, torch.save) == before\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": SOURCE}
    )


def test_the_targets_of_a_batch_are_told_in_its_pixels(dataset: Dataset) -> None:
    family = Yolo(model(), dataset.class_names, IMAGE_SIZE)
    batch = {
        "images": torch.zeros((2, 3, 320, 640), dtype=torch.uint8),
        "cls": torch.tensor([[1.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.25, 0.5]]),
        "batch_idx": torch.tensor([1.0]),
    }
    assert family.target_boxes(batch) == [[], [(1, 240.0, 80.0, 400.0, 240.0)]]
