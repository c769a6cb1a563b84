"""Images in folders that name their labels: ``cat/``, ``cat+dog/``.

The labels of an image are the name of the folder that holds it, split at ``+``, without spaces
around the parts. A folder ``none``, ``unlabelled``, ``background`` or ``negative`` holds images
that are known to show no class. An image outside all folders is not labelled. Folders further up
say nothing but the split: ``train/cat+dog/1.jpg``. A file name that occurs in two folders is two
images.

A folder named like a split that holds images itself (``train/1.jpg``) is no label, unless a
folder beside it is one or a folder above it names a split: so a class ``train`` beside a class
``bus`` is possible.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats import instance_masks, label_masks
from reprise.formats.class_list import in_order, read_class_list, write_class_list
from reprise.formats.file_index import FileIndex
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.split_names import named_split
from reprise.formats.writing import (
    check_folder_name,
    check_writable,
    class_names,
    copy_image,
    flat_names,
)

NO_LABEL = ("none", "unlabelled", "unlabeled", "background", "negative")
# Folders of images in other layouts, which name no class.
_STRUCTURE = frozenset(
    "images imgs jpegimages labels annotations masks segmentationclass segmentationobject".split()
)
# What may stand beside the word in the name of a split's folder.
_SPLIT_FILLERS = frozenset({"data", "images", "set", "split"})
_LABEL_FILES = (".csv", ".json", ".jsonl", ".parquet", ".tsv", ".xml", ".yaml", ".yml")


@dataclass(frozen=True)
class _Meaning:
    """What the folders of an image say."""

    labels: tuple[str, ...]
    labelled: bool
    split: str | None


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the labels from the names of the folders.

    Returns:
        Images with labels and no boxes; classes are those of ``classes.txt``, where there is
        one, and then the others by name. Images outside all folders are no part of the
        dataset.

    Raises:
        RepriseError: No folder names a label.
    """
    images = []
    for name, meaning in _meanings(files.images()).items():
        record = ImageRecord(name, files.path(name), split=meaning.split)
        record.labels, record.labelled = list(meaning.labels), meaning.labelled
        images.append(record)
    if not any(image.labels for image in images):
        raise files.source_error(
            f"no folder names a label. Looked for images in folders such as "
            f"cat/ or cat+dog/; found {len(images)} image(s), "
            f"the first {images[0].name if images else 'none'}.",
            "sort the images into such folders, or correct the format in data.sources.",
        )
    occurring = {label for image in images for label in image.labels}
    classes = in_order(read_class_list(files), occurring)
    return SourceDataset(files.source, images, classes, lists_images=True)


def detect(files: FileIndex) -> str | None:
    """Folders of images that are named like labels; no image is opened but possible masks.

    Either one folder with ``+`` between two names holds images, or two folders or more do, the
    source has no label file of any kind, and no folder is one of another layout.
    """
    meanings = _meanings(files.images())
    folders = dict.fromkeys(posixpath.dirname(name) for name, m in meanings.items() if m.labelled)
    joined = [name for name in folders if _is_joined(posixpath.basename(name))]
    if joined:
        return f"images in {len(joined)} folder(s) named label+label, the first {joined[0]}"
    if len({posixpath.basename(name) for name in folders}) < 2 or _other_layout(files):
        return None
    return f"images in {len(folders)} folders and no label file, the first {next(iter(folders))}"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``[<split>/]<label+label>/<image>``, and ``classes.txt``.

    Images may get other names, so that none occurs twice; keys are not kept.

    Raises:
        RepriseError: There are boxes, or a class or split that the names of folders would not
            give back.
    """
    check_writable(dataset, "multilabel_folders", boxes=False, labels=True)
    write_class_list(class_names(dataset), folder)
    names = flat_names(dataset.images)
    places = {}
    for image in dataset.images:
        parts = [image.split] if image.split else []
        if image.labelled:
            parts.append("+".join(image.labels) if image.labels else NO_LABEL[0])
            check_folder_name(parts[-1])
        places[image.name] = "/".join([*parts, names[image.name]])
    meanings = _meanings(places.values())
    for image in dataset.images:
        wanted = _Meaning(tuple(image.labels), image.labelled, image.split)
        if meanings[places[image.name]] != wanted:
            raise RepriseError(
                f"image {image.name} (labels {image.labels}, split {image.split}): written to "
                f"{places[image.name]} it would be read as {meanings[places[image.name]]}.",
                "choose another format, or rename the class.",
            )
        copy_image(image, folder, places[image.name])


def _meanings(names: Iterable[str]) -> dict[str, _Meaning]:
    """What the folders of images say, from their posix paths alone; sorted by name."""
    ordered = sorted(names)
    holding = {posixpath.dirname(name) for name in ordered} - {""}
    beside: dict[str, list[str]] = {}
    for place in holding:
        beside.setdefault(posixpath.dirname(place), []).append(posixpath.basename(place))
    found: dict[str, _Meaning] = {"": _Meaning((), False, None)}
    for place in holding:
        above, name = posixpath.split(place)
        split = named_split(above)
        if split is None and all(_is_split(other) for other in beside[above]):
            found[place] = _Meaning((), False, named_split(name))
        else:
            found[place] = _Meaning(_labels(name), True, split)
    return {name: found[posixpath.dirname(name)] for name in ordered}


def _labels(folder: str) -> tuple[str, ...]:
    if folder.strip().lower() in NO_LABEL:
        return ()
    parts = (part.strip() for part in folder.split("+"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _is_split(folder: str) -> bool:
    words = re.findall(r"[^\W\d_]+", folder.lower())
    known = all(word in _SPLIT_FILLERS or named_split(word) for word in words)
    return known and "+" not in folder and named_split(folder) is not None


def _is_joined(folder: str) -> bool:
    parts = folder.split("+")
    return len(parts) > 1 and all(part.strip() for part in parts)


def _other_layout(files: FileIndex) -> bool:
    images = files.images()
    folders = {posixpath.basename(posixpath.dirname(name)).lower() for name in images}
    stems = {posixpath.splitext(posixpath.basename(name))[0] for name in images}
    if _is_folder_an_image(images):
        return True
    for name in files.names:
        stem, ending = posixpath.splitext(posixpath.basename(name))
        if ending.lower() in _LABEL_FILES or (ending.lower() == ".txt" and stem in stems):
            return True
    return bool(_STRUCTURE & folders or instance_masks.detect(files) or label_masks.detect(files))


def _is_folder_an_image(images: list[str]) -> bool:
    """Whether each folder holds the same few names without a number, as ``img.png``: parts of
    one image."""
    names: dict[str, set[str]] = {}
    for image in images:
        names.setdefault(posixpath.dirname(image), set()).add(posixpath.basename(image))
    first, *others = names.values()
    same = len(others) > 1 and all(found == first for found in others)
    return same and not any(re.search(r"\d", name) for name in first)
