"""Train, val and test: groups kept together, classes in proportion, the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reprise.dataset import SPLITS
from reprise.errors import RepriseError
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.groups import connected, near_pairs


@dataclass(frozen=True)
class SplitImage:
    """What the division looks at.

    Attributes:
        key: Identifies the image: ``source/name``.
        perceptual_hash: 64-bit hash as 16 hexadecimal digits.
        boxes: Class name to number of boxes.
        keys: Grouping values, of which ``data.split.group_by`` names some.
        synthetic: True for an image that may only join train.
    """

    key: str
    perceptual_hash: str
    boxes: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False


@dataclass(frozen=True)
class Division:
    """Where each image goes.

    Attributes:
        split: Image key to ``train``, ``val`` or ``test``; images in ``leaks`` are left out.
        group: Image key to the key of its group's first image.
        leaks: Synthetic image key to the key of the val or test image that it resembles.
    """

    split: dict[str, str]
    group: dict[str, str]
    leaks: dict[str, str]


def divide(images: Sequence[SplitImage], config: SplitConfig) -> Division:
    """Divide images over train, val and test.

    Real images that share a grouping value or look nearly alike form one group, and a group
    is never divided. Groups are dealt out one by one, those that hold the largest part of
    any class or of all images first, each to the split that lacks most of what it holds.
    Synthetic images join train and are not counted in the shares; one that resembles a val
    or test image is left out. The order of ``images`` does not matter.

    Args:
        images: All images, each key once.
        config: Shares, seed and grouping.

    Raises:
        RepriseError: A split with a share above 0 gets no image, or a grouping key is in no
            image.
    """
    real = sorted((image for image in images if not image.synthetic), key=lambda i: i.key)
    synthetic = sorted((image for image in images if image.synthetic), key=lambda i: i.key)
    _check_keys(real, config)
    roots = connected(
        [image.keys for image in real],
        config.group_by,
        _hashes(real),
        config.near_duplicate_distance,
    )
    group = {image.key: real[root].key for image, root in zip(real, roots, strict=True)}
    chosen = _deal(real, np.array(roots, dtype=np.int64), config)
    split = {image.key: chosen[group[image.key]] for image in real}
    leaks = _leaks(synthetic, real, split, config.near_duplicate_distance)
    for image in synthetic:
        group[image.key] = image.key
        if image.key not in leaks:
            split[image.key] = "train"
    _check_filled(split, config, len(set(roots)), len(real))
    return Division(split, group, leaks)


def _hashes(images: Sequence[SplitImage]) -> np.ndarray:
    return np.array([int(image.perceptual_hash, 16) for image in images], dtype=np.uint64)


def _deal(real: Sequence[SplitImage], roots: np.ndarray, config: SplitConfig) -> dict[str, str]:
    """Group key to split, greedily."""
    if not real:
        return {}
    groups, member_of = np.unique(roots, return_inverse=True)
    counts = _counts(real)
    mass = np.zeros((len(groups), counts.shape[1]))
    np.add.at(mass, member_of, counts)
    # Every column then sums to 1: a rare class weighs as much as a common one.
    mass /= mass.sum(axis=0)
    wanted = np.array([config.train, config.val, config.test])
    lacking = wanted[:, None] * np.ones(mass.shape[1])
    keys = [real[int(index)].key for index in groups]
    order = sorted(
        range(len(groups)),
        key=lambda g: (-round(float(mass[g].sum()), 9), _tie(config.seed, keys[g])),
    )
    empty = {place for place in range(len(SPLITS)) if wanted[place] > 0}
    chosen: dict[str, str] = {}
    for dealt, index in enumerate(order):
        open_to = [place for place in range(len(SPLITS)) if wanted[place] > 0]
        if len(groups) - dealt <= len(empty):
            # As many groups are left as splits that have none.
            open_to = sorted(empty)
        need = {place: _need(lacking[place], mass[index]) for place in open_to}
        best = max(open_to, key=lambda place: (round(need[place], 12), -place))
        lacking[best] -= mass[index]
        empty.discard(best)
        chosen[keys[index]] = SPLITS[best]
    return chosen


def _need(lacking: np.ndarray, mass: np.ndarray) -> float:
    """By how much giving a group to a split lessens its squared distance from its share."""
    return float(np.sum(lacking**2 - (lacking - mass) ** 2))


def _counts(images: Sequence[SplitImage]) -> np.ndarray:
    """Shape (n, 1 + classes): 1 for the image itself, then boxes of each class that occurs.

    The first column is repeated as often as there are classes, so that the share of images
    counts as much as all classes together.
    """
    names = sorted({name for image in images for name, count in image.boxes.items() if count})
    place = {name: index for index, name in enumerate(names)}
    boxes = np.zeros((len(images), len(names)))
    for row, image in enumerate(images):
        for name, count in image.boxes.items():
            if count:
                boxes[row, place[name]] = count
    ones = np.ones((len(images), max(1, len(names))))
    return np.hstack([ones, boxes])


def _tie(seed: int, key: str) -> bytes:
    """Orders groups of one size; another group more or less does not reorder the rest."""
    return hashlib.sha256(f"{seed}/{key}".encode()).digest()


def _leaks(
    synthetic: Sequence[SplitImage],
    real: Sequence[SplitImage],
    split: Mapping[str, str],
    distance: int | None,
) -> dict[str, str]:
    if distance is None:
        return {}
    held_out = [image for image in real if split[image.key] != "train"]
    leaks: dict[str, str] = {}
    for made, kept in near_pairs(_hashes(synthetic), _hashes(held_out), distance):
        leaks.setdefault(synthetic[made].key, held_out[kept].key)
    return leaks


def _check_keys(real: Sequence[SplitImage], config: SplitConfig) -> None:
    known = sorted({key for image in real for key in image.keys})
    for key in config.group_by:
        if real and key not in known:
            listing = ", ".join(known) if known else "none at all"
            raise RepriseError(
                f"data.split.group_by names '{key}', which no image has; the label files "
                f"give: {listing}.",
                "correct the key, or add it to the image entries of the label file.",
            )


def _check_filled(split: Mapping[str, str], config: SplitConfig, groups: int, images: int) -> None:
    filled = set(split.values())
    for name, share in zip(SPLITS, (config.train, config.val, config.test), strict=True):
        if share > 0 and name not in filled:
            raise RepriseError(
                f"the {name} split would be empty: {images} real image(s) form only {groups} "
                "group(s), and a group is never divided.",
                f"add images, name fewer keys in data.split.group_by, lower "
                f"data.split.near_duplicate_distance, or set data.split.{name} to 0.",
            )
