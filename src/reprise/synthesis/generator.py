"""What a generator of synthetic images is: the interface of the built-in ones and of your own.

``docs/generators.md`` shows how to write one.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class LabelledObject:
    """One object of a generated image: it has a box or a mask.

    Attributes:
        class_name: One of the generator's ``classes``.
        xywh: Left, top, width and height in pixels, inside the image; None with a mask, whose
            box is the tight one.
        mask: bool, shape (height, width) of the whole image; None with a box.
    """

    class_name: str
    xywh: tuple[float, float, float, float] | None = None
    mask: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class GeneratedImage:
    """An image and what it shows.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB.
        objects: Every labelled object; empty for an image without any.
        keys: Further text for the image's entry in the COCO file.
    """

    pixels: npt.NDArray[np.uint8]
    objects: Sequence[LabelledObject]
    keys: Mapping[str, str] = field(default_factory=dict)


class Generator(ABC):
    """Draws images: image k depends on ``synthetic.seed`` and k alone.

    Several processes draw, each with a generator of its own and in any order: nothing may be
    carried from one image to the next, and no other source of chance may be used.

    Args:
        longest_side: ``synthetic.min_size`` and ``max_size``: the least and the greatest length
            in pixels of an image's longer side.
    """

    classes: ClassVar[tuple[str, ...]]
    """Every class that an object may have, each once."""

    def __init__(self, longest_side: tuple[int, int]) -> None:
        self.longest_side = longest_side

    @abstractmethod
    def generate(self, rng: Random) -> GeneratedImage:
        """Draw one image.

        Args:
            rng: The only source of chance, seeded by ``synthetic.seed`` and the image's number;
                ``numpy.random.default_rng(rng.getrandbits(64))`` gives one of NumPy.
        """


def image_rng(seed: int, index: int) -> Random:
    """The source of chance of one image, independent of all others."""
    digest = hashlib.sha256(f"reprise synthetic {seed} {index}".encode()).digest()
    return Random(int.from_bytes(digest, "big"))
