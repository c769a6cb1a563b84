"""For each image the one of another split that looks most like it."""

from __future__ import annotations

import itertools

import numpy as np

from reprise.dataset import SPLITS
from reprise.hamming import near_between

# Bits and row in one number, so that the least is the nearest, and the first among equals.
_SHIFT = 40
_NOTHING = np.iinfo(np.int64).max


def nearest_in_other_splits(
    hashes: np.ndarray, splits: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find each image's nearest one among the images of other splits.

    Args:
        hashes: uint64, shape (n,): perceptual hashes.
        splits: str, shape (n,): names of splits; others than train, val and test are left
            out.
        distance: Most bits in which two hashes may differ.

    Returns:
        Index of the nearest, the first among equals, and the bits between the two: both
        int64, shape (n,), -1 where no image of another split is near enough.
    """
    best = np.full(len(hashes), _NOTHING)
    for one, other in itertools.combinations(SPLITS, 2):
        here, there = np.flatnonzero(splits == one), np.flatnonzero(splits == other)
        # Blank images have one hash by the thousand, and need comparing only once.
        left, left_first, left_place = _distinct(hashes[here])
        right, right_first, right_place = _distinct(hashes[there])
        left_best, right_best = np.full(len(left), _NOTHING), np.full(len(right), _NOTHING)
        for rows, columns, bits in near_between(left, right, distance):
            code = bits.astype(np.int64) << _SHIFT
            np.minimum.at(left_best, rows, code | there[right_first[columns]])
            np.minimum.at(right_best, columns, code | here[left_first[rows]])
        best[here] = np.minimum(best[here], left_best[left_place])
        best[there] = np.minimum(best[there], right_best[right_place])
    found = best != _NOTHING
    return np.where(found, best & ((1 << _SHIFT) - 1), -1), np.where(found, best >> _SHIFT, -1)


def _distinct(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.unique(hashes, return_index=True, return_inverse=True)
