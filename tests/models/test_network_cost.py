"""What a network costs: counted once, measured where the predict stage runs."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import ResNet18_Weights

from datasets import shapes_dataset
from models.settings import model
from reprise.dataset import Dataset
from reprise.models.family import Family, family_class
from reprise.models.inference import TorchBackend
from reprise.models.network_cost import FEWEST_RUNS, measure_latency, network_cost

CPU = torch.device("cpu")
FAMILIES: dict[str, dict[str, Any]] = {
    "yolo": {},
    "yolo segment": {"task": "segment"},
    "faster_rcnn": {"first_stage": {"max_proposals": 20}},
    "mask_rcnn": {"first_stage": {"max_proposals": 20}},
    "multilabel": {},
    "sam": {},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(shapes_dataset(tmp_path_factory.mktemp("data"), masks=True))


def opened(name: str, classes: list[str], image_size: int = 64) -> tuple[Family, TorchBackend]:
    config = model(type=name.split()[0], **FAMILIES[name])
    family = family_class(config.type)(config, classes, image_size)
    family.network.eval()
    return family, TorchBackend(family, CPU)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_counted_and_timed(data: Dataset, name: str) -> None:
    family, backend = opened(name, data.class_names)
    cost = network_cost(family, data, "test", CPU)
    assert cost["parameters"] == sum(p.numel() for p in family.network.parameters())
    assert cost["weight_bytes"] >= 4 * cost["parameters"]
    assert cost["flops"] > 2 * 64 * 64
    assert cost == network_cost(family, data, "test", CPU)

    rows = measure_latency(
        family, backend, data, "test", largest_batch=2, seconds=0, longest=math.inf
    )
    assert [row["batch_size"] for row in rows] == [1, 2]
    for row in rows:
        assert 0 < row["median_ms"] <= row["p95_ms"]
        speed = 1000 * row["batch_size"] / row["median_ms"]
        assert row["images_per_second"] == pytest.approx(speed, rel=0.01)


def test_operations_are_those_that_the_publisher_states(tmp_path: Path) -> None:
    data = Dataset(shapes_dataset(tmp_path / "data", size=224))
    family, _ = opened("multilabel", data.class_names, image_size=224)
    cost = network_cost(family, data, "test", CPU)
    published: Any = ResNet18_Weights.DEFAULT.meta
    assert cost["input"] == [224, 224]
    # torchvision counts a multiplication and its addition as one, and 1,000 classes.
    assert cost["flops"] / 2e9 == pytest.approx(published["_ops"], abs=0.002)
    fewer_classes = 1000 - len(data.class_names)
    assert cost["parameters"] == published["num_params"] - fewer_classes * 513


class Slow:
    """A backend that takes its time for each image."""

    def __init__(self, backend: TorchBackend, seconds: float) -> None:
        self.device, self.sizes = backend.device, list[int]()
        self._backend, self._seconds = backend, seconds

    def __call__(self, images: torch.Tensor) -> Any:
        time.sleep(self._seconds * len(images))
        self.sizes.append(len(images))
        return self._backend(images)


def test_batches_hold_no_more_images_than_there_are(data: Dataset) -> None:
    family, backend = opened("multilabel", data.class_names)
    rows = measure_latency(
        family, backend, data, "test", largest_batch=64, seconds=0, longest=math.inf
    )
    assert [row["batch_size"] for row in rows] == [1, 2, 4]  # of 6 images


def test_a_slow_network_is_measured_at_batch_one(data: Dataset) -> None:
    family, backend = opened("multilabel", data.class_names)
    slow = Slow(backend, 0.02)
    rows = measure_latency(family, slow, data, "test", largest_batch=64, seconds=0, longest=0.1)
    assert [row["batch_size"] for row in rows] == [1]
    assert slow.sizes == [1] * (FEWEST_RUNS + 1)  # the first warms up
    assert rows[0]["median_ms"] >= 20


def test_an_empty_split_has_no_operations(tmp_path: Path) -> None:
    data = Dataset(shapes_dataset(tmp_path / "data", val=0))
    family, backend = opened("multilabel", data.class_names)
    assert set(network_cost(family, data, "val", CPU)) == {"parameters", "weight_bytes"}
    assert measure_latency(family, backend, data, "val", largest_batch=4) == []
