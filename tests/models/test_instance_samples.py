"""Samples with boxes and masks: in place, repeatable, and always fit to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from datasets import shapes_dataset
from models.settings import augmentation
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.instance_samples import InstanceSamples, boxes_of_masks, require_masks

SIZE = 64
STRONG = augmentation(mosaic=0, mixup=0, rotation=45, translation=0.5, scale=0.7)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(shapes_dataset(tmp_path_factory.mktemp("shapes"), size=SIZE, masks=True))


def with_boxes(root: Path, boxes: list[tuple[float, float, float, float]]) -> Dataset:
    """A dataset whose first training image has these boxes, xywh in original pixels."""
    folder = shapes_dataset(root, train=1, val=1, test=1, size=SIZE)
    rows = pd.read_parquet(folder / "annotations.parquet")
    first = rows.iloc[[0]]
    changed = pd.concat([first] * len(boxes), ignore_index=True) if boxes else rows.iloc[:0]
    if boxes:
        changed[["x", "y", "w", "h"]] = np.array(boxes, dtype=np.float64)
    changed.to_parquet(folder / "annotations.parquet")
    return Dataset(folder)


def equal(first: dict, second: dict) -> bool:
    return all(
        torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key]
        for key, value in first.items()
    )


@pytest.mark.parametrize("size", [SIZE, SIZE * 2])
def test_samples_are_the_same_from_memory(dataset: Dataset, size: int) -> None:
    kept = Dataset(dataset.root)
    kept.keep_pixels("train")
    read = InstanceSamples(dataset, "train", size, True, STRONG)
    remembered = InstanceSamples(kept, "train", size, True, STRONG)
    for index in range(len(read)):
        assert equal(read[index], remembered[index])
        assert equal(read[(1, index)], remembered[(1, index)])
    masks = remembered[0]["masks"]
    assert masks.any()
    masks.zero_()
    assert equal(read[0], remembered[0])


def test_masks_that_memory_cannot_hold_are_refused(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Dataset(dataset.root)
    kept.keep_pixels("train")
    free = psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(RepriseError, match="the masks of the train split"):
        InstanceSamples(kept, "train", SIZE, masks=True)
    with pytest.raises(RepriseError, match="the images of the val split"):
        kept.keep_pixels("val")


def test_a_training_sample_depends_on_seed_epoch_and_index_alone(dataset: Dataset) -> None:
    samples = InstanceSamples(dataset, "train", SIZE, True, STRONG, seed=3)
    first = samples[(1, 5)]
    torch.manual_seed(99)
    before = torch.get_rng_state()
    other = samples[(2, 5)]  # whatever was drawn in between
    assert torch.equal(torch.get_rng_state(), before)
    assert equal(first, samples[(1, 5)])
    assert equal(first, InstanceSamples(dataset, "train", SIZE, True, STRONG, seed=3)[(1, 5)])
    assert not torch.equal(first["image"], other["image"])
    reseeded = InstanceSamples(dataset, "train", SIZE, True, STRONG, seed=4)
    assert not torch.equal(first["image"], reseeded[(1, 5)]["image"])


@pytest.mark.parametrize("image_size", [SIZE, 48, 96])
def test_boxes_come_back_to_original_pixels(dataset: Dataset, image_size: int) -> None:
    samples = InstanceSamples(dataset, "val", image_size)
    truth = dataset.boxes_of(dataset.split("val")["image_id"])
    for index in range(len(samples)):
        sample = samples[index]
        height, width = sample["image"].shape[1:]
        assert (height, width) == samples.shape(index)
        assert max(height, width) == image_size
        across, down = sample["original"][1] / width, sample["original"][0] / height
        corners = sample["boxes"].numpy() * [across, down, across, down]
        xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        expected = truth[sample["image_id"]]
        assert np.allclose(xywh, expected[["x", "y", "w", "h"]], atol=1e-3)
        assert (sample["labels"] + 1).tolist() == expected["category_id"].tolist()


def test_masks_fill_their_boxes(dataset: Dataset) -> None:
    samples = InstanceSamples(dataset, "val", SIZE, masks=True)
    for index in range(len(samples)):
        sample = samples[index]
        assert sample["masks"].dtype == torch.uint8
        assert sample["masks"].shape == (len(sample["labels"]), *sample["image"].shape[1:])
        assert (boxes_of_masks(sample["masks"]) - sample["boxes"]).abs().max() <= 1.0


def test_without_augmentation_the_stored_image_is_shown(dataset: Dataset) -> None:
    sample = InstanceSamples(dataset, "train", SIZE, True, augmentation(enabled=False))[(0, 0)]
    row = dataset.split("train").iloc[0]
    stored = dataset.pixels(row["shard"], row["offset"], row["length"])
    assert np.array_equal(sample["image"].numpy().transpose(1, 2, 0), stored)
    plain = InstanceSamples(dataset, "train", SIZE, True)[0]
    assert equal({k: v for k, v in plain.items() if k != "image"}, sample)


@pytest.mark.parametrize("masks", [False, True])
def test_what_augmentation_leaves_can_be_learnt(dataset: Dataset, masks: bool) -> None:
    samples = InstanceSamples(dataset, "train", SIZE, masks, STRONG)
    for epoch in range(20):
        for index in range(len(samples)):
            sample = samples[(epoch, index)]
            height, width = sample["image"].shape[1:]
            boxes = sample["boxes"]
            assert (height, width) == samples.shape(index)
            assert len(boxes) == len(sample["labels"])
            assert ((boxes[:, 2:] - boxes[:, :2]) >= 1).all()
            assert (boxes >= 0).all()
            assert (boxes <= torch.tensor([width, height, width, height])).all()
            if masks:
                assert torch.equal(boxes_of_masks(sample["masks"]), boxes)


def test_training_leaves_out_what_is_less_than_a_pixel(tmp_path: Path) -> None:
    tiny, good, at_edge = (50.0, 50.0, 0.001, 0.001), (10.0, 10.0, 20.0, 20.0), (127.9, 0, 0.1, 9)
    data = with_boxes(tmp_path, [tiny, good, at_edge])
    for config in (None, augmentation(enabled=False)):
        sample = InstanceSamples(data, "train", SIZE, augmentation=config)[(0, 0)]
        assert sample["boxes"].tolist() == [[5, 5, 15, 15]]
        assert len(sample["labels"]) == 1


def test_evaluation_keeps_every_object_with_some_width(tmp_path: Path) -> None:
    data = with_boxes(tmp_path, [(126.0, 90.0, 1e-9, 1e-9), (10.0, 10.0, 20.0, 20.0)])
    boxes = InstanceSamples(data, "train", SIZE)[0]["boxes"]
    assert len(boxes) == 2
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_an_image_without_objects_is_a_sample(tmp_path: Path) -> None:
    data = with_boxes(tmp_path, [])
    for config in (None, STRONG):
        sample = InstanceSamples(data, "train", SIZE, True, config)[(0, 0)]
        assert sample["boxes"].shape == (0, 4)
        assert sample["labels"].shape == (0,)
        assert sample["masks"].shape == (0, *sample["image"].shape[1:])


def test_crowd_regions_are_no_targets(tmp_path: Path) -> None:
    folder = shapes_dataset(tmp_path, train=2, val=1, test=1, size=SIZE)
    rows = pd.read_parquet(folder / "annotations.parquet")
    rows["iscrowd"] = 1
    rows.to_parquet(folder / "annotations.parquet")
    assert len(InstanceSamples(Dataset(folder), "train", SIZE)[0]["labels"]) == 0


def test_a_dataset_without_masks_is_refused_by_name(tmp_path: Path, dataset: Dataset) -> None:
    require_masks(dataset, "mask_rcnn")
    folder = shapes_dataset(tmp_path, train=2, val=1, test=1, size=SIZE, masks=True)
    rows = pd.read_parquet(folder / "annotations.parquet")
    rows.loc[rows.index[-1], "segmentation"] = json.dumps([])
    rows.to_parquet(folder / "annotations.parquet")
    with pytest.raises(RepriseError, match=f"1 of {len(rows)} objects have none.*0004.png"):
        require_masks(Dataset(folder), "mask_rcnn")
