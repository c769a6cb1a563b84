"""A folder for each image, with one mask picture for each object.

The layout of the 2018 Data Science Bowl and similar datasets::

    <id>/images/<any name>.png        or  <id>/<any name>.png
    <id>/masks/<any name>.png         one object each, of the class that classes.txt names
    <id>/masks/<class>/<any name>.png one object of that class

Masks state no class; those that lie directly in ``masks`` are of the one class that
``classes.txt`` names, else of the class ``object``. What is not black is the object; soft edges are
cut half way. A split is named by a folder above ``<id>``. Image and mask need not share a name: one
mask with its image's name is a mask of labels (:mod:`reprise.formats.label_masks`).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reprise.formats.class_list import in_order, read_class_list, write_class_list
from reprise.formats.file_index import FileIndex
from reprise.formats.mask_images import (
    foreground,
    mask_of,
    mask_record,
    soft_edges_note,
    write_mask,
)
from reprise.formats.records import ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.split_names import named_split
from reprise.formats.writing import (
    check_folder_name,
    check_writable,
    class_names,
    copy_image,
    flat_names,
)

DEFAULT_CLASS = "object"
_IMAGES, _MASKS = "images", "masks"


@dataclass
class _Unit:
    """One folder ``<id>``: posix paths of what it holds.

    Attributes:
        inner: Images in its folder ``images``.
        beside: Images directly in it.
        masks: Pictures anywhere in its folder ``masks``.
    """

    inner: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)

    @property
    def images(self) -> list[str]:
        return self.inner or self.beside


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the masks of every image as run lengths, box and area.

    Returns:
        Boxes as xywh in pixels, objects by the names of their mask files. An empty mask gives
        a box of no size. An image whose masks cannot be read, or differ in size, has a
        ``problem``. An image without a folder ``masks`` is unlabelled and no part of the
        dataset; an empty folder says that the image has no object.

    Raises:
        RepriseError: There is no mask in this layout.
    """
    units = _units(files)
    if not any(unit.masks for unit in units.values()):
        raise files.source_error(
            f"no instance mask was found. Looked for <id>/{_MASKS}/*.png with "
            f"an image in <id>/{_IMAGES}/ or <id>/; it holds {len(files.names)} file(s).",
            "correct the layout, or the format in data.sources.",
        )
    declared = read_class_list(files)
    default = declared[0] if len(declared) == 1 else DEFAULT_CLASS
    soft: list[str] = []
    images = [
        record
        for place, unit in units.items()
        for record in _records(files, place, unit, default, soft)
    ]
    images.sort(key=lambda image: image.name)
    occurring = {box.class_name for image in images for box in image.boxes}
    classes, notes = in_order(declared, occurring), soft_edges_note(len(soft))
    return SourceDataset(files.source, images, classes, lists_images=True, notes=notes)


def detect(files: FileIndex) -> str | None:
    """Folders of one image each with masks that do not have its name; no file is opened."""
    found = [
        place
        for place, unit in _units(files).items()
        if len(unit.images) == 1 and unit.masks and not _shares_stem(unit)
    ]
    if not found:
        return None
    return f"{len(found)} folder(s) of one image with {_MASKS}/, the first {found[0] or '.'}"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``[<split>/]<image>/images/`` and ``masks/<class>/000001.png``, and ``classes.txt``.

    Images may get other names, so that none occurs twice; keys are not kept. An image without
    objects has an empty folder ``masks``, which Git, say, does not keep.

    Raises:
        RepriseError: An object has no such mask, is a crowd, or is of a class that cannot be
            the name of a folder; or an image has labels as a whole.
    """
    check_writable(dataset, "instance_masks")
    names = flat_names(dataset.images)
    classes = class_names(dataset)
    for name in classes:
        check_folder_name(name)
    write_class_list(classes, folder)
    for image in dataset.images:
        stem = posixpath.splitext(names[image.name])[0]
        place = f"{image.split}/{stem}" if image.split else stem
        copy_image(image, folder, f"{place}/{_IMAGES}/{names[image.name]}")
        if not image.labelled:
            continue
        masks = folder / place / _MASKS
        masks.mkdir()
        for number, box in enumerate(image.boxes, start=1):
            pixels = mask_of(box, image).astype(np.uint8) * 255
            write_mask(pixels, masks / box.class_name / f"{number:06d}.png")


def _units(files: FileIndex) -> dict[str, _Unit]:
    units: dict[str, _Unit] = {}
    for name in files.images():
        parts = name.split("/")[:-1]
        if _MASKS in parts:
            last = len(parts) - 1 - parts[::-1].index(_MASKS)
            units.setdefault("/".join(parts[:last]), _Unit()).masks.append(name)
        elif parts and parts[-1] == _IMAGES:
            units.setdefault("/".join(parts[:-1]), _Unit()).inner.append(name)
        else:
            units.setdefault("/".join(parts), _Unit()).beside.append(name)
    return units


def _shares_stem(unit: _Unit) -> bool:
    stems = {posixpath.splitext(posixpath.basename(name))[0] for name in unit.images}
    return any(posixpath.splitext(posixpath.basename(name))[0] in stems for name in unit.masks)


def _records(
    files: FileIndex, place: str, unit: _Unit, default: str, soft: list[str]
) -> list[ImageRecord]:
    """All images of a folder; a folder of masks only gives one that is missing. Masks with soft
    edges are added to ``soft``."""
    annotated = bool(unit.masks) or files.path(posixpath.join(place, _MASKS)).is_dir()
    own_folder = annotated or bool(unit.inner)
    split = named_split(posixpath.dirname(place) if own_folder else place)
    if unit.masks and not unit.images:
        return [ImageRecord(posixpath.join(place, _IMAGES), None, split=split)]
    records = []
    for name in (*unit.inner, *unit.beside):
        record = ImageRecord(name, files.path(name), split=split)
        records.append(record)
        record.labelled = annotated and name in unit.images
        if record.labelled and len(unit.images) > 1:
            record.problem = f"{len(unit.images)} images share one folder {_MASKS}"
        elif record.labelled:
            soft += _read_masks(record, files, place, unit.masks, default)
    return records


def _read_masks(
    record: ImageRecord, files: FileIndex, place: str, masks: list[str], default: str
) -> list[str]:
    """Add the objects of masks; those masks are returned that have soft edges."""
    soft: list[str] = []
    for name in sorted(masks, key=lambda name: (posixpath.basename(name), name)):
        try:
            pixels, is_soft = foreground(files.path(name))
            record.set_size(pixels.shape[1], pixels.shape[0])
        except LabelError as mistake:
            record.problem = f"{name}: {mistake}"
            record.boxes.clear()
            return []
        soft += [name] * is_soft
        inner = posixpath.relpath(name, posixpath.join(place, _MASKS)).split("/")[:-1]
        record.boxes.append(mask_record(inner[0] if inner else default, pixels))
    return soft
