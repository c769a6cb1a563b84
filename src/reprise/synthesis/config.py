"""The ``synthetic`` section of params.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from reprise.section import Section
from reprise.synthesis.registry import COPY_PASTE, GENERATORS, NONE

_OWN_GENERATOR = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"


def _check_generator(name: str) -> str:
    if name not in GENERATORS and not re.fullmatch(_OWN_GENERATOR, name, re.ASCII):
        *names, last = map(repr, GENERATORS)
        raise ValueError(f"Input should be your own module:Class, {', '.join(names)} or {last}")
    return name


GeneratorName = Annotated[
    str,
    AfterValidator(_check_generator),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"enum": [*GENERATORS]}, {"pattern": f"^{_OWN_GENERATOR}$"}]}
    ),
]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Probability = Annotated[float, Field(ge=0, le=1)]


class CopyPasteConfig(Section):
    """How labelled objects of the train split are pasted onto images of the train split."""

    objects: Annotated[list[Annotated[int, Field(ge=1, le=100)]], Field(min_length=2)] = Field(
        default=[1, 8], max_length=2
    )
    """Fewest and most objects pasted on an image; those that find no place are left out."""

    choose_by: Literal["objects", "classes"] = "objects"
    """What is pasted: objects draws each object equally often, classes each class, which gives
    rare ones more examples."""

    scale: Annotated[list[Annotated[float, Field(gt=0, le=10)]], Field(min_length=2)] = Field(
        default=[0.5, 1.5], max_length=2
    )
    """Least and greatest size of a pasted object, times its own share of its image's longer
    side."""

    rotation: Annotated[float, Field(ge=0, le=180)] = 15.0
    """Turn objects that have a mask by up to so many degrees either way; those that only have
    a box stay upright."""

    flip_horizontal: Probability = 0.5
    """Chance of a left-right mirror; 0 where left and right mean something."""

    match_tone: Annotated[float, Field(ge=0, le=255)] = 40.0
    """Most levels of 255 by which an object's colours move to those around its new place; 0
    leaves a seam where pictures differ in light."""

    brightness: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Make an object brighter or darker by up to this fraction."""

    feather: Annotated[float, Field(ge=0, le=32)] = 2.0
    """Width in pixels over which an object's edge fades into its surroundings; one that only
    has a box fades over an eighth of its side at least; 0 leaves hard edges, which a network
    learns to look for."""

    max_occlusion: Probability = 0.25
    """Share of an object that pasting may cover in all, and of an unlabelled neighbour that a
    box without a mask may carry along."""

    min_object: Annotated[int, Field(ge=1, le=1024)] = 8
    """Shortest side in pixels of an object that is cut out, and of one that is pasted."""

    backgrounds: Literal["train", "empty"] = "train"
    """What is pasted on: any image of train, or only those without objects."""

    max_side: Annotated[int, Field(ge=64, le=8192)] = 1280
    """Longest side in pixels of a composed image; larger ones are slow, and more than
    data.image_size is lost."""

    @field_validator("objects", "scale")
    @classmethod
    def _in_order(cls, bounds: list[float]) -> list[float]:
        if bounds[0] > bounds[1]:
            raise ValueError("the first number must not be greater than the second")
        return bounds


class SyntheticConfig(Section):
    """Images that are made, not collected; they only ever join the train split."""

    generator: GeneratorName | Annotated[list[GeneratorName], Field(min_length=1)]
    """What to make: gui draws screens with labelled widgets; copy_paste pastes objects of your
    own train images; module:Class is a generator of yours in src/ (docs/generators.md); none
    makes nothing; a list makes several kinds."""

    count: Count | dict[str, Count]
    """How many images of each generator, or generator: number; more help until their variety
    is used up, 0 makes none."""

    seed: int = Field(ge=0, lt=2**32)
    """Image k depends on this and k alone; change it for another set."""

    min_size: int = Field(default=480, ge=320, le=2048)
    """Least length in pixels of a drawn image's longer side."""

    max_size: int = Field(default=960, ge=320, le=2048)
    """Greatest length in pixels of a drawn image's longer side; not under min_size."""

    copy_paste: CopyPasteConfig = CopyPasteConfig()
    """How copy_paste makes images; the other generators ignore it."""

    def generators(self) -> list[str]:
        """The chosen generators in the order of params.yaml; empty for none."""
        chosen = [self.generator] if isinstance(self.generator, str) else self.generator
        return [name for name in chosen if name != NONE]

    def drawn_generators(self) -> list[str]:
        """Of these, the ones that the synthesize stage runs."""
        return [name for name in self.generators() if GENERATORS.get(name, name) is not None]

    def count_of(self, name: str) -> int:
        """How many images a generator is to make; 0 for one that is not chosen."""
        if name not in self.generators():
            return 0
        return self.count[name] if isinstance(self.count, dict) else self.count

    def copy_paste_count(self) -> int:
        """How many images the preprocess stage is to compose."""
        return self.count_of(COPY_PASTE)

    @model_validator(mode="after")
    def _sizes_in_order(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError("min_size must not be greater than max_size")
        return self

    @model_validator(mode="after")
    def _generators_once(self) -> Self:
        if isinstance(self.generator, list):
            if len(set(self.generator)) < len(self.generator):
                raise ValueError("generator names one twice")
            if NONE in self.generator and len(self.generator) > 1:
                raise ValueError("generator names none beside others")
        return self

    @model_validator(mode="after")
    def _counts_belong_to_generators(self) -> Self:
        if isinstance(self.count, dict) and set(self.count) != set(self.generators()):
            chosen = ", ".join(self.generators()) or "none at all"
            given = ", ".join(self.count) or "nothing"
            raise ValueError(f"count must name the chosen generators ({chosen}), not {given}")
        return self
