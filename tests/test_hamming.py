"""Every pair of hashes within the distance is found, once, in portions of bounded size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise import hamming
from reprise.hamming import near_between, near_pairs

HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 2**6), max_size=30)


def listed(hits: object) -> list[tuple[int, int, int]]:
    return [
        tuple(map(int, found))  # type: ignore[misc]
        for portion in hits  # type: ignore[attr-defined]
        for found in zip(*portion, strict=True)
    ]


@given(HASHES, HASHES, st.integers(0, 64))
def test_near_pairs_are_all_pairs_within_the_distance(
    ones: list[int], others: list[int], distance: int
) -> None:
    between = {
        (i, j, (one ^ other).bit_count())
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
        if (one ^ other).bit_count() <= distance
    }
    left, right = np.array(ones, dtype=np.uint64), np.array(others, dtype=np.uint64)
    assert sorted(listed(near_between(left, right, distance))) == sorted(between)
    within = listed(near_pairs(left, distance))
    assert all(i < j for i, j, _ in within)
    both = [*within, *((j, i, bits) for i, j, bits in within)]
    same = [(i, i, 0) for i in range(len(ones))]
    assert sorted(both + same) == sorted(listed(near_between(left, left, distance)))


def test_blocks_cover_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "ROWS", 2)
    monkeypatch.setattr(hamming, "COLUMNS", 6)
    hashes = np.arange(50, dtype=np.uint64)
    found = listed(near_pairs(hashes, 64))
    assert sorted((i, j) for i, j, _ in found) == [
        (i, j) for i in range(50) for j in range(i + 1, 50)
    ]
    between = listed(near_between(hashes, hashes[:7], 64))
    assert sorted((i, j) for i, j, _ in between) == [(i, j) for i in range(50) for j in range(7)]


def test_portions_are_bounded() -> None:
    hashes = np.arange(6000, dtype=np.uint64)
    most = max(len(ones) for ones, _, _ in near_pairs(hashes, 64))
    assert most <= hamming.ROWS * hamming.COLUMNS
