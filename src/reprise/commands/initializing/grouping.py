"""Which images are related, as far as names, folders and label keys tell; and the division."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reprise.commands.initializing.fingerprint import ImageFacts
from reprise.dataset import SPLITS
from reprise.formats.split_names import named_split
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.split.group_keys import extractor
from reprise.preprocessing.split.group_split import group_split
from reprise.preprocessing.split.groups import Ties, connected
from reprise.preprocessing.split.split_images import cut_shares

# A name that ends in a number after a separator, as frames of a video or slices of a scan do.
SERIES = r"name:([^/]+?)[_. -](?:frame|frm|img|image|slice)?[_. -]?\d+\.\w+$"
# Fewer groups cannot fill three splits evenly.
LEAST_GROUPS = 10
DEEPEST = 4  # of folders
# Of COCO files and their like: they say how an image was got, not what it shows.
UNRELATED = {"license", "date_captured", "flickr_url", "coco_url", "width", "height", "depth"}


@dataclass(frozen=True)
class Candidate:
    """An entry that ``data.split.group_by`` may have.

    Attributes:
        entry: As it is written there.
        groups: Values that at least one image has.
        verdict: Why it is not taken; empty when it is.
    """

    entry: str
    groups: int
    verdict: str


def candidates(images: Sequence[ImageFacts], classes: Sequence[str]) -> list[Candidate]:
    """Every entry that groups anything, those to take without a verdict.

    Of folders the highest that serves is taken, and the series of names only where no folder
    is. Entries are taken as long as together they leave enough groups.

    Args:
        images: Usable images.
        classes: Of the dataset: a folder or prefix named like a class groups nothing.
    """
    keys = sorted({key for image in images for key in image.keys} - UNRELATED)
    depth = max((image.name.count("/") for image in images), default=0)
    places = [*(f"folder:{level}" for level in range(1, min(depth, DEEPEST) + 1)), SERIES]
    found: list[Candidate] = []
    taken: list[str] = []
    placed = False
    for entry in (*keys, *places):
        values = _values(images, entry)
        groups = len(set(values) - {None})
        # No two images share a value, or all do.
        if groups < 2 or groups >= len(images) - values.count(None):
            continue
        verdict = _verdict(values, classes)
        if not verdict and placed and entry in places:
            verdict = "a folder above it is taken"
        if not verdict and len(set(roots(images, [*taken, entry]))) < LEAST_GROUPS:
            verdict = f"with {', '.join(taken)} too few groups are left"
        if not verdict:
            taken.append(entry)
            placed = placed or entry in places
        found.append(Candidate(entry, groups, verdict))
    return found


def _values(images: Sequence[ImageFacts], entry: str) -> list[str | None]:
    value_of = extractor(entry)
    return [value_of(image.name, image.keys) for image in images]


def _verdict(values: Sequence[str | None], classes: Sequence[str]) -> str:
    """Why an entry's values do not group images well; empty when they do."""
    counts = Counter(value for value in values if value is not None)
    known = {name.lower() for name in classes}
    words = [set(re.split(r"\s*\+\s*", value.lower())) for value in counts]
    if sum(bool(parts & known) for parts in words) * 2 > len(counts):
        return "its values are the classes"
    if all(named_split(value) for value in counts):
        return "its values are splits"
    if counts.total() < 0.9 * len(values):
        return f"{len(values) - counts.total()} images have no value"
    if len(counts) < LEAST_GROUPS:
        return f"{len(counts)} values are too few for three splits"
    if max(counts.values()) * 2 > len(values):
        return "one value has more than half of the images"
    return ""


def roots(images: Sequence[ImageFacts], group_by: Sequence[str]) -> npt.NDArray[np.int64]:
    """int64, shape (n,): for each image the index of the first image of its group."""
    columns = [(entry, _values(images, entry)) for entry in group_by]
    values = [
        frozenset((entry, value) for entry, column in columns if (value := column[index]))
        for index in range(len(images))
    ]
    return connected(Ties(values, np.zeros(len(images), np.uint64), None))


def foreseen(images: Sequence[ImageFacts], split: SplitConfig | None) -> dict[str, Counter[str]]:
    """By split the objects of each class, and under the empty name the images.

    Args:
        images: Usable images.
        split: ``data.split``; None keeps the splits that the sources give, in which a missing
            one is cut from train. Images that look alike are not known yet.
    """
    places: list[str]
    if split is None:
        places = [image.split or "train" for image in images]
        split = cut_shares([name for name in ("val", "test") if name not in places])
    else:
        places = ["train"] * len(images)
    rest = [index for index, place in enumerate(places) if place == "train"]
    divided = [images[index] for index in rest]
    cut = group_split(
        roots(divided, split.group_by),
        [image.name for image in divided],
        [image.classes for image in divided],
        [None] * len(divided),
        split,
    )
    for index, place in zip(rest, cut, strict=True):
        places[index] = place
    found: dict[str, Counter[str]] = {name: Counter() for name in SPLITS}
    for image, place in zip(images, places, strict=True):
        found[place].update(image.classes)
        found[place][""] += 1
    return found
