"""What is read before any image is: the labels of all sources, and the classes in them.

A million boxes as Python objects take most of a gigabyte, which the process that made them
keeps. So the labels of a large source are read in a process of their own, which leaves them in
a file and ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.formats.file_index import IMAGE_SUFFIXES
from reprise.formats.records import ImageRecord, ReadOptions
from reprise.formats.source_labels import read_source
from reprise.preprocessing import rules
from reprise.preprocessing.config import SYNTHETIC, DataConfig
from reprise.preprocessing.labels.label_cache import LabelCache, label_key
from reprise.preprocessing.labels.label_file import read_records, write_records

# A source of so many files and bytes of labels is read sooner than a process starts.
_FEW_FILES, _FEW_BYTES = 1000, 2**20


@dataclass(frozen=True)
class SourceLabels:
    """The labels of one source, left in a file.

    Attributes:
        source: Its name.
        file: Its images, as :func:`.records_file.write_records` left them.
        count: Images in it.
        classes: Classes that label a box or an image, in the order of the label files.
        notes: What was decided in reading it.
        unlisted: Images that are left out because no label speaks of them.
    """

    source: str
    file: Path
    count: int
    classes: list[str]
    notes: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def records(self) -> Iterator[ImageRecord]:
        """The images in the order of their names, those without labels last."""
        return read_records(self.file)

    def ledger(self) -> list[dict[str, str]]:
        """A row for each image that is left out."""
        return [rules.row(rules.IMAGE_UNLISTED, self.source, name, "") for name in self.unlisted]


@dataclass(frozen=True)
class _Task:
    folder: Path
    source: str
    format: str
    options: ReadOptions
    unlabelled: Literal["auto", "background", "drop"]
    synthetic: bool
    file: Path


def read_labels(
    config: DataConfig,
    raw: Mapping[str, Path],
    synthetic: Path | None,
    spool: Path,
    apart: bool,
    kept: LabelCache | None = None,
) -> list[SourceLabels]:
    """Read the labels of all sources by name, the synthetic one last.

    Args:
        config: The ``data`` section.
        raw: The folder of each source.
        synthetic: A COCO folder of generated images, or None.
        spool: Folder for the files in which the labels wait.
        apart: Read large sources in a process of their own, so that this one stays small.
        kept: The labels of earlier runs: a source that is as it was is not read.

    Raises:
        RepriseError: The labels of a source cannot be read.
    """
    tasks = [
        _Task(
            raw[name],
            name,
            entry.format,
            ReadOptions(entry.version),
            entry.unlabelled,
            False,
            spool / f"{name}.records",
        )
        for name, entry in sorted(config.sources.items())
    ]
    if synthetic is not None and synthetic.is_dir():
        file = spool / f"{SYNTHETIC}.records"
        tasks.append(_Task(synthetic, SYNTHETIC, "coco", ReadOptions(), "auto", True, file))
    spool.mkdir(parents=True, exist_ok=True)
    sources = []
    for task in tasks:
        sources.append(_known_or_read(task, apart, kept))
        for note in sources[-1].notes:
            print(f"{task.source}: {note}")
    if kept is not None:
        kept.forget_others(task.source for task in tasks)
    return sources


def _known_or_read(task: _Task, apart: bool, kept: LabelCache | None) -> SourceLabels:
    asked = (task.source, str(task.folder), asdict(task.options), task.unlabelled, task.synthetic)
    key = label_key(task.folder, task.format, asked) if kept is not None else None
    if kept is None or key is None:
        return _read(task, apart)
    known = kept.find(task.source, key, task.file)
    if known is not None:
        return SourceLabels(task.source, task.file, **known)
    source = _read(task, apart)
    told = {name: getattr(source, name) for name in ("count", "classes", "notes", "unlisted")}
    kept.keep(task.source, key, task.file, told)
    return source


def _read(task: _Task, apart: bool) -> SourceLabels:
    if not apart or _is_small(task.folder):
        return _spool(task)
    # Not from the fork server, which may still be importing what this one need not.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_spool, task).result()


def _is_small(folder: Path) -> bool:
    files = size = 0
    for where, _, names in os.walk(folder):
        files += len(names)
        if files > _FEW_FILES:
            return False
        labels = [name for name in names if Path(name).suffix.lower() not in IMAGE_SUFFIXES]
        size += sum(Path(where, name).lstat().st_size for name in labels)
        if size > _FEW_BYTES:
            return False
    return True


def _spool(task: _Task) -> SourceLabels:
    """Read a source and leave its records in a file."""
    dataset = read_source(task.folder, task.source, task.format, task.options)
    drop = task.unlabelled == "drop" or (task.unlabelled == "auto" and dataset.lists_images)
    kept = [image for image in dataset.images if image.labelled or not drop]
    unlisted = [image.name for image in dataset.images if drop and not image.labelled]
    if task.synthetic:
        kept = [replace(image, synthetic=True) for image in kept]
    # Of two images with the same pixels the first stays: it should be one with labels.
    kept.sort(key=lambda image: not image.labelled)
    used = {box.class_name for image in kept for box in image.boxes}
    used.update(name for image in kept for name in image.labels)
    write_records(kept, task.file)
    classes = [name for name in dataset.classes if name in used]
    return SourceLabels(task.source, task.file, len(kept), classes, dataset.notes, unlisted)


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
            "rename the class in the label files.",
        )
    if not names:
        raise RepriseError(
            "no image has any box or label.", "check that the label files belong to the images."
        )
    return [Category(index, name) for index, name in enumerate(names, start=1)]
