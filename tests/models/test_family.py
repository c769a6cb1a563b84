"""What a family refuses before there is data, and what its outputs promise."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from datasets import shapes_dataset
from models.settings import model
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import family_class
from reprise.models.inference import batches
from reprise.models.registry import FAMILIES
from reprise.training.check_parameters import neutral_values
from reprise.training.config import TrainingConfig

SIZE = 64


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - {"sam"}))
def test_images_that_a_batch_norm_would_see_as_one_value_are_refused(name: str) -> None:
    with pytest.raises(RepriseError, match=r"data\.image_size: 32 is too small for "):
        family_class(name)(model(type=name), ["square", "disc"], 32)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_family_supports_are_parameters_with_a_neutral_value(name: str) -> None:
    sections = {
        "model": ModelConfig,
        "training": TrainingConfig,
        "augmentation": AugmentationConfig,
    }
    known = {f"{key}.{field}" for key, kind in sections.items() for field in neutral_values(kind)}
    assert family_class(name).supported_parameters <= known


# Every task of every family, at a tiny size.
BUILT = [
    {"type": "yolo"},
    {"type": "yolo", "task": "segment"},
    {"type": "yolo", "architecture": "yolo26", "task": "segment"},
    {"type": "faster_rcnn", "first_stage": {"max_proposals": 20}},
    {"type": "mask_rcnn", "first_stage": {"max_proposals": 20}},
    {"type": "sam"},
    {"type": "multilabel"},
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shapes")
    return Dataset(shapes_dataset(folder, train=2, val=4, test=1, size=SIZE, masks=True))


@pytest.mark.parametrize("changes", BUILT, ids=lambda c: "-".join(map(str, c.values()))[:30])
def test_evaluation_predicts_what_outputs_and_decode_give(
    dataset: Dataset, changes: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    family = family_class(changes["type"])(model(**changes), dataset.class_names, SIZE)
    family.network.eval()
    samples: Any = family.evaluation_samples(dataset, "val")
    shapes = [samples.shape(index) for index in range(len(samples))]
    for indices in batches(shapes, 3):
        batch = family.collate([samples[index] for index in indices])
        with torch.inference_mode():
            _, expected = family.evaluate(family.network, batch)
            outputs = family.outputs(family.network, family.inputs(batch))
            found = family.decode(outputs, batch)
        assert isinstance(outputs, tuple)
        assert all(isinstance(output, torch.Tensor) for output in outputs)
        assert found == expected
        assert found
