"""What a family refuses before there is data."""

from __future__ import annotations

import pytest

from models.settings import model
from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import family_class
from reprise.models.registry import FAMILIES
from reprise.training.check_parameters import neutral_values
from reprise.training.config import TrainingConfig


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
