"""YOLO labels: one text file for each image, with boxes or polygons as fractions of it."""

from __future__ import annotations

import math
import posixpath
import re
from pathlib import Path

import yaml

from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import bounds, corners, text_number
from reprise.formats.records import BoxRecord, ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.sidecars import read_label_bytes
from reprise.formats.split_names import SPLITS, folder_split
from reprise.formats.writing import check_writable, class_names, copy_image, write_label
from reprise.formats.yolo.dataset_yaml import MAIN_FILES, DatasetYaml, read_dataset_yaml

MAX_BYTES = 16_000_000  # of one label file
_LOOKED_AT = 5
_MOST_OPENED = 20
_CLASS = re.compile(r"([0-9]{1,9})(\.0*)?")


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the YOLO labels of a source folder.

    The label file of ``images/a/b.jpg`` is ``labels/a/b.txt`` (the last folder ``images``
    counts) or, failing that, ``images/a/b.txt``. A line is ``class cx cy w h``, with or
    without a confidence, which is ignored, or ``class x1 y1 x2 y2 x3 y3 ...``; its box is then
    the outline's bounds. All numbers but the class are fractions of the upright image, and so
    are the boxes here. An empty file says that the image shows no object.

    Classes and splits come from the YAML file (``names``, ``train``, ``val``, ``test``; nothing
    else of it is read, nothing in it is run), else from ``classes.txt`` or a file ``*.names``
    and from lists ``train.txt``, ``val.txt`` and ``test.txt``. Images that none of these speaks
    of have the split that their folders name. Without names a class is its number as text.

    Returns:
        The labels, all images ``normalised``. A file below a folder ``labels`` without an
        image gives a record of its own name without a path. Where the YAML file declares
        keypoints they are left out.

    Raises:
        RepriseError: No image has a label file, or the YAML file or a list cannot be read.
    """
    images = files.images()
    known = set(files.with_suffix(".txt"))
    labels = {name: _label_of(name, known) for name in images}
    claimed = {label for label in labels.values() if label is not None}
    if not claimed:
        raise files.source_error(
            f"no YOLO label was found. Looked for a .txt file beside each of "
            f"{len(images)} image(s), or in 'labels' in place of the last folder 'images'.",
            "put the label files there, or correct its format in data.sources.",
        )
    config = read_dataset_yaml(files, claimed)
    records = []
    for name, label in labels.items():
        record = ImageRecord(
            name, files.path(name), split=config.splits.split(name), normalised=True
        )
        record.labelled = label is not None
        if label is not None:
            _fill(record, files.path(label), config)
        records.append(record)
    for label in sorted(known - claimed):
        if "labels" in label.lower().split("/") and posixpath.basename(label) != "classes.txt":
            record = ImageRecord(label, None, split=folder_split(label), normalised=True)
            _fill(record, files.path(label), config)
            records.append(record)
    records.sort(key=lambda record: record.name)
    used = {box.class_name for record in records for box in record.boxes}
    classes = sorted(used, key=int) if config.names is None else [*config.names.values()]
    return SourceDataset(files.source, records, list(dict.fromkeys(classes)), notes=config.notes)


def detect(files: FileIndex) -> str | None:
    """Text files where label files of images are, of which the first ones have lines of YOLO.

    Five of them count that are not empty, among the first twenty.
    """
    known = set(files.with_suffix(".txt"))
    labels = [label for name in files.images() if (label := _label_of(name, known))]
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
        lines = file.read(4096).decode("utf-8-sig", "replace").lstrip().split("\n")
    return lines[0].split(), len(lines) > 1 or path.stat().st_size <= 4096


def _looks_right(words: list[str]) -> bool:
    numbers = [text_number(word) for word in words[1:]]
    return (
        len(numbers) >= 4
        and _CLASS.fullmatch(words[0]) is not None
        and all(map(math.isfinite, numbers))
    )


def _label_of(image: str, known: set[str]) -> str | None:
    beside = f"{posixpath.splitext(image)[0]}.txt"
    apart = label_name(image)
    return next((name for name in (apart, beside) if name in known), None)


def label_name(image: str) -> str:
    """Where an image's label file is: the last folder ``images`` becomes ``labels``."""
    parts = f"{posixpath.splitext(image)[0]}.txt".split("/")
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return "/".join(parts)


def _fill(record: ImageRecord, path: Path, config: DatasetYaml) -> None:
    """Add the objects of a label file to its image, or the reason why it cannot be read."""
    try:
        text = read_label_bytes(path, MAX_BYTES).decode("utf-8-sig")
        record.boxes = _objects(text, config)
    except UnicodeDecodeError:
        record.problem = "its label file is not UTF-8 text"
    except LabelError as error:
        record.problem = str(error)


def _objects(text: str, config: DatasetYaml) -> list[BoxRecord]:
    boxes = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                boxes.append(_object(line.split(), config))
        except LabelError as error:
            raise LabelError(f"line {number} of its label file {error}") from None
    return boxes


def _object(words: list[str], config: DatasetYaml) -> BoxRecord:
    """One line.

    Raises:
        LabelError: What is wrong with the line.
    """
    class_name = _class_name(words[0], config)
    values = [text_number(word) for word in words[1:]]
    if len(values) in (4, 5) or (config.keypoints and len(values) > 5):
        cx, cy, w, h = values[:4]
        return BoxRecord(class_name, (cx - w / 2, cy - h / 2, w, h))
    if len(values) < 6 or len(values) % 2:
        raise LabelError(f"has {len(words)} columns, neither a box nor an outline")
    if not all(map(math.isfinite, values)):
        raise LabelError("has a coordinate that is not a number")
    return BoxRecord(class_name, bounds(corners(values)), segmentation=[values])


def _class_name(word: str, config: DatasetYaml) -> str:
    match = _CLASS.fullmatch(word)
    if match is None:
        raise LabelError(f"has the class {word[:20]!r}, which is no class number")
    index = int(match[1])
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
    content["names"] = dict(enumerate(names))
    write_label(folder, "data.yaml", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _lines(image: ImageRecord, indices: dict[str, int]) -> list[str]:
    assert image.width is not None and image.height is not None
    outlined = any(box.segmentation and isinstance(box.segmentation, list) for box in image.boxes)
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


def _joined(outlines: list[list[float]]) -> list[float]:
    """Several outlines as one: from the first one's start to each other and back."""
    first, *others = outlines
    joined = list(first)
    for other in others:
        joined += [*first[:2], *other, *other[:2]]
    return joined
