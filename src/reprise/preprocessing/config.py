"""The ``data`` section of params.yaml."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from reprise.preprocessing.split.group_keys import extractor
from reprise.section import Section, worded
from reprise.sources.config import LimitsConfig, SourceConfig

Slug = Annotated[
    str,
    StringConstraints(pattern="^[a-z0-9][a-z0-9_-]{0,40}$"),
    worded(
        "a source's name has small letters, digits, - and _ only, starts with a letter or a "
        "digit, and has at most 41 characters"
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]
# The name under which generated images join the sources of params.yaml.
SYNTHETIC = "synthetic"


class SplitConfig(Section):
    """How real images are divided; synthetic ones only ever join train, uncounted."""

    train: Share = 0.7
    """Share of the real images to train on; the three shares sum to 1."""

    val: Share = 0.15
    """Share to choose the best epoch and the score threshold on."""

    test: Share = 0.15
    """Share that the reported metrics rest on; nothing is ever chosen on it."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Another seed gives another division."""

    group_by: list[str] = Field(default_factory=list)
    """Images that share the value of any entry stay in one split: a key of the label file's
    image entries (patient), folder (the folder of the image; those at the top of a source are in
    none and are not grouped), folder:N (the N-th folder on its path), or name:REGEX (the first
    capture group, searched in its path)."""

    near_duplicate_distance: Annotated[int, Field(ge=0, le=16)] | None = 2
    """Images whose 64-bit perceptual hashes differ in at most so many bits stay in one split:
    2 suits screens of one style, which differ in 4 bits or more; photographs bear 10; an
    empty value turns this off."""

    duplicates: Literal["remove", "keep"] = "remove"
    """Images with the very same pixels: remove all but one, or keep them, in one split."""

    @field_validator("group_by")
    @classmethod
    def _entries_are_usable(cls, entries: list[str]) -> list[str]:
        for entry in entries:
            extractor(entry)
        return entries

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"train, val and test must sum to 1, not {total:g}")
        return self


class EncodingConfig(Section):
    """How resized images are stored."""

    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    """JPEG quality, full colour resolution (4:4:4); lower is smaller, with visible blocks
    below 80."""


class DataConfig(Section):
    """Which images there are, how large they are stored, and how they are divided."""

    sources: Annotated[dict[Slug, SourceConfig], Field(min_length=1)]
    """Name to dataset; add an entry for each dataset of your own."""

    image_size: Annotated[int, Field(ge=32, le=8192, multiple_of=32)]
    """Longest side in pixels as stored and trained; larger finds smaller objects, slower."""

    classes: Annotated[list[str], Field(min_length=1)] | Literal["all"] = "all"
    """Class names in the order that the model numbers them, or all that the labels use."""

    split: SplitConfig | Literal["source"] = SplitConfig()
    """How real images are divided into train, val and test; or the word source, to keep the
    splits that the sources give (train, val and test folders or lists)."""

    encoding: EncodingConfig = EncodingConfig()
    """How resized images are stored."""

    limits: LimitsConfig = LimitsConfig()
    """What one source may cost."""

    @field_validator("split", mode="wrap")
    @classmethod
    def _section_or_source(cls, value: Any, _: ValidatorFunctionWrapHandler) -> Any:
        # The union by itself reports what is wrong once for each of its members.
        if value == "source" or isinstance(value, SplitConfig):
            return value
        if not isinstance(value, dict):
            raise ValueError(
                "write a section (train, val, test, ...) or the word source, which keeps the "
                "splits that the sources give"
            )
        return SplitConfig.model_validate(value)

    @field_validator("sources")
    @classmethod
    def _name_is_free(cls, sources: dict[str, SourceConfig]) -> dict[str, SourceConfig]:
        if SYNTHETIC in sources:
            raise ValueError(f"the name '{SYNTHETIC}' is taken by the synthesize stage")
        return sources

    @field_validator("classes")
    @classmethod
    def _classes_once(cls, classes: list[str] | str) -> list[str] | str:
        if isinstance(classes, list) and len(set(classes)) < len(classes):
            raise ValueError("a class is named twice")
        return classes
