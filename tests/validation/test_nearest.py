"""Each image's nearest one of another split, against comparing each with each."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reprise.validation.row_tables import nearest_in_other_splits

IMAGES = st.lists(
    st.tuples(st.integers(0, 2**8 - 1), st.sampled_from(["train", "val", "test", "other"])),
    max_size=25,
)


@given(IMAGES, st.integers(0, 8))
def test_it_is_the_first_of_the_least_different(images: list[tuple[int, str]], far: int) -> None:
    hashes = np.array([value << 13 for value, _ in images], dtype=np.uint64)
    splits = np.array([split for _, split in images], dtype=str)
    nearest, bits = nearest_in_other_splits(hashes, splits, far)
    for index, (value, split) in enumerate(images):
        apart = [
            ((value ^ other).bit_count(), place)
            for place, (other, elsewhere) in enumerate(images)
            if elsewhere not in (split, "other") and split != "other"
        ]
        least = min(apart, default=(64, -1))
        expected = least if least[0] <= far else (-1, -1)
        assert (bits[index], nearest[index]) == expected


def test_thousands_of_blank_images_in_each_split_take_neither_time_nor_memory() -> None:
    hashes = np.zeros(90_000, dtype=np.uint64)
    splits = np.repeat(["train", "val", "test"], 30_000)
    started = time.monotonic()
    nearest, bits = nearest_in_other_splits(hashes, splits, 2)
    assert set(bits.tolist()) == {0} and set(nearest.tolist()) == {0, 30_000}
    assert time.monotonic() - started < 60  # hangs, not speed
