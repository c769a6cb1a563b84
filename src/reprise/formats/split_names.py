"""Train, val and test as sources spell them in the names of folders and lists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable

from reprise.formats.file_index import FileIndex
from reprise.formats.name_matching import NameIndex

SPLITS = ("train", "val", "test")
_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def named_split(text: str) -> str | None:
    """The split that a path names in any of its words, the last one counting.

    Words end at anything that is no letter: ``instances_val2017.json`` names val, and
    ``contest/a.jpg`` names nothing.

    Args:
        text: A posix path, or a part of one.

    Returns:
        ``train``, ``val``, ``test`` or None.
    """
    found = [_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    return found[-1] if found else None


def list_split(name: str, names: Collection[str]) -> str | None:
    """The split that a list of images is named after: ``train.txt``, or ``trainval.txt``.

    Args:
        name: Posix path of the list.
        names: Of all files: both parts together are train where there is no list of one part.
    """
    folder, base = posixpath.split(name)
    word = posixpath.splitext(base)[0].lower()
    if word != "trainval":
        return named_split(word) if re.fullmatch("[a-z]+", word) else None
    beside = (n for n in names if posixpath.dirname(n) == folder and n.lower().endswith(".txt"))
    parts = {named_split(posixpath.basename(other)[:-4]) for other in beside}
    return None if parts & {"train", "val"} else "train"


def folder_split(name: str) -> str | None:
    """The split that an image's folders name; its own name does not count."""
    return named_split(posixpath.dirname(name))


class SplitLists:
    """Splits that lists give to images; of several, the first of SPLITS counts."""

    def __init__(self) -> None:
        self._splits: dict[str, set[str]] = {}
        self._told: list[str] = []

    def add(self, images: Iterable[str], split: str) -> None:
        """Take what a list says of images, by their names."""
        for image in images:
            self._splits.setdefault(image, set()).add(split)

    def add_image_sets(self, files: FileIndex, images: Iterable[str], task: str) -> None:
        """Take ``ImageSets/<task>/train.txt``, ``val.txt`` and ``test.txt``, as VOC has them.

        A line is the end of an image's path, without its ending, and counts for the images in
        the folder that holds ``ImageSets``. Lists of one class, which have a second column,
        name no image. ``trainval.txt`` counts as train where it has neither part beside it.

        Args:
            files: The source folder.
            images: Posix paths of its images.
            task: ``Main`` or ``Segmentation``.

        Raises:
            RepriseError: A list is not UTF-8.
        """
        pattern = rf"(?P<root>(?:.+/)?)ImageSets/{task}/(?P<word>[a-z]+)\.txt"
        for name in files.names:
            match = re.fullmatch(pattern, name, re.IGNORECASE)
            if match and (split := list_split(name, files.names)):
                root = match["root"]
                lines = {line.strip() for line in files.read_text(name).split("\n")} - {""}
                ends = {
                    image: _ends(image[len(root) :]) for image in images if image.startswith(root)
                }
                self.add((image for image in ends if lines & ends[image]), split)
                self._add_spelled(lines.difference(*ends.values()), list(ends), name, split)

    def _add_spelled(
        self, lines: Collection[str], images: list[str], beside: str, split: str
    ) -> None:
        """Take lines that are no image's path as it is written."""
        if lines and images:
            index = NameIndex(images)
            matches = index.match_all(sorted(lines), beside, ending=False)
            self.add((match.name for match in matches.values() if match.name), split)
            self._told += index.notes()

    def split(self, image: str) -> str | None:
        """The split of an image: by a list, else by its folders."""
        listed: Collection[str] = self._splits.get(image, ())
        return min(listed, key=SPLITS.index) if listed else folder_split(image)

    def __bool__(self) -> bool:
        return bool(self._splits)

    def notes(self, lists: str) -> list[str]:
        """Notes on images in several splits, and on names that are spelled otherwise.

        Args:
            lists: What the lists are called.
        """
        several = sorted(name for name, splits in self._splits.items() if len(splits) > 1)
        if not several:
            return self._told
        return [
            *self._told,
            f"{len(several)} image(s) are in several {lists} and are taken for the first of "
            f"train, val and test; one is {several[0]}",
        ]


def _ends(path: str) -> set[str]:
    """A path without its ending, and all ends of it."""
    parts = posixpath.splitext(path)[0].split("/")
    return {"/".join(parts[start:]) for start in range(len(parts))}
