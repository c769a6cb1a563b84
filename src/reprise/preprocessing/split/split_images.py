"""Train, val and test: groups kept together, classes in proportion, nobody ever moved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from reprise.dataset import SPLITS
from reprise.errors import RepriseError
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.split.assignments import DIGITS
from reprise.preprocessing.split.conflicts import find_conflicts, reasons
from reprise.preprocessing.split.group_split import group_split
from reprise.preprocessing.split.groups import connected
from reprise.preprocessing.split.ties import find_ties, partly_grouped, resembling

Splitting = SplitConfig | Literal["source"]


@dataclass(frozen=True)
class SplitResult:
    """Where each image goes.

    Attributes:
        split: Image key to ``train``, ``val`` or ``test``; images in ``leaks`` and
            ``conflicts`` are left out.
        group: Image key to the key of its group's first image; those in ``conflicts`` are left
            out.
        conflicts: Key of a new image that would tie together groups of different splits, to
            what it would tie.
        notes: What was decided, as sentences for the console.
        leaks: Synthetic image key to the key of the val or test image that it resembles.
        assignments: Digest to split of every real image that was divided: the record for
            :func:`reprise.preprocessing.split.assignments.write_assignments`.
    """

    split: dict[str, str]
    group: dict[str, str]
    conflicts: dict[str, str]
    notes: list[str] = field(default_factory=list)
    leaks: dict[str, str] = field(default_factory=dict)
    assignments: dict[str, str] = field(default_factory=dict)


def split_section(split: Splitting) -> SplitConfig:
    """The settings in force: the section, or its defaults where the word ``source`` stands."""
    return split if isinstance(split, SplitConfig) else SplitConfig()


def settings_key(split: Splitting, images: Sequence[ProcessedImage]) -> str:
    """Hash of what decides a division apart from the images: a record is good for one key.

    Under ``data.split: source`` it holds which splits no source gives: those are the ones
    that are cut from train, and recorded.
    """
    section = split_section(split)
    decisive = {
        "shares": [section.train, section.val, section.test],
        "seed": section.seed,
        "group_by": sorted(section.group_by),
        "near_duplicate_distance": section.near_duplicate_distance,
        "cut": None if isinstance(split, SplitConfig) else _not_given(images),
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def split_images(
    images: Sequence[ProcessedImage], split: Splitting, earlier: Mapping[str, str] | None = None
) -> SplitResult:
    """Divide images over train, val and test.

    Real images that share a grouping value, are copies or look nearly alike form one group,
    and a group is never divided. An image that was divided earlier keeps its split, and new
    images of its group join it; a new image that would tie together groups of different
    splits is left out. New groups are spread by :func:`~.group_split.group_split`,
    to what is lacking counted over old and new images. Synthetic images join train and are
    not counted; one that resembles a val or test image is left out. The order of ``images``
    does not matter.

    Under ``source``, images keep the split that their source gives and others join train; a
    val or test that no source gives is cut from train, by the shares of an empty section.

    Args:
        images: All images, each key once.
        split: ``data.split``: shares, seed and grouping, or ``source``.
        earlier: First digits of content digests to splits, as
            :func:`reprise.preprocessing.split.assignments.read_assignments` returns them. The
            division that they and these images give is the same when it is made again with
            the record of its own outcome.

    Raises:
        RepriseError: A split with a share above 0 gets no image, an entry of ``group_by``
            groups no image, or two images of one group are in different splits already.
    """
    real = sorted((image for image in images if not image.synthetic), key=lambda i: i.key)
    synthetic = sorted((image for image in images if image.synthetic), key=lambda i: i.key)
    earlier = earlier or {}
    if isinstance(split, SplitConfig):
        found = _by_shares(real, split, earlier)
    else:
        found = _by_source(real, earlier)
    held_out = [image for image in real if found.split.get(image.key, "train") != "train"]
    leaks = resembling(synthetic, held_out, split_section(split).near_duplicate_distance)
    joining = {image.key: "train" for image in synthetic if image.key not in leaks}
    return replace(
        found,
        split={**found.split, **joining},
        group={**found.group, **{image.key: image.key for image in synthetic}},
        leaks=leaks,
        assignments={
            image.encoded.file_sha256: found.split[image.key]
            for image in real
            if image.key in found.split
        },
        notes=found.notes + _known_notes(real, found, earlier),
    )


def _by_shares(
    real: Sequence[ProcessedImage], config: SplitConfig, earlier: Mapping[str, str]
) -> SplitResult:
    found = _split_groups(real, config, earlier)
    _check_filled(
        found,
        config,
        "add images, name fewer keys in data.split.group_by, lower "
        "data.split.near_duplicate_distance, or set the share of this split to 0.",
    )
    given = sum(image.given_split is not None for image in real)
    if given:
        found.notes.append(
            f"{given} image(s) are in a split in their source; data.split divides them anew, "
            "data.split: source would follow it"
        )
    return found


def _by_source(real: Sequence[ProcessedImage], earlier: Mapping[str, str]) -> SplitResult:
    absent = _not_given(real)
    fixed = [image for image in real if image.given_split in ("val", "test")]
    rest = [image for image in real if image.given_split not in ("val", "test")]
    config = cut_shares(absent)
    still = {digest: name for digest, name in earlier.items() if name in ("train", *absent)}
    cut = _split_groups(rest, config, still)
    _check_filled(
        cut, config, "write a section under data.split in place of the word source, or add images."
    )
    notes = []
    unsaid = sum(image.given_split is None for image in real)
    if unsaid:
        notes.append(f"{unsaid} image(s) of which their source says no split count as train")
    for name in absent:
        count = sum(found == name for found in cut.split.values())
        notes.append(
            f"no source gives {name}: {getattr(config, name):.0%} of train is cut off for it, "
            f"{count} image(s) in whole groups"
        )
    return SplitResult(
        split={**cut.split, **{image.key: str(image.given_split) for image in fixed}},
        group={**cut.group, **{image.key: image.key for image in fixed}},
        conflicts=cut.conflicts,
        notes=notes,
    )


def _split_groups(
    real: Sequence[ProcessedImage], config: SplitConfig, earlier: Mapping[str, str]
) -> SplitResult:
    names = [image.key for image in real]
    known = [_known(image, earlier) for image in real]
    ties = find_ties(real, config)
    roots = connected(ties)
    left_out = find_conflicts(ties, roots, known, names)
    kept = sorted(set(range(len(real))) - set(left_out))
    if left_out:
        roots = connected(ties.of(np.array(kept, dtype=np.int64)))
    images = [real[index] for index in kept]
    chosen = group_split(
        roots,
        [image.key for image in images],
        [image.class_counts for image in images],
        [known[index] for index in kept],
        config,
    )
    splits: list[str | None] = [None] * len(real)
    for index, name in zip(kept, chosen, strict=True):
        splits[index] = name
    told = reasons(ties, left_out, splits, names)
    return SplitResult(
        split={image.key: name for image, name in zip(images, chosen, strict=True)},
        group={image.key: images[root].key for image, root in zip(images, roots, strict=True)},
        conflicts={names[index]: why for index, why in told.items()},
        notes=partly_grouped(ties, config),
    )


def _not_given(images: Sequence[ProcessedImage]) -> list[str]:
    given = {image.given_split for image in images if not image.synthetic}
    return [name for name in ("val", "test") if name not in given]


def cut_shares(absent: Sequence[str]) -> SplitConfig:
    """An empty section's shares for the splits that no source gives; train keeps the rest."""
    default = SplitConfig()
    val = default.val if "val" in absent else 0.0
    test = default.test if "test" in absent else 0.0
    return SplitConfig(train=1.0 - val - test, val=val, test=test)


def _known(image: ProcessedImage, earlier: Mapping[str, str]) -> str | None:
    found = (
        earlier.get(digest[:DIGITS]) for digest in (image.encoded.file_sha256, *image.duplicates)
    )
    return next((split for split in found if split is not None), None)


def _known_notes(
    real: Sequence[ProcessedImage], found: SplitResult, earlier: Mapping[str, str]
) -> list[str]:
    if not earlier:
        return []
    old = sum(_known(image, earlier) is not None for image in real)
    notes = [f"{old} image(s) keep their split of data/splits.csv, {len(real) - old} are new"]
    if found.conflicts:
        notes.append(
            f"{len(found.conflicts)} new image(s) are left out, which would tie splits together"
        )
    return notes


def _check_filled(found: SplitResult, config: SplitConfig, fix: str) -> None:
    filled = set(found.split.values())
    for name, share in zip(SPLITS, (config.train, config.val, config.test), strict=True):
        if share > 0 and name not in filled:
            groups = len(set(found.group.values()))
            raise RepriseError(
                f"the {name} split would be empty: {len(found.split)} real image(s) form only "
                f"{groups} group(s), and a group is never divided.",
                fix,
            )
