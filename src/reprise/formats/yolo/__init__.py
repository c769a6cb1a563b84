"""YOLO labels: one text file for each image, with boxes or polygons as fractions of it."""

from __future__ import annotations

import math
import posixpath
import re
from pathlib import Path

import yaml

from reprise.formats.encodings import decode_text
from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import text_number
from reprise.formats.records import ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.sidecars import read_label_bytes
from reprise.formats.split_names import SPLITS, folder_split
from reprise.formats.writing import check_writable, class_names, copy_image, write_label
from reprise.formats.yolo.dataset_yaml import MAIN_FILES, DatasetYaml, read_dataset_yaml
from reprise.formats.yolo.label_pairing import Pairs, label_name, pair_labels
from reprise.formats.yolo.rows import read_rows

MAX_BYTES = 16_000_000  # of one label file
_LOOKED_AT = 5
_MOST_OPENED = 20
_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{0,60})?(e[+-]?[0-9]{1,3})?", re.IGNORECASE)

# Line number, class, and the numbers after it.
Row = tuple[int, str, list[float]]


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the YOLO labels of a source folder.

    :mod:`reprise.formats.yolo.label_pairing` says which label file is an image's. A line is
    ``class cx cy w h``, or ``class x1 y1 x2 y2 x3 y3 ...``, whose box is the outline's bounds;
    :mod:`reprise.formats.yolo.rows` says how these and longer ones are told apart. All numbers
    but the class are fractions of the upright image, and so are the boxes here. An empty file
    says that the image shows no object.

    Classes and splits come from the YAML file (``names``, ``train``, ``val``, ``test``; nothing
    else of it is read, nothing in it is run), else from ``classes.txt`` or a file ``*.names``
    and from lists ``train.txt``, ``val.txt`` and ``test.txt``. Images that none of these speaks
    of have the split that their folders name. Without names a class is its number as text.

    Returns:
        The labels, all images ``normalised``. A file below a folder ``labels`` without an
        image gives a record of its own name without a path. Keypoints are left out.

    Raises:
        RepriseError: No image has a label file, the YAML file or a list cannot be read, or
            the rows do not show what they are.
    """
    texts = files.with_suffix(".txt")
    pairs = pair_labels(files.images(), texts)
    claimed = {label for label in pairs.labels.values() if label is not None}
    if not claimed:
        raise files.source_error(
            f"no YOLO label was found. Looked for a .txt file beside each of "
            f"{len(pairs.labels)} image(s), or in 'labels' in place of the last folder 'images'.",
            "put the label files there, or correct its format in data.sources.",
        )
    config = read_dataset_yaml(files, claimed)
    parsed: list[tuple[ImageRecord, list[Row]]] = []
    for name, label in pairs.labels.items():
        record = ImageRecord(
            name, files.path(name), split=config.splits.split(name), normalised=True
        )
        record.labelled = label is not None or name in pairs.unclear
        if name in pairs.unclear:
            record.problem = f"several label files may be its: {', '.join(pairs.unclear[name][:4])}"
        parsed.append((record, _rows(record, files.path(label), config) if label else []))
    for label in pairs.orphans:
        record = ImageRecord(label, None, split=folder_split(label), normalised=True)
        parsed.append((record, _rows(record, files.path(label), config)))
    _check_first_number(files, config)
    notes = _add_objects(files, parsed, config)
    records = sorted((record for record, _ in parsed), key=lambda record: record.name)
    used = {box.class_name for record in records for box in record.boxes}
    classes = sorted(used, key=int) if config.names is None else [*config.names.values()]
    notes = config.notes + _far_notes(pairs) + notes
    return SourceDataset(files.source, records, list(dict.fromkeys(classes)), notes=notes)


def detect(files: FileIndex) -> str | None:
    """Text files where label files of images are, of which the first ones have lines of YOLO.

    Five of them count that are not empty, among the first twenty.
    """
    texts = files.with_suffix(".txt")
    pairs = pair_labels(files.images(), texts) if texts else Pairs()
    labels = [label for label in pairs.labels.values() if label]
    verdicts: list[bool] = []
    for label in labels[:_MOST_OPENED]:
        line, complete = _first_line(files.path(label))
        if line and len(verdicts) < _LOOKED_AT:
            verdicts.append(_looks_right(line if complete else line[:-1]))
    if not labels or (verdicts and verdicts.count(True) * 2 <= len(verdicts)):
        return None
    if not verdicts and not any(posixpath.basename(name) in MAIN_FILES for name in files.names):
        return None
    return f"{len(labels)} text file(s) that belong to images as in YOLO, the first {labels[0]}"


def _first_line(path: Path) -> tuple[list[str], bool]:
    """The words of a file's first line, and whether the last word is complete."""
    with path.open("rb") as file:
        lines = decode_text(file.read(4096), "replace").lstrip().split("\n")
    return lines[0].split(), len(lines) > 1 or path.stat().st_size <= 4096


def _looks_right(words: list[str]) -> bool:
    numbers = [text_number(word) for word in words[1:]]
    return (
        len(numbers) >= 4
        and _class_number(words[0]) is not None
        and all(map(math.isfinite, numbers))
    )


