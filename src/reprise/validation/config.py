"""The ``expectations`` section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reprise.section import Section

Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]


class ImagesPerSplit(Section):
    """The fewest images that each split may hold."""

    train: PositiveCount = 1
    """Training images, synthetic ones included; raise it when training on fewer is a mistake."""
    val: PositiveCount = 1
    """Validation images; metrics of a handful of images jump from epoch to epoch."""
    test: PositiveCount = 1
    """Test images; the reported metrics rest on them."""


class BoxesPerClass(Section):
    """The fewest boxes that each class may have in a split; where images are labelled as a whole
    and there is no box, the fewest images with the label."""

    train: Count = 1
    """A class below this cannot be learned: add examples, merge it or drop it."""
    val: Count = 0
    """1 or more makes sure that every class counts when the best epoch is chosen."""
    test: Count = 0
    """1 or more makes sure that every class has a test metric."""


class ExpectationsConfig(Section):
    """What a dataset must fulfil before any training; a failure stops the pipeline."""

    min_images: ImagesPerSplit = ImagesPerSplit()
    """Fewest images by split; an empty split is always refused."""
    min_boxes_per_class: BoxesPerClass = BoxesPerClass()
    """Fewest boxes of each class by split, or images where only whole images are labelled; lower
    it only for classes you can do without."""
    max_class_imbalance: float = Field(default=200.0, ge=1)
    """Boxes, or images with the label, of the commonest class over those of the rarest, in train;
    raise it for long tails."""
    min_box_size: float = Field(default=1.0, gt=0)
    """Least width and height of a box, in pixels of the upright original; slivers are errors."""
    max_tiny_boxes: float = Field(default=0.5, ge=0, le=1)
    """Share of a split's boxes that may be under 2 px at data.image_size; cure: a larger size."""
    max_size_shift: float = Field(default=4.0, ge=1)
    """How many times larger or smaller than in train the median box of val or test may be."""
    max_background: float = Field(default=0.5, ge=0, le=1)
    """Share of a split's images that may have no box, or no label where there are labels only; 1
    allows all, 0 none."""
    max_rejected: float = Field(default=0.1, ge=0, le=1)
    """Share of a source's images, and of its boxes, that preprocessing may drop."""
    near_duplicate_distance: int | None = Field(default=2, ge=0, le=16)
    """Images of two splits must differ in more than this many of 64 hash bits; null: no check."""
