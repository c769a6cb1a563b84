"""Which mask belongs to which image, by their names alone.

Two layouts, of which a source has one; masks are PNG files.

Parallel folders, the paths else the same, and the mask's name with or without one of
MASK_WORDS (``_mask``)::

    images/a/1.jpg         masks/a/1.png          (or labels, annotations)
    JPEGImages/1.jpg       SegmentationClass/1.png

Side by side, if there is no such pair::

    1.jpg  or  1.png       1_mask.png             values are class numbers
    1.jpg  or  1_RAW.jpg   1_CRACK.png 1_LANE.png  one mask for each class, named in the end

Of several names that a mask's begins with, the longest counts. An end without a letter
(``1_2.png``) names no class.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reprise.formats.file_index import FileIndex

IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages"})
MASK_FOLDERS = frozenset(
    {"annotation", "annotations", "label", "labels", "mask", "masks", "segmentationclass"}
)
# Numbers of objects, which say no class.
_OTHER_MASKS = frozenset({"segmentationobject"})
MASK_WORDS = frozenset({"label", "labels", "mask", "masks", "seg"})
IMAGE_WORDS = frozenset({"image", "img", "raw"})


@dataclass(frozen=True)
class MaskFile:
    """One mask.

    Attributes:
        name: Posix path inside the source folder.
        class_name: The class whose objects it shows; None when its values are class numbers.
    """

    name: str
    class_name: str | None


@dataclass
class Pairs:
    """The images and masks of a source; posix paths.

    Attributes:
        masks: The masks of every image that has one.
        unlabelled: Images without a mask.
        orphans: Masks without an image.
        ambiguous: Masks with the images among which they cannot choose.
    """

    masks: dict[str, list[MaskFile]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)

    def add(self, mask: MaskFile, images: list[str]) -> None:
        """Give a mask its image, one of those that its name fits."""
        if len(images) == 1:
            self.masks.setdefault(images[0], []).append(mask)
        elif images:
            self.ambiguous[mask.name] = images
        else:
            self.orphans.append(mask.name)


def pair(files: FileIndex) -> Pairs:
    """Find the masks of every image; no file is opened."""
    names = [name for name in files.images() if not _folders(name) & _OTHER_MASKS]
    found = _parallel(names)
    return found if found.masks or found.ambiguous else _side_by_side(names)


def _parallel(names: list[str]) -> Pairs:
    masks = [name for name in names if _folders(name) & MASK_FOLDERS]
    images = [name for name in names if not _folders(name) & MASK_FOLDERS]
    by_key: dict[str, list[str]] = {}
    for name in images:
        by_key.setdefault(_key(name, IMAGE_FOLDERS), []).append(name)
    found = Pairs()
    for name in filter(_is_png, masks):
        key = _key(name, MASK_FOLDERS)
        bare = next((start for start, end in _cuts(key) if end.lower() in MASK_WORDS), key)
        found.add(MaskFile(name, None), by_key.get(key) or by_key.get(bare, []))
    return _rest(found, images)


def _side_by_side(names: list[str]) -> Pairs:
    photographs: dict[str, list[str]] = {}
    drawings: dict[str, list[str]] = {}
    masks = []
    for name in names:
        stem = posixpath.splitext(name)[0]
        marked = next((start for start, end in _cuts(stem) if end.lower() in IMAGE_WORDS), None)
        if marked is not None or not _is_png(name):
            photographs.setdefault(marked or stem, []).append(name)
        else:
            drawings.setdefault(stem, []).append(name)
            masks.append(name)
    found = Pairs()
    for name in masks:
        for start, end in _cuts(posixpath.splitext(name)[0]):
            plain = end.lower() in MASK_WORDS
            images = photographs.get(start, []) + (drawings.get(start, []) if plain else [])
            if images and re.search(r"[^\W\d_]", end):
                found.add(MaskFile(name, None if plain else end.lower()), images)
                break
        else:
            if _ends_like_mask(name):
                found.add(MaskFile(name, None), [])
    return _rest(found, names)


def _rest(found: Pairs, names: Iterable[str]) -> Pairs:
    """Complete ``unlabelled``; a mask is never an image, even if masks seem to be its own."""
    used = {mask.name for masks in found.masks.values() for mask in masks}
    used.update(found.orphans, found.ambiguous)
    for name in used & set(found.masks):
        found.orphans += [mask.name for mask in found.masks.pop(name)]
    found.unlabelled = [name for name in names if name not in used and name not in found.masks]
    return found


def _cuts(stem: str) -> Iterator[tuple[str, str]]:
    """A path without ending, cut in two at each _ or - of its file name, the last first."""
    for place in range(len(stem) - 2, stem.rfind("/") + 1, -1):
        if stem[place] in "_-":
            yield stem[:place], stem[place + 1 :]


def _ends_like_mask(name: str) -> bool:
    first = next(_cuts(posixpath.splitext(name)[0]), None)
    return first is not None and first[1].lower() in MASK_WORDS


def _folders(name: str) -> set[str]:
    return set(name.lower().split("/")[:-1])


def _key(name: str, folders: frozenset[str]) -> str:
    """A path without its ending and without the last folder of these names."""
    parts = posixpath.splitext(name)[0].split("/")
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() in folders]
    if places:
        del parts[places[-1]]
    return "/".join(parts)


def _is_png(name: str) -> bool:
    return name.lower().endswith(".png")
