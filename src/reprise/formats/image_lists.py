"""The images that the label files of a source list, each once, whichever file names it."""

from __future__ import annotations

import posixpath

from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.records import ImageRecord, SourceDataset
from reprise.formats.split_names import folder_split, named_split


class ImageList:
    """Collects images by the names that label files give them.

    Args:
        files: The source folder.

    Attributes:
        classes: Names of classes in the order of the label files; readers add to them.
        notes: What was decided in reading; readers add to them.
    """

    def __init__(self, files: FileIndex) -> None:
        self.classes: dict[str, None] = {}
        self.notes: list[str] = []
        self._files = files
        self._known = set(files.names)
        self._images: dict[str, ImageRecord] = {}
        self._found: dict[tuple[str, str, str, int | None], str] = {}
        self._in_two_splits: dict[str, set[str]] = {}

    def name(
        self, written: str, beside: str, where: str, within: str = "", size: int | None = None
    ) -> str:
        """The path of the image that a name in a label file means, as of :class:`NameIndex`.

        Args:
            written: The name as the label file has it.
            beside: Posix path of the label file.
            where: The place in the label file, for messages.
            within: Folder that holds the image; empty for any.
            size: Of the image file, in bytes, where the label file states it: of several
                files that the name fits equally well, the one of that size is meant.

        Returns:
            A posix path; the written name when there is no such file.

        Raises:
            RepriseError: The name is empty or fits several files.
        """
        key = (written, beside, within, size)
        if key in self._found:
            return self._found[key]
        if not written.strip() or not encodable(written):
            raise self._files.error(beside, where, f"the image name {written!r} has nothing in it")
        find = self._files.index.find
        # Some write a space after each comma.
        found = find(written, beside, within=within) or find(written.strip(), beside, within=within)
        if len(found) > 1 and size:
            sizes = {name: self._files.path(name).stat().st_size for name in found}
            found = [name for name in found if sizes[name] == size] or found
        if len(found) > 1:
            raise self._files.several(written, beside, where, found)
        name = found[0] if found else posixpath.join(within, written)
        return self._found.setdefault(key, name)

    def __contains__(self, name: str) -> bool:
        """Whether there is a record of a path already."""
        return name in self._images

    def record(self, name: str) -> ImageRecord:
        """The one record of a posix path in the source folder; without a file, it has no path."""
        if name not in self._images:
            path = self._files.path(name) if name in self._known else None
            self._images[name] = ImageRecord(name, path)
        return self._images[name]

    def set_split(self, image: ImageRecord, beside: str, stated: str | None = None) -> None:
        """Put an image into the split that its label file states, or is named after.

        Args:
            image: Its ``split`` is set, if there is one.
            beside: Posix path of the label file.
            stated: The split that the label file states for the image.
        """
        split = stated or named_split(beside)
        if image.split and split and split != image.split:
            self._in_two_splits.setdefault(image.name, {image.split}).add(split)
        image.split = image.split or split

    def dataset(self) -> SourceDataset:
        """All images of the folder and the label files, sorted by name.

        An image that no label file put into a split is in the one that its folder names.

        Raises:
            RepriseError: An image is in two splits.
        """
        if self._in_two_splits:
            some = ", ".join(sorted(self._in_two_splits)[:5])
            splits = ", ".join(sorted(set().union(*self._in_two_splits.values())))
            raise self._files.source_error(
                f"{len(self._in_two_splits)} image(s) are in more than one of {splits}: {some}.",
                "keep each image in one list only: a model must not be tested on what it "
                "was trained on.",
            )
        for name in self._files.images():
            if name not in self._images:
                self.record(name).labelled = False
        images = [self._images[name] for name in sorted(self._images)]
        for image in images:
            image.split = image.split or folder_split(image.name)
        source, classes = self._files.source, list(self.classes)
        return SourceDataset(source, images, classes, lists_images=True, notes=self.notes)
