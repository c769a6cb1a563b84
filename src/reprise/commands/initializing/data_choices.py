"""The sections ``data`` and ``expectations``: sources, classes, splits, what the gate asks for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.commands.initializing.choice import Choice, Wishes
from reprise.commands.initializing.fingerprint import Fingerprint
from reprise.commands.initializing.grouping import Candidate, candidates
from reprise.dataset import SPLITS
from reprise.errors import RepriseError
from reprise.preprocessing.config import SplitConfig
from reprise.validation.config import ExpectationsConfig
from reprise.validation.summary_tables import TINY


def sources(data: Fingerprint) -> Choice:
    """The entries."""
    entries = {source.name: source.entry for source in data.sources}
    reasons = "; ".join(f"{source.name}: {source.reason}" for source in data.sources)
    return Choice("data.sources", entries, reasons)


def classes(data: Fingerprint) -> Choice:
    """The list of classes, so that a misspelt one in new labels is refused."""
    return Choice("data.classes", data.classes, "as found; a new name in the labels is refused")


def splits(data: Fingerprint, wishes: Wishes) -> tuple[dict[str, Any] | None, list[Candidate]]:
    """The section of ``data.split``, None for the word ``source``; and what could group."""
    present = wishes.split or SplitConfig()
    if wishes.keeps("data.split" if wishes.split is None else "data.split.group_by"):
        return None if wishes.split is None else present.model_dump(), []
    given = Counter(image.split for image in data.images)
    if given["train"] and given["val"] and not given[None]:
        return None, []
    offered = candidates(data.images, data.classes)
    group_by = [one.entry for one in offered if not one.verdict]
    return present.model_dump() | {"group_by": group_by}, offered


def split(
    data: Fingerprint,
    splitting: dict[str, Any] | None,
    offered: Sequence[Candidate],
    whole: bool,
) -> Choice:
    """How the images are divided: the word ``source``, the ``whole`` section, or its keys."""
    if splitting is None:
        given = Counter(image.split for image in data.images)
        counts = ", ".join(f"{name} {given[name]}" for name in SPLITS if given[name])
        return Choice("data.split", "source", f"the source gives the splits: {counts}")
    told = [f"{one.entry}: {one.groups} groups" for one in offered if not one.verdict]
    told += [f"not {one.entry}, for {one.verdict}" for one in offered if one.verdict]
    reason = "; ".join(told) or "no name, folder or key tells which images are related"
    if whole:
        return Choice("data.split", splitting, reason)
    return Choice("data.split.group_by", splitting["group_by"], reason)


def expectations(data: Fingerprint, divided: Mapping[str, Counter[str]], size: int) -> list[Choice]:
    """What the gate asks for: about half of what is there, so that a loss is seen."""
    default = ExpectationsConfig()
    images = {name: divided[name][""] for name in SPLITS}
    if empty := [name for name in SPLITS if not images[name]]:
        raise RepriseError(
            f"{len(data.images)} usable image(s) do not fill train, val and test: "
            f"{', '.join(empty)} would be empty.",
            "add images or name a second source: reprise init PATH PATH.",
        )
    rarest = {
        name: min(divided[name][class_name] for class_name in data.classes) for name in SPLITS
    }
    boxes = {
        "train": min(10, rarest["train"] // 2),
        # Of few, images that look alike may take the only one to another split.
        "val": int(rarest["val"] >= 4),
        "test": int(rarest["test"] >= 4),
    }
    counts = [divided["train"][class_name] for class_name in data.classes]
    imbalance = max(counts) / max(min(counts), 1)
    background = sum(not image.classes for image in data.images) / len(data.images)
    tiny = float(np.mean(np.array(data.object_sides) * size < TINY)) if data.object_sides else 0.0
    few = len(data.images) < 50
    return [
        Choice(
            "expectations.min_images",
            {name: max(count // 2, 1) for name, count in images.items()},
            "half of the {train}, {val} and {test} that are expected".format(**images),
        ),
        Choice(
            "expectations.min_boxes_per_class",
            boxes,
            f"the rarest class has {rarest['train']} in train, {rarest['val']} in val, "
            f"{rarest['test']} in test",
        ),
        Choice(
            "expectations.max_class_imbalance",
            max(200, math.ceil(imbalance * 2)),
            f"the commonest class has {imbalance:.0f} times as many as the rarest",
        ),
        Choice(
            "expectations.max_tiny_boxes",
            round(max(0.5, min(tiny * 1.5, 1.0)), 2),
            f"{tiny:.0%} of the objects are under {TINY:g} pixels at that size",
        ),
        Choice(
            "expectations.max_size_shift",
            20 if few else 4,
            "the median box of so few images jumps" if few else "the default",
        ),
        Choice(
            "expectations.max_background",
            round(max(default.max_background, min(background * 1.3, 1.0)), 2),
            f"{background:.0%} of the images show nothing that is labelled",
        ),
    ]
