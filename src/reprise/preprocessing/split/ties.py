"""What the division knows of an image, and what ties images to each other."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reprise.errors import RepriseError
from reprise.hamming import near_between
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.split.group_keys import extractor, nothing_found
from reprise.preprocessing.split.groups import Ties


@dataclass(frozen=True, slots=True)
class SplitImage:
    """What the division looks at.

    Attributes:
        key: Identifies the image: ``source/name``.
        digest: Content hash in hexadecimal digits: what the record knows the image by. Images
            that share it are copies, and stay together.
        perceptual_hash: 64-bit hash as 16 hexadecimal digits.
        boxes: Class name to number of boxes, or to 1 for a class of the image as a whole.
        keys: Label keys, of which ``data.split.group_by`` may name some.
        synthetic: True for an image that may only join train.
        given: The split that the image's source gives it, or None.
        pixels: Hash of the decoded pixels: images that share it stay together too; empty
            when it says no more than ``digest``.
        copies: Digests of its copies that were removed: where one of them was before, the
            image is now.
    """

    key: str
    digest: str
    perceptual_hash: str
    boxes: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False
    given: str | None = None
    pixels: str = ""
    copies: Sequence[str] = ()


def find_ties(images: Sequence[SplitImage], config: SplitConfig) -> Ties:
    """What ties images into groups: copies, the entries of ``group_by``, and their looks.

    Raises:
        RepriseError: An entry of ``group_by`` groups no image.
    """
    found: list[set[tuple[str, str]]] = [{("digest", image.digest)} for image in images]
    for image, own in zip(images, found, strict=True):
        if image.pixels:
            own.add(("pixels", image.pixels))
    for entry in config.group_by:
        value_of = extractor(entry)
        grouped = False
        for image, own in zip(images, found, strict=True):
            value = value_of(image.key.partition("/")[2], image.keys)
            if value is not None:
                own.add((entry, value))
                grouped = True
        if images and not grouped:
            raise _ungrouped(entry, images)
    values = [frozenset(own) for own in found]
    return Ties(values, _hashes(images), config.near_duplicate_distance)


def _ungrouped(entry: str, images: Sequence[SplitImage]) -> RepriseError:
    known = sorted({key for image in images for key in image.keys})
    listing = ", ".join(known) if known else "none at all"
    close = difflib.get_close_matches(entry, [*known, "folder"], n=1)
    hint = f"did you mean '{close[0]}'? Or " if close and close[0] != entry else ""
    return RepriseError(
        f"data.split.group_by names '{entry}', but {nothing_found(entry)}. The label files give "
        f"the keys: {listing}; an image is called, say, '{images[0].key.partition('/')[2]}'.",
        f"{hint}take the entry out, name another, or give images such values: in the label files, "
        "in a CSV file with group in its name (a column of image names, further columns of "
        "values), or by folders.",
    )


def partly_grouped(ties: Ties, config: SplitConfig) -> list[str]:
    """A note for each entry of ``group_by`` that says nothing of some images.

    Args:
        ties: What :func:`find_ties` returned for these settings.
        config: The settings.
    """
    notes = []
    for entry in config.group_by:
        without = sum(all(kind != entry for kind, _ in own) for own in ties.values)
        if without:
            notes.append(
                f"data.split.group_by: '{entry}' says nothing of {without} of {len(ties.values)} "
                "image(s): by it, each of these is on its own"
            )
    return notes


def resembling(
    synthetic: Sequence[SplitImage], held_out: Sequence[SplitImage], distance: int | None
) -> dict[str, str]:
    """Synthetic images that show what is held out: copies, and images that look nearly alike.

    Args:
        synthetic: Images that may only join train.
        held_out: The images of val and test.
        distance: Most differing hash bits of images that look nearly alike; None compares
            nothing.

    Returns:
        Key of the synthetic image to the key of the first image that it resembles.
    """
    copies = {image.digest: place for place, image in reversed(list(enumerate(held_out)))}
    none = len(held_out)
    resembled = np.array([copies.get(image.digest, none) for image in synthetic], dtype=np.int64)
    if distance is not None:
        made, place_of = np.unique(_hashes(synthetic), return_inverse=True)
        kept, first = np.unique(_hashes(held_out), return_index=True)
        nearest = np.full(len(made), none)
        for ones, others, _ in near_between(made, kept, distance):
            np.minimum.at(nearest, ones, first[others])
        resembled = np.minimum(resembled, nearest[place_of])
    return {
        image.key: held_out[place].key
        for image, place in zip(synthetic, resembled.tolist(), strict=True)
        if place < none
    }


def _hashes(images: Sequence[SplitImage]) -> np.ndarray:
    return np.array([int(image.perceptual_hash, 16) for image in images], dtype=np.uint64)
