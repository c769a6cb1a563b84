"""Labels with one file for each image: which image a label file is about."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.records import ImageRecord, LabelError
from reprise.formats.split_names import folder_split


def read_label_bytes(path: Path, max_bytes: int) -> bytes:
    """The content of a label file.

    Raises:
        LabelError: It is larger than such a file can be.
    """
    if path.stat().st_size > max_bytes:
        raise LabelError(f"its label file has more than {max_bytes} bytes")
    return path.read_bytes()


def read_label_files(
    files: FileIndex,
    names: Iterable[str],
    max_bytes: int,
    parse: Callable[[bytes, ImageRecord], bool],
) -> dict[str, ImageRecord]:
    """What each label file says, in a record whose name is the image's as written in it.

    Args:
        files: The files of the source.
        names: Posix paths of files that may be label files.
        max_bytes: Largest size of one.
        parse: Fills the record from the content; the name first, as it counts even where the
            rest raises a LabelError. False when this is no label file.
    """
    found = {}
    for name in names:
        record = ImageRecord("", None)
        try:
            if not parse(read_label_bytes(files.path(name), max_bytes), record):
                continue
        except LabelError as error:
            record.problem, record.labels, record.boxes = str(error), [], []
        found[name] = record
    return found


def attach(
    labels: Mapping[str, ImageRecord],
    files: FileIndex,
    images: list[str],
    split_of: Callable[[str], str | None] = folder_split,
) -> tuple[list[ImageRecord], list[str]]:
    """Give every label file its image, and every image a record.

    Args:
        labels: What each label file says, from :func:`read_label_files`.
        files: The files of the source.
        images: Names of the images that labels can be about.
        split_of: The split of an image by its name.

    Returns:
        All images by name. A label file whose image is missing gives a record without a path,
        named as the label file names the image or, when it does not, as the label file. An
        image that two label files are about has a ``problem`` and no boxes. And a note on
        label files that name an image which is not there, and count for the one that is named
        as they are.

    Raises:
        RepriseError: A label file can be about several images.
    """
    finder = _ImageFinder(images)
    records: dict[str, ImageRecord] = {}
    label_files: dict[str, str] = {}
    renamed: list[str] = []
    for label, record in labels.items():
        written = record.name
        matches = finder.find(written, label)
        if len(matches) > 1:
            raise files.source_error(
                f"{label} fits several images: {', '.join(matches[:4])}.",
                "put the label file beside its image, or write the image's path into it.",
            )
        if matches and written and not _is_name_of(written, matches[0]):
            renamed.append(f"{label} names {written!r} and counts for {matches[0]}")
        stated = written if written and encodable(written) else label
        record.name = matches[0] if matches else stated
        record.path = files.path(record.name) if matches else None
        record.split = split_of(record.name)
        if record.name in records:
            reason = f"two label files are about it: {label_files[record.name]} and {label}"
            record = ImageRecord(record.name, record.path, split=record.split, problem=reason)
        records[record.name] = record
        label_files.setdefault(record.name, label)
    for name in images:
        if name not in records:
            path = files.path(name)
            records[name] = ImageRecord(name, path, split=split_of(name), labelled=False)
    notes = []
    if renamed:
        notes.append(
            f"{len(renamed)} label file(s) name an image that is not there and were matched by "
            f"their own names, such as: {renamed[0]}"
        )
    return [records[name] for name in sorted(records)], notes


class _ImageFinder:
    """Images by their names and by their names without ending."""

    def __init__(self, images: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        for name in images:
            base = posixpath.basename(name)
            for key in dict.fromkeys((base, posixpath.splitext(base)[0])):
                self._by_name.setdefault(key, []).append(name)

    def find(self, written: str, label: str) -> list[str]:
        """The images that a label file can be about, the likeliest only.

        An image of the written name counts before one that is named as the label file. Of
        several, those count whose folders agree best with the written path, then with the
        label file's own folder, as ``Annotations/north`` does with ``JPEGImages/north``.
        """
        text = posixpath.normpath(written.replace("\\", "/")) if written else ""
        base, label_base = posixpath.basename(text), posixpath.basename(label)
        named = [name for name in self._keyed(base) if posixpath.basename(name) == base]
        found = named or self._keyed(posixpath.splitext(label_base)[0])
        exact = posixpath.normpath(posixpath.join(posixpath.dirname(label), text))
        if exact in found:
            return [exact]
        scores = {name: (_shared_tail(text, name), _nearness(label, name)) for name in found}
        return [name for name in found if scores[name] == max(scores.values())]

    def _keyed(self, key: str) -> list[str]:
        return self._by_name.get(key, [])


def _is_name_of(written: str, name: str) -> bool:
    """Whether a label file's words, with or without an ending, are the name of an image."""
    base = posixpath.basename(name)
    return posixpath.basename(written.replace("\\", "/")) in (base, posixpath.splitext(base)[0])


def _shared_tail(one: str, other: str) -> int:
    """How many parts two paths share, counted from their ends."""
    return _run(one.split("/")[::-1], other.split("/")[::-1])


def _nearness(label: str, image: str) -> int:
    """How many folders two paths share, counted from the top and then from the bottom."""
    one, other = label.split("/")[:-1], image.split("/")[:-1]
    top = _run(one, other)
    return top + _run(one[top:][::-1], other[top:][::-1])


def _run(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
