"""The ``synthetic`` section of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from reprise.params import Section


class SyntheticConfig(Section):
    """Images that are made, not collected; they only ever join the train split."""

    generator: Literal["gui", "none"]
    """What to make: gui draws screens with labelled widgets; none makes nothing."""

    count: int = Field(ge=0, le=1_000_000)
    """How many images; more help until the drawn variety is used up, 0 makes none."""

    seed: int = Field(ge=0, lt=2**32)
    """Image k depends on this and k alone; change it for another set."""

    min_size: int = Field(default=480, ge=320, le=2048)
    """Least length in pixels of an image's longer side."""

    max_size: int = Field(default=960, ge=320, le=2048)
    """Greatest length in pixels of an image's longer side; not under min_size."""

    @model_validator(mode="after")
    def _sizes_in_order(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError("min_size must not be greater than max_size")
        return self
