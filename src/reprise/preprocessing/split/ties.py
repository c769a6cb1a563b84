"""What ties images to each other, so that they stay in one split."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reprise.errors import RepriseError
from reprise.hamming import near_between
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.split.group_keys import extractor, nothing_found
from reprise.preprocessing.split.groups import Ties


def find_ties(images: Sequence[ProcessedImage], config: SplitConfig) -> Ties:
    """What ties images into groups: copies, the entries of ``group_by``, and their looks.

    Raises:
        RepriseError: An entry of ``group_by`` groups no image.
    """
    found: list[set[tuple[str, str]]] = [
        {("digest", image.encoded.file_sha256)} for image in images
    ]
    for image, own in zip(images, found, strict=True):
        own.add(("pixels", image.encoded.sha256))
    for entry in config.group_by:
        value_of = extractor(entry)
        grouped = False
        for image, own in zip(images, found, strict=True):
            value = value_of(image.name, image.keys)
            if value is not None:
                own.add((entry, value))
                grouped = True
        if images and not grouped:
            raise _ungrouped(entry, images)
    values = [frozenset(own) for own in found]
    return Ties(values, _hashes(images), config.near_duplicate_distance)


def _ungrouped(entry: str, images: Sequence[ProcessedImage]) -> RepriseError:
    known = sorted({key for image in images for key in image.keys})
    listing = ", ".join(known) if known else "none at all"
    close = difflib.get_close_matches(entry, [*known, "folder"], n=1)
    hint = f"did you mean '{close[0]}'? Or " if close and close[0] != entry else ""
    return RepriseError(
        f"data.split.group_by names '{entry}', but {nothing_found(entry)}. The label files give "
        f"the keys: {listing}; an image is called, say, '{images[0].name}'.",
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
    synthetic: Sequence[ProcessedImage], held_out: Sequence[ProcessedImage], distance: int | None
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
    copies = {
        image.encoded.file_sha256: place for place, image in reversed(list(enumerate(held_out)))
    }
    none = len(held_out)
    resembled = np.array(
        [copies.get(image.encoded.file_sha256, none) for image in synthetic], dtype=np.int64
    )
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


def _hashes(images: Sequence[ProcessedImage]) -> npt.NDArray[np.uint64]:
    return np.array([int(image.encoded.perceptual_hash, 16) for image in images], dtype=np.uint64)