def _rows(record: ImageRecord, path: Path, config: DatasetYaml) -> list[Row]:
    """The rows of a label file, or the reason why it cannot be read as the image's problem."""
    rows = []
    number = 0
    try:
        for number, line in enumerate(_text(path).split("\n"), start=1):
            words = line.split()
            if words:
                values = [text_number(word) for word in words[1:]]
                rows.append((number, _class_name(words[0], config), values))
    except UnicodeDecodeError:
        record.problem = "its label file is not UTF-8 text"
    except LabelError as error:
        record.problem = f"line {number} of its label file {error}" if number else str(error)
    return [] if record.problem else rows


def _text(path: Path) -> str:
    return decode_text(read_label_bytes(path, MAX_BYTES))


def _add_objects(
    files: FileIndex, parsed: list[tuple[ImageRecord, list[Row]]], config: DatasetYaml
) -> list[str]:
    """Turn the rows of all images into objects; what is told of it is returned.

    Raises:
        RepriseError: The rows do not show what they are.
    """
    values = [row[2] for _, rows in parsed for row in rows]
    reading = read_rows(values, config.keypoints, config.task)
    if reading.question:
        raise files.source_error(f"{reading.question}.", f"{reading.answer}.")
    for record, rows in parsed:
        for number, class_name, numbers in rows:
            try:
                record.boxes.append(reading.object(class_name, numbers))
            except LabelError as error:
                record.problem, record.boxes = f"line {number} of its label file {error}", []
                break
    return [reading.note] if reading.note else []


def _check_first_number(files: FileIndex, config: DatasetYaml) -> None:
    """Fail where class numbers seem to begin with 1, and names with 0.

    Raises:
        RepriseError: The greatest number is one too high, and none is 0.
    """
    if not config.names or not config.used or min(config.names) != 0:
        return
    most = max(config.names)
    if min(config.used) > 0 and max(config.used) == most + 1:
        raise files.source_error(
            f"its class numbers go from {min(config.used)} to {most + 1}, and the {most + 1} "
            "classes are numbered from 0: read so, each object would have the next class's name.",
            "subtract 1 from the class numbers; or, if 0 is a class that labels nothing, name it "
            "first in the list of classes.",
        )


def _far_notes(pairs: Pairs) -> list[str]:
    if not pairs.far:
        return []
    image, label = next(iter(pairs.far.items()))
    return [
        f"{len(pairs.far)} label file(s) were matched by their names and the words of their "
        f"folders: {label} is about {image}"
    ]


def _class_number(word: str) -> int | None:
    """The class that a word states as a whole number, as numpy's savetxt writes it too."""
    value = text_number(word) if _NUMBER.fullmatch(word) else math.nan
    return int(value) if 0 <= value < 1e9 and value.is_integer() else None


def _class_name(word: str, config: DatasetYaml) -> str:
    index = _class_number(word)
    if index is None:
        raise LabelError(f"has the class {word[:20]!r}, which is no class number")
    config.used.add(index)
    if config.names is None:
        return str(index)
    if index not in config.names:
        raise LabelError(f"has the class {index}, but {len(config.names)} classes have names")
    return config.names[index]


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``data.yaml``, and ``images/<split>/`` and ``labels/<split>/``.

    What YOLO cannot hold and is lost: masks as run lengths (their boxes stay), areas, keys,
    the mark ``synthetic``. The outlines of one object are joined into one by lines of no
    width. Where one object of an image has an outline, the boxes of the others are written as
    outlines too, because readers take a file for one or the other. Numbers have ten digits.
    Images that are not labelled have no label file.

    Raises:
        RepriseError: There are crowds, labels of whole images, or two images whose names
            differ in their endings only.
    """
    check_writable(dataset, "yolo")
    names = class_names(dataset)
    indices = {name: index for index, name in enumerate(names)}
    for image in dataset.images:
        name = posixpath.join("images", image.split or "", image.name)
        copy_image(image, folder, name)
        if image.labelled:
            write_label(folder, label_name(name), "".join(_lines(image, indices)))
    used = {image.split for image in dataset.images}
    content: dict[str, object] = {name: f"images/{name}" for name in SPLITS if name in used}
    if any(_is_outlined(image) for image in dataset.images):
        content["task"] = "segment"  # our own word, for polygons may look like boxes with keypoints
    content["names"] = dict(enumerate(names))
    write_label(folder, "data.yaml", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _lines(image: ImageRecord, indices: dict[str, int]) -> list[str]:
    assert image.width is not None and image.height is not None
    outlined = _is_outlined(image)
    lines = []
    for box in image.boxes:
        x, y, w, h = box.xywh
        if outlined and isinstance(box.segmentation, list) and box.segmentation:
            values = _joined(box.segmentation)
        elif outlined:
            values = [x, y, x + w, y, x + w, y + h, x, y + h]
        else:
            values = [x + w / 2, y + h / 2, w, h]
        sides = (image.width, image.height)
        fractions = [value / sides[place % 2] for place, value in enumerate(values)]
        words = [str(indices[box.class_name]), *(f"{value:.10g}" for value in fractions)]
        lines.append(" ".join(words) + "\n")
    return lines


def _is_outlined(image: ImageRecord) -> bool:
    return any(box.segmentation and isinstance(box.segmentation, list) for box in image.boxes)


def _joined(outlines: list[list[float]]) -> list[float]:
    """Several outlines as one: from the first one's start to each other and back."""
    first, *others = outlines
    joined = list(first)
    for other in others:
        joined += [*first[:2], *other, *other[:2]]
    return joined
