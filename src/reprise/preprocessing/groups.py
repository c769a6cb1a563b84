"""Which images belong together: a shared key, or nearly the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

# Hash pairs compared at once: 4 million take 32 MB.
BLOCK = 2**22


def connected(
    keys: Sequence[Mapping[str, str]],
    group_by: Iterable[str],
    hashes: np.ndarray,
    distance: int | None,
) -> list[int]:
    """Unite images that share a value of any key, or whose hashes are near.

    Args:
        keys: The grouping values of each image; an image without a key is not united by it.
        group_by: Names of the keys that count.
        hashes: uint64, shape (n,): perceptual hashes.
        distance: Most differing bits of near images; None compares nothing.

    Returns:
        For each image the index of the first image of its group.
    """
    parent = list(range(len(keys)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def unite(one: int, other: int) -> None:
        low, high = sorted((root(one), root(other)))
        parent[high] = low

    for name in group_by:
        first: dict[str, int] = {}
        for index, values in enumerate(keys):
            if name in values:
                unite(index, first.setdefault(values[name], index))
    if distance is not None:
        distinct, first_with, place = np.unique(hashes, return_index=True, return_inverse=True)
        for index, value in enumerate(place):
            unite(index, int(first_with[value]))
        for one, other in near_pairs(distinct, distinct, distance):
            unite(int(first_with[one]), int(first_with[other]))
    return [root(index) for index in range(len(keys))]


def near_pairs(queries: np.ndarray, others: np.ndarray, distance: int) -> Iterator[tuple[int, int]]:
    """Pairs of indices whose hashes differ in at most ``distance`` bits.

    Args:
        queries: uint64, shape (n,).
        others: uint64, shape (m,).
        distance: Number of bits, 0 to 64.
    """
    if len(others) == 0:
        return
    step = max(1, BLOCK // len(others))
    for start in range(0, len(queries), step):
        apart = np.bitwise_count(queries[start : start + step, None] ^ others[None, :])
        rows, columns = np.nonzero(apart <= distance)
        yield from zip((rows + start).tolist(), columns.tolist(), strict=True)
