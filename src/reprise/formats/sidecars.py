"""Labels with one file for each image: which image a label file is about."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from reprise.formats.encodings import in_utf8
from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.name_matching import NameIndex, same_name
from reprise.formats.records import ImageRecord, LabelError, SourceDataset
from reprise.formats.split_names import folder_split
from reprise.formats.writing import class_names


def read_label_bytes(path: Path, max_bytes: int) -> bytes:
    """The content of a label file.

    Raises:
        LabelError: It is larger than such a file can be.
    """
    if path.stat().st_size > max_bytes:
        raise LabelError(f"its label file has more than {max_bytes} bytes")
    return path.read_bytes()


def read_sidecars(
    files: FileIndex,
    names: Iterable[str],
    max_bytes: int,
    parse: Callable[[bytes, ImageRecord], bool],
    images: list[str],
) -> SourceDataset | None:
    """Read label files that are each about one image, and list all images.

    Args:
        files: The files of the source.
        names: Posix paths of files that may be label files.
        max_bytes: Largest size of one.
        parse: Fills the record from the content; the name, as written, first, as it counts even
            where the rest raises a LabelError. False when this is no label file.
        images: Names of the images that labels can be about.

    Returns:
        None without any label file. A label file whose image is missing gives a record without
        a path, named as the label file names the image or, when it does not, as the label file.
        An image that two label files are about has a ``problem`` and no boxes. Splits are those
        of folders; classes are sorted, because no file declares them. A note tells of label
        files that name an image which is not there, and count for the one that is named as
        they are. A label file that fits several images has a record with a ``problem``, as
        have these images, where no other is about them.
    """
    index, known = NameIndex(images), set(images)
    parsed: dict[str, ImageRecord] = {}
    for label in names:
        record = ImageRecord("", None)
        try:
            data = in_utf8(read_label_bytes(files.path(label), max_bytes), files.encoding)
            if not parse(data, record):
                continue
        except LabelError as error:
            record.problem, record.labels, record.boxes = str(error), [], []
        parsed[label] = record
    matches = index.match_labels({label: record.name for label, record in parsed.items()})
    records: dict[str, ImageRecord] = {}
    label_files: dict[str, str] = {}
    possible: dict[str, str] = {}
    told = _Renamed(index)
    for label, record in parsed.items():
        written, match = record.name, matches[label]
        told.add(label, written, match.name)
        stated = written if written and encodable(written) else label
        record.name = match.name or (label if stated in known else stated)
        record.path = files.path(record.name) if match.name else None
        if match.unclear:
            record.add_problem(f"{label} {match.unclear}")
            possible.update(dict.fromkeys(match.names, record.problem))
        if record.name in records:
            reason = f"two label files are about it: {label_files[record.name]} and {label}"
            record = ImageRecord(record.name, record.path, problem=reason)
        records[record.name] = record
        label_files.setdefault(record.name, label)
    if not records:
        return None
    for name in images:
        # What may be labelled is not taken for an image without labels.
        problem = f"it may be labelled: {possible[name]}" if name in possible else ""
        unlabelled = ImageRecord(name, files.path(name), labelled=bool(problem), problem=problem)
        records.setdefault(name, unlabelled)
    for record in records.values():
        record.split = folder_split(record.name)
    dataset = SourceDataset(files.source, [records[name] for name in sorted(records)], [])
    notes = index.notes() + told.notes()
    return replace(dataset, classes=sorted(class_names(dataset)), notes=notes)


class _Renamed:
    """Label files that are called otherwise than the image that they name."""

    def __init__(self, index: NameIndex) -> None:
        self._index = index
        self._by_file: list[str] = []
        self._by_name: list[str] = []

    def add(self, label: str, written: str, name: str | None) -> None:
        """Look at what a label file names, and at the image that was found for it."""
        if not written or name is None:
            return
        if not same_name(written, name):
            self._by_file.append(f"{label} names {written!r} and counts for {name}")
        elif not same_name(posixpath.splitext(label)[0], name):
            own = self._index.named_as(label).name
            if own and own != name:
                self._by_name.append(f"{label} names {written!r}, and there is {own}")

    def notes(self) -> list[str]:
        """What is to be said of them."""
        notes = []
        if self._by_file:
            notes.append(
                f"{len(self._by_file)} label file(s) name an image that is not there and were "
                f"matched by their own names, such as: {self._by_file[0]}"
            )
        if self._by_name:
            notes.append(
                f"{len(self._by_name)} label file(s) are called as one picture and name another, "
                f"which counts, such as: {self._by_name[0]}. If they were renamed together with "
                "their pictures, remove the names in them"
            )
        return notes
