"""The images that the label files of a source list, each once, whichever file names it."""

from __future__ import annotations

import posixpath

from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.records import ImageRecord, SourceDataset
from reprise.formats.split_names import named_split

# Pixels; no image format has longer sides, and larger numbers overflow in arithmetic.
LONGEST_SIDE = 2**31


class ImageList:
    """Collects images by the names that label files give them.

    Args:
        files: The source folder.
        source: Its name, for messages.
    """

    def __init__(self, files: FileIndex, source: str) -> None:
        self._files = files
        self._source = source
        self._known = set(files.names)
        self._images: dict[str, ImageRecord] = {}
        self._meant: dict[tuple[str, str, str, int | None], ImageRecord] = {}
        self._torn: dict[str, set[str]] = {}

    def named(
        self, written: str, beside: str, where: str, within: str = "", size: int | None = None
    ) -> ImageRecord:
        """The image that a name in a label file means; the same record for the same image.

        Of several files that the name fits, the nearest in the folder tree to the label file
        is meant, and of these the one of the stated size.

        Args:
            written: The name as the label file has it.
            beside: Posix path of the label file.
            where: The place in the label file, for messages.
            within: Folder that holds the image; empty for any.
            size: Of the image file, in bytes, where the label file states it.

        Returns:
            Its record; without a path when there is no such file.

        Raises:
            RepriseError: The name is empty or fits several files.
        """
        asked = (written, beside, within, size)
        if asked in self._meant:
            return self._meant[asked]
        if not written.strip() or not encodable(written):
            raise self.error(beside, where, f"the image name {written!r} has nothing in it")
        found = self._candidates(written, beside, within)
        if len(found) > 1 and size:
            found = [name for name in found if self._bytes(name) == size] or found
        if len(found) > 1:
            raise self.error(
                beside, where, f"'{written}' fits several files: {', '.join(found[:4])}"
            )
        name = found[0] if found else posixpath.join(within, written)
        return self._meant.setdefault(asked, self.record(name))

    def record(self, name: str) -> ImageRecord:
        """The record of a posix path in the source folder, whether or not there is a file."""
        if name not in self._images:
            path = self._files.path(name) if name in self._known else None
            self._images[name] = ImageRecord(name, path)
        return self._images[name]

    def place(self, image: ImageRecord, beside: str, said: str | None = None) -> None:
        """Put an image into the split that its label file says, or is named after.

        Args:
            image: Its ``split`` is set, if there is one.
            beside: Posix path of the label file.
            said: The split that the label file states for the image.
        """
        split = said or named_split(beside)
        if image.split and split and split != image.split:
            self._torn.setdefault(image.name, {image.split}).add(split)
        image.split = image.split or split

    def error(self, name: str, where: str, problem: str) -> RepriseError:
        """An error about a place in a label file."""
        return RepriseError(
            f"source '{self._source}': {name}, {where}: {problem}.",
            "correct the label file or export it again, then update its sha256.",
        )

    def dataset(self, classes: list[str], notes: list[str]) -> SourceDataset:
        """All images of the folder and the label files, sorted by name.

        An image that no label file put into a split is in the one that its folder names.

        Raises:
            RepriseError: An image is in two splits.
        """
        if self._torn:
            some = ", ".join(sorted(self._torn)[:5])
            splits = ", ".join(sorted(set().union(*self._torn.values())))
            raise RepriseError(
                f"source '{self._source}': {len(self._torn)} image(s) are in more than one of "
                f"{splits}: {some}.",
                "keep each image in one list only: a model must not be tested on what it "
                "was trained on.",
            )
        for name in self._files.images():
            if name not in self._images:
                self.record(name).labelled = False
        images = [self._images[name] for name in sorted(self._images)]
        for image in images:
            image.split = image.split or named_split(posixpath.dirname(image.name))
        return SourceDataset(self._source, images, classes, lists_images=True, notes=notes)

    def _candidates(self, written: str, beside: str, within: str) -> list[str]:
        found = self._files.candidates(written, beside)
        # Some write a space after each comma.
        found = found or self._files.candidates(written.strip(), beside)
        inside = [name for name in found if not within or name.startswith(within + "/")]
        near = [_shared_folders(name, beside) for name in inside]
        return [name for name, depth in zip(inside, near, strict=True) if depth == max(near)]

    def _bytes(self, name: str) -> int:
        return self._files.path(name).stat().st_size


def add_problem(image: ImageRecord, problem: str) -> None:
    """Say why an image's labels cannot be used; the first reason stays."""
    image.problem = image.problem or problem


def _shared_folders(name: str, other: str) -> int:
    return len(posixpath.commonprefix([name.split("/")[:-1], other.split("/")[:-1]]))
