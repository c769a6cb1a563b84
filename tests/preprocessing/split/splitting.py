"""Images to split, and what must hold of every division."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from hypothesis import strategies as st

from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.processed_image import EncodedImage, ProcessedImage
from reprise.preprocessing.split.split_images import SplitResult


def far_hash(index: int) -> str:
    """A hash that is far from every other index's."""
    return f"{random.Random(index).getrandbits(64):016x}"


def image(index: int, **more: object) -> ProcessedImage:
    key = str(more.pop("key", f"a/{index:05d}"))
    digest = str(more.pop("digest", hashlib.sha256(key.encode()).hexdigest()))
    looks = str(more.pop("perceptual_hash", far_hash(index)))
    # Pixels are as different as files unless a test says otherwise.
    pixels = str(more.pop("pixels", f"pixels of {digest}"))
    boxes = cast("Mapping[str, int]", more.pop("boxes", {}))
    classes = tuple(Counter(boxes).elements())
    encoded = EncodedImage(b"", 8, 8, 8, 8, pixels, looks, digest)
    source, _, name = key.partition("/")
    return ProcessedImage(source, name, encoded, classes=classes, **more)  # type: ignore[arg-type]


def settings(**more: object) -> SplitConfig:
    return SplitConfig.model_validate({"train": 0.6, "val": 0.2, "test": 0.2, **more})


def record(division: SplitResult) -> dict[str, str]:
    """What the next run knows of a division."""
    return {digest[:16]: split for digest, split in division.assignments.items()}


def shares(division: SplitResult) -> dict[str, float]:
    counts = Counter(division.split.values())
    return {name: count / len(division.split) for name, count in counts.items()}


@st.composite
def image_sets(draw: st.DrawFn) -> list[ProcessedImage]:
    count = draw(st.integers(30, 60))
    group = st.integers(0, 25).map(str)
    hashes = st.integers(0, 2**10 - 1).map(lambda low: f"{low << 20:016x}")
    return [
        image(
            index,
            perceptual_hash=draw(hashes) if draw(st.booleans()) else far_hash(index),
            boxes={name: draw(st.integers(0, 3)) for name in "ab"},
            keys=draw(st.dictionaries(st.sampled_from("gh"), group)),
            synthetic=draw(st.integers(0, 4)) == 0,
        )
        for index in range(count)
    ]


def assert_groups_hold(images: Sequence[ProcessedImage], division: SplitResult) -> None:
    """Real images that are tied are in one split, and in one group."""
    real = [one for one in images if not one.synthetic]
    for one in real:
        for other in real:
            apart = int(one.encoded.perceptual_hash, 16) ^ int(other.encoded.perceptual_hash, 16)
            if apart.bit_count() <= 1 or one.keys.items() & other.keys.items():
                assert division.split[one.key] == division.split[other.key]
                assert division.group[one.key] == division.group[other.key]
