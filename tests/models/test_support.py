"""What a family refuses before there is data."""

from __future__ import annotations

import pytest

from models.settings import model
from reprise.errors import RepriseError
from reprise.models.family import FAMILIES, family_class


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - {"sam"}))
def test_images_that_a_batch_norm_would_see_as_one_value_are_refused(name: str) -> None:
    with pytest.raises(RepriseError, match=r"data\.image_size: 32 is too small for "):
        family_class(name)(model(type=name), ["square", "disc"], 32)
