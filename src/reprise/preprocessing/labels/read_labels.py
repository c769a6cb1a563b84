"""The labels of all sources, and the classes in them, read before any image is.

A million boxes as Python objects take most of a gigabyte, which the process that made them
keeps. So each source is read in a process of its own, which leaves its labels in a file and
ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord, ReadOptions
from reprise.formats.source_labels import read_source
from reprise.preprocessing import rules
from reprise.preprocessing.config import SYNTHETIC, DataConfig
from reprise.preprocessing.labels.label_cache import LabelCache, label_key
from reprise.preprocessing.parallel import map_ordered
from reprise.preprocessing.rules import Rule
from reprise.sources.config import SourceConfig

# What is cached beside the records.
_SUMMARY = ("count", "classes", "notes", "unlisted", "specks")


@dataclass(frozen=True)
class SourceLabels:
    """The labels of one source, in a file.

    Attributes:
        source: Its name.
        file: Its images, as :func:`.label_file.write_records` left them.
        count: Images in it.
        classes: Classes that label a box or an image, in the order of the label files.
        notes: What was decided in reading it.
        unlisted: Images that are left out because no label mentions them.
        cacheable: False when they depend on more than the label files.
        specks: Regions of masks that are left out because they are too small for objects.
    """

    source: str
    file: Path
    count: int
    classes: list[str]
    notes: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    cacheable: bool = True
    specks: int = 0

    def records(self) -> Iterator[ImageRecord]:
        """The images in the order of their names, those without labels last."""
        return read_records(self.file)

    def ledger(self) -> list[dict[str, str]]:
        """A row for each image that is left out."""
        return [rules.row(Rule.IMAGE_UNLISTED, self.source, name, "") for name in self.unlisted]


def read_labels(
    config: DataConfig,
    folders: Mapping[str, Path],
    synthetic: Path | None,
    spool: Path,
    apart: bool = False,
    cache: LabelCache | None = None,
) -> list[SourceLabels]:
    """Read the labels of all sources by name, the synthetic one last.

    Args:
        config: The ``data`` section.
        folders: The folder of each source.
        synthetic: A COCO folder of generated images, or None.
        spool: Folder for the files in which the labels wait.
        apart: Read each source in a process of its own, so that this one stays small.
        cache: The labels of earlier runs: a source that is as it was is not read.

    Raises:
        RepriseError: The labels of a source cannot be read.
    """
    entries = dict(sorted(config.sources.items()))
    if synthetic is not None and synthetic.is_dir():
        entries[SYNTHETIC] = SourceConfig(url=SYNTHETIC, format="coco")
        folders = {**folders, SYNTHETIC: synthetic}
    spool.mkdir(parents=True, exist_ok=True)
    sources = []
    for name, entry in entries.items():
        read = partial(_read, source=name, entry=entry, folder=folders[name])
        options = (
            *(name, str(folders[name]), entry.version),
            *(entry.uncertain, entry.encoding, entry.unlabelled),
        )
        key = label_key(folders[name], entry.format, options) if cache is not None else None
        file = spool / f"{name}.jsonl"
        known = cache.get(key, file) if cache is not None and key is not None else None
        if known is not None:
            labels = SourceLabels(name, file, **known)
        else:
            labels = next(map_ordered(read, [file], workers=int(apart)))
            if cache is not None and key is not None and labels.cacheable:
                cache.put(key, file, {field: getattr(labels, field) for field in _SUMMARY})
        sources.append(labels)
        for note in labels.notes:
            print(f"{name}: {note}")
    return sources


def _read(file: Path, source: str, entry: SourceConfig, folder: Path) -> SourceLabels:
    """Read a source and leave its records in a file."""
    options = ReadOptions(entry.version, entry.uncertain, entry.encoding)
    dataset = read_source(folder, source, entry.format, options)
    drop = entry.unlabelled == "drop" or (entry.unlabelled == "auto" and dataset.lists_images)
    images = [image for image in dataset.images if image.labelled or not drop]
    unlisted = [image.name for image in dataset.images if drop and not image.labelled]
    if source == SYNTHETIC:
        images = [replace(image, synthetic=True) for image in images]
    # Of two images with the same pixels the first stays: it should be one with labels.
    images.sort(key=lambda image: not image.labelled)
    used = {box.class_name for image in images for box in image.boxes}
    used.update(name for image in images for name in image.labels)
    write_records(images, file)
    classes = [name for name in dataset.classes if name in used]
    return SourceLabels(
        source,
        file,
        len(images),
        classes,
        dataset.notes,
        unlisted,
        specks=dataset.specks,
        cacheable=not dataset.opened_images,
    )


def choose_classes(sources: list[SourceLabels], config: DataConfig) -> list[Category]:
    """The classes of the dataset, numbered from 1.

    Args:
        sources: The labels of all sources.
        config: ``classes`` is a list, which is taken as it is, or ``all``: then every class
            that labels at least one box or image, in the order of the sources and their
            label files.

    Raises:
        RepriseError: A label has a class that the list lacks, or there is no class at all.
    """
    used: dict[str, str] = {}
    for source in sources:
        for name in source.classes:
            used.setdefault(name, source.source)
    names = list(used) if config.classes == "all" else list(config.classes)
    unknown = [f"'{name}' (source {used[name]})" for name in used if name not in names]
    if unknown:
        raise RepriseError(
            f"labels have classes that data.classes does not name: {', '.join(unknown)}; "
            f"it names: {', '.join(names)}.",
            "add them to data.classes, or set data.classes: all.",
        )
    # The tables of the evaluation use these names for what is no class.
    reserved = sorted({"background", "all classes"} & set(names))
    if reserved:
        raise RepriseError(
            f"a class is named '{reserved[0]}', which the metrics use for something else.",
            "take it out of data.classes, or rename the class in the label files.",
        )
    if not names:
        raise RepriseError(
            "no image has any box or label.", "check that the label files belong to the images."
        )
    return [Category(index, name) for index, name in enumerate(names, start=1)]


_IMAGE_FIELDS = tuple(field.name for field in fields(ImageRecord))
_BOX_FIELDS = tuple(field.name for field in fields(BoxRecord))


def write_records(images: Iterable[ImageRecord], file: Path) -> None:
    """Write images as lines of JSON.

    Args:
        images: Of one source.
        file: Replaced when it exists.
    """
    with file.open("w", encoding="ascii") as to:
        for image in images:
            line = {name: getattr(image, name) for name in _IMAGE_FIELDS}
            line["path"] = None if image.path is None else str(image.path)
            line["boxes"] = [[getattr(box, name) for name in _BOX_FIELDS] for box in image.boxes]
            to.write(json.dumps(line) + "\n")


def read_records(file: Path) -> Iterator[ImageRecord]:
    """The images that :func:`write_records` wrote, in that order."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            image: dict[str, Any] = json.loads(line)
            image["path"] = None if image["path"] is None else Path(image["path"])
            image["boxes"] = [
                BoxRecord(name, tuple(xywh), *rest) for name, xywh, *rest in image["boxes"]
            ]
            yield ImageRecord(**image)
