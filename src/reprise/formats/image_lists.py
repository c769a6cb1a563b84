"""The images that the label files of a source list, each once, whichever file names it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import replace

from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.name_matching import Match, NameIndex
from reprise.formats.records import ImageRecord, LabelError, SourceDataset
from reprise.formats.split_names import folder_split, named_split


class ImageList:
    """Collects images by the names that label files give them.

    Args:
        files: The source folder.
        by_stem: Whether names are those of images, without ending. Of several that one fits,
            the one in a folder ``images`` is then meant.

    Attributes:
        classes: Names of classes in the order of the label files; readers add to them.
        notes: What was decided in reading; readers add to them.
    """

    def __init__(self, files: FileIndex, by_stem: bool = False) -> None:
        self.classes: dict[str, None] = {}
        self.notes: list[str] = []
        self._files = files
        self._by_stem = by_stem
        self._index = NameIndex(files.images()) if by_stem else files.index
        self._known = set(files.names)
        self._images: dict[str, ImageRecord] = {}
        self._matches: dict[tuple[str, str, str], Match] = {}
        self._found: dict[tuple[str, str, str, int | None], str] = {}
        # Why the labels of a name cannot be used, and of files that such a name may mean.
        self._unclear: dict[str, str] = {}
        self._possible: dict[str, str] = {}
        self._in_two_splits: dict[str, set[str]] = {}

    def expect(self, written: Iterable[str], beside: str, within: str = "") -> None:
        """Match all names of a label file together, so that no file is that of two names.

        Args:
            written: The names as the label file has them; those that :meth:`name` refuses are
                left out.
            beside: As of :meth:`name`.
            within: As of :meth:`name`.
        """
        usable = [name for name in written if name.strip() and encodable(name)]
        ending = not self._by_stem
        found = self._index.match_all(usable, beside, within=within, ending=ending)
        self._matches.update({(name, beside, within): match for name, match in found.items()})

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
            A posix path; the written name when there is no such file, or no telling which:
            the record of that name then has a problem.

        Raises:
            RepriseError: The name is empty.
        """
        key = (written, beside, within, size)
        if key in self._found:
            return self._found[key]
        if not written.strip() or not encodable(written):
            raise self._files.error(beside, where, f"the image name {written!r} has nothing in it")
        if (written, beside, within) not in self._matches:
            self.expect([written], beside, within)
        match = self._matches[written, beside, within]
        if len(match.names) > 1 and size:
            sizes = {name: self._files.path(name).stat().st_size for name in match.names}
            same = tuple(name for name in match.names if sizes[name] == size)
            match = replace(match, names=same or match.names)
        if len(match.names) > 1 and self._by_stem:
            stems = {name: posixpath.splitext(name)[0] for name in match.names}
            top, end = f"images/{written}", f"/images/{written}"
            same = tuple(name for name in stems if stems[name] == top) or tuple(
                name for name in stems if stems[name].endswith(end)
            )
            match = replace(match, names=same or match.names)
        name = match.name or posixpath.join(within, written)
        if match.unclear:
            name = f"{beside}#{written}" if name in self._known else name
            self._unclear[name] = f"{beside}, {where}: '{written}' {match.unclear}"
            self._possible.update(dict.fromkeys(match.names, self._unclear[name]))
        return self._found.setdefault(key, name)

    def __contains__(self, name: str) -> bool:
        """Whether there is a record of a path already."""
        return name in self._images

    def record(self, name: str) -> ImageRecord:
        """The one record of a posix path in the source folder; without a file, it has no path."""
        if name not in self._images:
            path = self._files.path(name) if name in self._known else None
            self._images[name] = ImageRecord(name, path, problem=self._unclear.get(name, ""))
        return self._images[name]

    def fill(
        self, written: str, beside: str, where: str, add: Callable[[ImageRecord], None]
    ) -> None:
        """Add what an entry of a label file says of its image, with its split and its classes.

        Args:
            written: The name of the image; without one a placeholder without a path has a
                problem.
            beside: Posix path of the label file.
            where: The place in it, for messages.
            add: Fills the record; a LabelError is the image's problem.
        """
        if not written:
            record = self.record(f"{beside}#{where}")
            record.add_problem(f"{beside}, {where}: it names no image")
            return
        image = self.record(self.name(written, beside, where))
        self.set_split(image, beside)
        try:
            add(image)
        except LabelError as mistake:
            image.add_problem(f"{beside}, {where}: {mistake}")
        named = [*(box.class_name for box in image.boxes), *image.labels]
        self.classes.update(dict.fromkeys(named))

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
        # What may be labelled is not taken for an image without labels.
        for name, problem in self._possible.items():
            if name not in self._images:
                self.record(name).add_problem(f"it may be labelled: {problem}")
        for name in self._files.images():
            if name not in self._images:
                self.record(name).labelled = False
        images = [self._images[name] for name in sorted(self._images)]
        for image in images:
            image.split = image.split or folder_split(image.name)
        source, classes = self._files.source, list(self.classes)
        notes = self.notes + self._index.notes()
        return SourceDataset(source, images, classes, lists_images=True, notes=notes)
