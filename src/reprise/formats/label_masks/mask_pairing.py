"""Which mask belongs to which image, by their names alone.

Two layouts, of which a source has one.

Parallel folders, the paths else the same, and the names with or without words at their ends or
starts: MASK_WORDS of masks, IMAGE_WORDS of images::

    images/a/1.jpg                        masks/a/1.png        (or labels, annotations)
    JPEGImages/1.jpg                      SegmentationClass/1.png
    images/1.jpg                          masks/1_segmentation.png  or  masks/mask_1.jpg
    leftImg8bit/train/a/1_leftImg8bit.png gtFine/train/a/1_gtFine_labelIds.png
    train/1.jpg                           train_masks/1_mask.gif  or  trainannot/1.png
    images/1.jpg                          masks/1_car.png masks/1_road.png  (one for each class)

Where the path is not the same, a name that one image alone has is enough; letter case and
Unicode form do not count. Side by side, if there is no such pair::

    1.jpg  or  1.png       1_mask.png              values are class numbers
    1.jpg  or  1_RAW.jpg   1_CRACK.png 1_LANE.png  one mask for each class, named in the end

Of several names that a mask's begins with, the longest counts. An end without a letter
(``1_2.png``) names no class. Side by side, only masks that are named as such may be JPEG files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reprise.formats.file_index import FileIndex
from reprise.formats.mask_images import SUFFIXES
from reprise.formats.name_matching import folded

IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages", "leftimg8bit"})
MASK_FOLDERS = frozenset(
    {"annotation", "annotations", "label", "labels", "mask", "masks", "segmentationclass"}
    | {"segmentation", "segmentations", "groundtruth", "ground_truth", "gt", "gtfine", "gtcoarse"}
    | {"segmentationclasspng"}
)
# Numbers of objects, which say no class, and pictures with the masks drawn over them.
_OTHER_MASKS = frozenset(
    {"segmentationobject", "segmentationobjectpng"}
    | {"segmentationclassvisualization", "segmentationobjectvisualization"}
)
# What Cityscapes has beside its class numbers: objects, colours, and numbers for training.
_OTHER_ENDS = re.compile(
    r"_gt(fine|coarse)_(instanceids|color|labeltrainids|instancetrainids)\.", re.IGNORECASE
)
_FOLDER_WORD = re.compile(
    r"(?<=.)[_-](masks|labels|annotations|annot|groundtruth|gt)$"
    r"|((?<=train)|(?<=val)|(?<=valid)|(?<=test))annot$",
    re.IGNORECASE,
)
_IMAGE_FOLDER_WORD = re.compile(r"(?<=.)[_-](images|imgs|input)$", re.IGNORECASE)
MASK_WORDS = frozenset(
    {"label", "labels", "mask", "masks", "seg", "segmentation", "segmented", "lbl"}
    | {"gt", "groundtruth", "labelids", "gtfine", "gtcoarse"}
)
IMAGE_WORDS = frozenset({"image", "img", "raw", "leftimg8bit", "sat", "rgb"})


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
        elsewhere: Masks whose image was found by its name alone, not its path.
        cityscapes: Whether the masks are named as those of Cityscapes.
    """

    masks: dict[str, list[MaskFile]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    cityscapes: bool = False

    def notes(self) -> list[str]:
        """What is to be told of the names."""
        if not self.elsewhere:
            return []
        return [
            f"{len(self.elsewhere)} mask(s) were matched by name alone, for their images are in "
            f"other folders or spelt in another way, such as {self.elsewhere[0]}"
        ]

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
    names = [
        name
        for name in files.images()
        if not _folders(name) & _OTHER_MASKS and not _OTHER_ENDS.search(name)
    ]
    found = _parallel(names)
    if not found.masks and not found.ambiguous:
        found = _side_by_side(names)
    masks = [mask.name.lower() for masks in found.masks.values() for mask in masks]
    found.cityscapes = bool(masks) and all("_labelids." in name for name in masks)
    return found


def _parallel(names: list[str]) -> Pairs:
    masks = [name for name in names if _in_mask_folder(name)]
    images = [name for name in names if not _in_mask_folder(name)]
    exact: dict[str, list[str]] = {}
    bare: dict[str, list[str]] = {}
    alone: dict[str, list[str]] = {}
    for name in images:
        key = _key(name, IMAGE_FOLDERS)
        exact.setdefault(key, []).append(name)
        for start in _without_words(key, IMAGE_WORDS)[1:]:
            bare.setdefault(start, []).append(name)
        for start in _without_words(folded(posixpath.basename(key)), IMAGE_WORDS):
            alone.setdefault(start, []).append(name)
    found = Pairs()
    of_classes: dict[str, tuple[str, list[str]]] = {}
    for name in filter(_may_be_mask, masks):
        starts = _without_words(_key(name, MASK_FOLDERS), MASK_WORDS)
        fitting = (known[start] for start in starts for known in (exact, bare) if start in known)
        own = next(fitting, [])
        if not own:
            ends = _without_words(folded(posixpath.basename(starts[0])), MASK_WORDS)
            own = next((alone[end] for end in ends if len(alone.get(end, [])) == 1), [])
            found.elsewhere += [name] * bool(own)
        cut = next(_cuts(starts[0]), None)
        if not own and cut and re.search(r"[^\W\d_]", cut[1]) and (exact.get(cut[0]) or []):
            of_classes[name] = (cut[1].lower(), exact[cut[0]])
        else:
            found.add(MaskFile(name, None), own)
    # One word behind all names, as the L of CamVid, says mask; several are classes.
    several = len({word for word, _ in of_classes.values()}) > 1
    for name, (word, own) in of_classes.items():
        found.add(MaskFile(name, word if several else None), own)
    return _rest(found, images)


def _side_by_side(names: list[str]) -> Pairs:
    photographs: dict[str, list[str]] = {}
    drawings: dict[str, list[str]] = {}
    masks = []
    for name in names:
        stem = posixpath.splitext(name)[0]
        marked = next((start for start, end in _cuts(stem) if end.lower() in IMAGE_WORDS), None)
        drawn = _is_png(name) or (_may_be_mask(name) and _ends_like_mask(name))
        if marked is not None or not drawn:
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


def _without_words(path: str, words: frozenset[str]) -> list[str]:
    """A path without ending; then without each word that its file name ends with in turn; then
    without one that it starts with."""
    found = [path]
    while cut := next(_cuts(found[-1]), None):
        if cut[1].lower() not in words:
            break
        found.append(cut[0])
    folder, base = posixpath.split(path)
    lead = re.match(r"([^\W\d_]+)[_-](?=.)", base)
    if lead and lead[1].lower() in words:
        found.append(posixpath.join(folder, base[lead.end() :]))
    return found


def _ends_like_mask(name: str) -> bool:
    first = next(_cuts(posixpath.splitext(name)[0]), None)
    return first is not None and first[1].lower() in MASK_WORDS


def _folders(name: str) -> set[str]:
    return set(name.lower().split("/")[:-1])


def _in_mask_folder(name: str) -> bool:
    return any(part in MASK_FOLDERS or _FOLDER_WORD.search(part) for part in _folders(name))


def _key(name: str, folders: frozenset[str]) -> str:
    """A path without its ending and without the last folder of these names, or without the
    last word of a folder as ``train_masks``."""
    parts = _stem(name).split("/")
    word = _FOLDER_WORD if folders is MASK_FOLDERS else _IMAGE_FOLDER_WORD
    parts = [word.sub("", part) for part in parts[:-1]] + parts[-1:]
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() in folders]
    if places:
        del parts[places[-1]]
    return "/".join(parts)


def _stem(name: str) -> str:
    """A path without its ending, and without that of its image in ``1.jpg.png``."""
    stem, inner = posixpath.splitext(posixpath.splitext(name)[0])
    return stem if inner.lower() in SUFFIXES else stem + inner


def _may_be_mask(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in SUFFIXES


def _is_png(name: str) -> bool:
    return name.lower().endswith(".png")
