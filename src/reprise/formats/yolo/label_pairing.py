"""Which label file is an image's: by place first, then by folders that differ in their words.

The label file of ``images/a/b.jpg`` is ``labels/a/b.txt`` (the last folder ``images`` counts) or,
failing that, ``images/a/b.txt``. Images and label files that are left are paired where both have
one name, in any letter case and Unicode form and with %20 for a space, and no other of theirs has
it: first those in folders that are named alike but for ROLE_WORDS (``JPEGImages`` and ``labels``,
``train`` and ``train_labels``), then those in any folder most of whose text files have the names
of images.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from reprise.formats.name_matching import IMAGE_SUFFIXES, folded

ROLE_WORDS = frozenset(
    {"image", "images", "img", "imgs", "jpegimages", "photo", "photos", "picture", "pictures"}
    | {"label", "labels", "annotation", "annotations", "ann", "anns", "txt", "yolo"}
)
# Text files of these names are no labels.
_LISTS = frozenset({"classes.txt", "readme.txt", "license.txt", "labels.txt", "requirements.txt"})


@dataclass
class Pairs:
    """Images and their label files; posix paths.

    Attributes:
        labels: The label file of every image, None for one without.
        far: Images whose label file was found by its name only, with that file.
        unclear: Images for which several label files may be meant, with these.
        orphans: Label files without an image.
    """

    labels: dict[str, str | None] = field(default_factory=dict)
    far: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)


def pair_labels(images: Iterable[str], texts: Iterable[str]) -> Pairs:
    """Find the label file of every image; no file is opened.

    Args:
        images: Posix paths of the images.
        texts: Posix paths of the text files.
    """
    known = set(texts)
    pairs = Pairs({name: _label_of(name, known) for name in images})
    left = [name for name, label in pairs.labels.items() if label is None]
    claimed = {label for label in pairs.labels.values() if label is not None}
    free = [name for name in sorted(known - claimed) if _may_be_label(name)]
    for key in (_by_role, _by_name):
        usable = free if key is _by_role else _in_folders_of_labels(free, left)
        found, unclear = _matched(left, usable, key)
        pairs.far.update(found)
        pairs.unclear.update(unclear)
        taken = {*found.values(), *(name for names in unclear.values() for name in names)}
        left = [name for name in left if name not in found and name not in unclear]
        free = [name for name in free if name not in taken]
    pairs.labels.update(pairs.far)
    pairs.orphans = [name for name in free if _words(posixpath.dirname(name)) & {"label", "labels"}]
    return pairs


def label_name(image: str) -> str:
    """Where an image's label file is: the last folder ``images`` becomes ``labels``."""
    parts = f"{posixpath.splitext(image)[0]}.txt".split("/")
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return "/".join(parts)


def _label_of(image: str, known: set[str]) -> str | None:
    beside = f"{posixpath.splitext(image)[0]}.txt"
    apart = label_name(image)
    return next((name for name in (apart, beside) if name in known), None)


def _may_be_label(name: str) -> bool:
    return posixpath.basename(name).lower() not in _LISTS


def _matched(
    images: list[str], texts: list[str], key: Callable[[str], tuple[str, ...]]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Images and texts that are alone with their key, and images with several texts."""
    ours, theirs = _grouped(images, key), _grouped(texts, key)
    alone = {place: names[0] for place, names in ours.items() if len(names) == 1}
    fits = {image: theirs[place] for place, image in alone.items() if place in theirs}
    found = {image: names[0] for image, names in fits.items() if len(names) == 1}
    return found, {image: names for image, names in fits.items() if len(names) > 1}


def _grouped(
    names: list[str], key: Callable[[str], tuple[str, ...]]
) -> dict[tuple[str, ...], list[str]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _by_role(name: str) -> tuple[str, ...]:
    """The stem, and the folders above it without the words that say what is in them."""
    parts = [re.findall(r"[^\W_]+", part) for part in folded(posixpath.dirname(name)).split("/")]
    kept = ("_".join(word for word in words if word not in ROLE_WORDS) for words in parts)
    return (*filter(None, kept), *_by_name(name))


def _by_name(name: str) -> tuple[str, ...]:
    # Label Studio writes my%20photo.txt for "my photo.jpg".
    stem = folded(unquote(posixpath.splitext(posixpath.basename(name))[0]))
    bare, suffix = posixpath.splitext(stem)
    return (bare if suffix in IMAGE_SUFFIXES else stem,)  # some write a.jpg.txt for a.jpg


def _in_folders_of_labels(texts: list[str], images: list[str]) -> list[str]:
    """Text files in folders most of whose text files have the names of images."""
    stems = set(map(_by_name, images))
    total = Counter(map(posixpath.dirname, texts))
    same = Counter(posixpath.dirname(name) for name in texts if _by_name(name) in stems)
    chosen = {folder for folder in total if 2 * same[folder] > total[folder]}
    return [name for name in texts if posixpath.dirname(name) in chosen]


def _words(folder: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", folded(folder)))
