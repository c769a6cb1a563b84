"""New images that would tie together groups which are in different splits already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reprise.errors import RepriseError
from reprise.preprocessing.split.groups import Ties, Value


def find_conflicts(
    ties: Ties, roots: npt.NDArray[np.int64], known: Sequence[str | None], names: Sequence[str]
) -> list[int]:
    """Which new images to leave out, so that no group has images of two splits.

    In each group that would have, images are taken one after the other: first those whose
    split is known, then the new ones, each in the order of their indices. A new image that
    touches two splits by then is left out. A second run, which knows what the first one
    took in, leaves out the same images.

    Args:
        ties: What ties the images.
        roots: int64, shape (n,): their groups, as :func:`connected` gives them.
        known: The split of each image that had one before, else None.
        names: What messages call the images.

    Returns:
        Indices of the images to leave out, ascending.

    Raises:
        RepriseError: Two images that are tied to each other are in different splits already.
    """
    splits_of: dict[int, set[str]] = {}
    for root, split in zip(roots.tolist(), known, strict=True):
        if split is not None:
            splits_of.setdefault(root, set()).add(split)
    left_out: list[int] = []
    for root in sorted(splits_of):
        if len(splits_of[root]) > 1:
            members = np.flatnonzero(roots == root).tolist()
            left_out += _TakingIn(ties, known, names).run(members)
    return sorted(left_out)


class _TakingIn:
    """The images of one group, taken in one after the other."""

    def __init__(self, ties: Ties, known: Sequence[str | None], names: Sequence[str]) -> None:
        self._ties = ties
        self._known = known
        self._names = names
        self._taken = np.empty(0, dtype=np.int64)
        self._component = np.empty(0, dtype=np.int64)
        self._split: dict[int, str | None] = {}
        self._holder: dict[Value, int] = {}

    def run(self, members: list[int]) -> list[int]:
        """Indices of the images that are left out."""
        order = sorted(members, key=lambda index: (self._known[index] is None, index))
        self._taken = np.full(len(order), -1, dtype=np.int64)
        self._component = np.full(len(order), -1, dtype=np.int64)
        count, left_out = 0, []
        for index in order:
            touched = self._touched(index, count)
            splits = {self._split[component] for component in touched} | {self._known[index]}
            splits.discard(None)
            if len(splits) > 1:
                if self._known[index] is not None:
                    raise self._contradiction(index, count)
                left_out.append(index)
                continue
            self._taken[count] = index
            self._component[count] = count
            for component in touched:
                self._component[self._component == component] = count
            self._split[count] = splits.pop() if splits else None
            for value in self._ties.values[index]:
                self._holder.setdefault(value, count)
            count += 1
        return left_out

    def _neighbours(self, index: int, count: int) -> npt.NDArray[np.int64]:
        """Places of the images taken so far that an image is tied to."""
        held = [self._holder[v] for v in self._ties.values[index] if v in self._holder]
        near = self._ties.near(index, self._taken[:count])
        return np.union1d(np.array(held, dtype=np.int64), near)

    def _touched(self, index: int, count: int) -> list[int]:
        touched: list[int] = np.unique(self._component[self._neighbours(index, count)]).tolist()
        return touched

    def _contradiction(self, index: int, count: int) -> RepriseError:
        own = self._known[index]
        places = self._neighbours(index, count).tolist()
        other = next(
            taken
            for taken in (int(self._taken[place]) for place in places)
            if self._known[taken] not in (None, own)
        )
        shared = sorted(self._ties.values[index] & self._ties.values[other])
        why = f"both have {shared[0][0]} '{shared[0][1]}'" if shared else "they look alike"
        return RepriseError(
            f"'{self._names[other]}' is in {self._known[other]} and '{self._names[index]}' in "
            f"{own}, as data/splits.csv says, but now they belong together: {why}.",
            "delete data/splits.csv to split all images anew, or put back what changed in the "
            "labels or in data.split.",
        )


def reasons(
    ties: Ties, left_out: Sequence[int], splits: Sequence[str | None], names: Sequence[str]
) -> dict[int, str]:
    """What each image that was left out would have tied together.

    Args:
        ties: What ties the images.
        left_out: Indices of the images that were left out.
        splits: The split of each image as divided, None for those left out.
        names: What messages call the images.
    """
    if not left_out:
        return {}
    placed = np.array([i for i, split in enumerate(splits) if split is not None], dtype=np.int64)
    holders: dict[Value, dict[str, int]] = {}
    for index in placed.tolist():
        for value in ties.values[index]:
            holders.setdefault(value, {}).setdefault(str(splits[index]), index)
    told = {}
    for index in left_out:
        first: dict[str, int] = {}
        near = placed[ties.near(index, placed)].tolist()
        held = [h for value in ties.values[index] for h in holders.get(value, {}).values()]
        for other in sorted({*near, *held}):
            first.setdefault(str(splits[other]), other)
        ends = [f"{names[other]} ({split})" for split, other in sorted(first.items())]
        told[index] = "would tie together " + " and ".join(ends)
    return told
