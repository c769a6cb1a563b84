"""Groups to splits, one by one, each to the split that lacks most of what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from reprise.dataset import SPLITS
from reprise.preprocessing.config import SplitConfig


def group_split(
    roots: npt.NDArray[np.int64],
    names: Sequence[str],
    boxes: Sequence[Mapping[str, int]],
    known: Sequence[str | None],
    config: SplitConfig,
) -> list[str]:
    """The split of each image.

    Groups with a known split keep it and are counted first. The others follow, those that
    hold the largest part of any class or of all images first.

    Args:
        roots: int64, shape (n,): for each image the index of the first image of its group.
        names: A name for each image; that of a group's first image breaks ties.
        boxes: For each image class names to numbers of boxes.
        known: For each image the split that it had before, or None; one group never has two.
        config: Shares and seed.
    """
    if not len(roots):
        return []
    groups, member_of = np.unique(roots, return_inverse=True)
    mass, weight = _mass(member_of, len(groups), boxes)
    wanted = np.array([config.train, config.val, config.test])
    shares = wanted.tolist()
    lacking = np.repeat(wanted[:, None], mass.shape[1], axis=1)
    place = np.full(len(groups), -1, dtype=np.int64)
    for group, split in zip(member_of.tolist(), known, strict=True):
        if split is not None:
            place[group] = SPLITS.index(split)
    for split_place in range(len(SPLITS)):
        lacking[split_place] -= mass[place == split_place].sum(axis=0)
    fillable = [p for p in range(len(SPLITS)) if wanted[p] > 0]
    empty = set(fillable) - set(place.tolist())
    keys = [names[index] for index in groups.tolist()]
    total = mass @ weight
    weighted = mass * weight
    waiting = sorted(
        np.flatnonzero(place < 0).tolist(),
        key=lambda group: (-round(float(total[group]), 9), _tie(config.seed, keys[group])),
    )
    for done, group in enumerate(waiting):
        # As many groups are left as splits that have none: these go there.
        open_to = sorted(empty) if len(waiting) - done <= len(empty) else fillable
        gain = _gain(lacking, mass[group], weighted[group])
        need = {p: round(gain[p] / shares[p], 12) for p in open_to}
        best = max(open_to, key=lambda p: (need[p], -p))
        lacking[best] -= mass[group]
        empty.discard(best)
        place[group] = best
    return [SPLITS[p] for p in place[member_of].tolist()]


def _mass(
    member_of: npt.NDArray[np.int64], groups: int, boxes: Sequence[Mapping[str, int]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How much of everything each group holds, and how much that counts.

    Returns:
        float64, shape (groups, 1 + classes that occur): shares of all images, then of each
        class's boxes; every column sums to 1, so that a rare class weighs as much as a
        common one. And the weight of each column: images count as much as all classes.
    """
    classes = sorted({name for counts in boxes for name, count in counts.items() if count})
    place = {name: index for index, name in enumerate(classes, start=1)}
    mass = np.zeros((groups, 1 + len(classes)))
    mass[:, 0] = np.bincount(member_of, minlength=groups)
    for group, counts in zip(member_of.tolist(), boxes, strict=True):
        for name, count in counts.items():
            if count:
                mass[group, place[name]] += count
    mass /= mass.sum(axis=0)
    weight = np.ones(1 + len(classes))
    weight[0] = max(1, len(classes))
    return mass, weight


def _gain(
    lacking: npt.NDArray[np.float64],
    mass: npt.NDArray[np.float64],
    weighted: npt.NDArray[np.float64],
) -> list[float]:
    """By how much giving a group to each split lessens its squared distance from its share.

    Over the share this is the gain in chi-squared: a class that val lacks wholly counts as
    much as one that train lacks wholly, and images of train do not outvote it.

    Args:
        lacking: What each split lacks, (splits, columns of :func:`_mass`).
        mass: What the group holds, (columns,).
        weighted: ``mass`` times the columns' weights.
    """
    gain: list[float] = ((2 * lacking - mass) * weighted).sum(axis=1).tolist()
    return gain


def _tie(seed: int, key: str) -> bytes:
    """Orders groups of one size; another group more or less does not reorder the rest."""
    return hashlib.sha256(f"{seed}/{key}".encode()).digest()
