"""Which images belong together: a shared value, or nearly the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reprise.hamming import near_pairs

# What an image shares with others: a kind of value, such as a label key, and the value.
Value = tuple[str, str]


@dataclass(frozen=True)
class Ties:
    """What ties images to each other.

    Attributes:
        values: For each image the values that it shares with whoever has them too.
        hashes: uint64, shape (n,): perceptual hashes.
        distance: Most differing bits of images that belong together; None compares nothing.
    """

    values: Sequence[frozenset[Value]]
    hashes: npt.NDArray[np.uint64]
    distance: int | None

    def of(self, chosen: npt.NDArray[np.int64]) -> Ties:
        """The ties among some of the images, given by their indices."""
        values = [self.values[index] for index in chosen.tolist()]
        return Ties(values, self.hashes[chosen], self.distance)

    def near(self, one: int, others: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places in ``others`` (indices, int64) of the images that look nearly like ``one``."""
        if self.distance is None:
            return np.empty(0, dtype=np.int64)
        apart = np.bitwise_count(self.hashes[others] ^ self.hashes[one])
        return np.flatnonzero(apart <= self.distance)


def connected(ties: Ties) -> npt.NDArray[np.int64]:
    """Unite images that are tied, directly or through others.

    Args:
        ties: What ties them.

    Returns:
        int64, shape (n,): for each image the index of the first image of its group.
    """
    components = _Components(len(ties.values))
    components.unite(*_sharing(ties.values))
    if ties.distance is not None and len(ties.hashes):
        # Blank images have one hash by the thousand: equal hashes are united first, and one
        # image of each is compared.
        _, firsts, places = np.unique(ties.hashes, return_index=True, return_inverse=True)
        components.unite(np.arange(len(ties.hashes)), firsts[places])
        distinct = np.sort(firsts)
        for ones, others, _ in near_pairs(ties.hashes[distinct], ties.distance):
            components.unite(distinct[ones], distinct[others])
    return components.roots(np.arange(len(ties.values)))


def _sharing(
    values: Iterable[frozenset[Value]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each image beside the first one that has the same value."""
    first: dict[Value, int] = {}
    ones, others = [], []
    for index, own in enumerate(values):
        for value in own:
            ones.append(index)
            others.append(first.setdefault(value, index))
    return np.array(ones, dtype=np.int64), np.array(others, dtype=np.int64)


class _Components:
    """Connected components under growing numbers of edges, whole arrays at a time."""

    def __init__(self, count: int) -> None:
        self._parent = np.arange(count)

    def roots(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The first index of the component of each of ``indices``."""
        found = self._parent[indices]
        while not np.array_equal(found, higher := self._parent[found]):
            found = higher
        self._parent[indices] = found
        return found

    def unite(self, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> None:
        """Add an edge between each of ``ones`` and its counterpart in ``others``."""
        while len(ones):
            one, other = self.roots(ones), self.roots(others)
            apart = one != other
            ones = np.minimum(one[apart], other[apart])
            others = np.maximum(one[apart], other[apart])
            # Of several edges that end at one root the last is kept; the others, whose ends
            # are still apart, take part in the next round.
            self._parent[others] = ones
