"""Masks of a whole image: one picture of class numbers, or one for each class.

:mod:`reprise.formats.label_masks.mask_pairing` says how masks are named and where they lie,
:mod:`reprise.formats.label_masks.pixel_values` what their pixels mean.

An object is a region of one class that is connected over sides or corners and has at least
MIN_AREA pixels; smaller ones are specks, which are counted and left out. So two objects of one
class that touch are one, and the parts of one that something hides are several. Where more than
``expectations.max_rejected`` of a source's regions are specks, the gate stops the run.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

import cv2
import numpy as np

from reprise.errors import RepriseError
from reprise.formats.class_list import in_order, write_class_list
from reprise.formats.file_index import FileIndex
from reprise.formats.label_masks.class_tables import BACKGROUND, VOID, read_class_table
from reprise.formats.label_masks.mask_pairing import MaskFile, Pairs, pair
from reprise.formats.label_masks.pixel_values import HIGH, PixelValues
from reprise.formats.mask_images import (
    foreground,
    looks_like_mask,
    mask_of,
    soft_edges_note,
    write_mask,
)
from reprise.formats.records import BoxRecord, ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.split_names import SplitLists, folder_split
from reprise.formats.writing import check_writable, class_names, copy_image, flat_names
from reprise.masks import rle

# The fewest pixels of an object. Masks drawn by hand or by thresholds are full of specks: those
# of cracks in roads have thousands in one image.
MIN_AREA = 50
# Masks that `detect` opens, and the most colours that they may have.
_MOST_OPENED = 3
_MOST_COLOURS = 256


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read the objects in the masks as run lengths, box and area.

    Returns:
        Boxes as xywh in pixels, by class number or name, then by their first pixel column by
        column. An image whose masks cannot be read, or differ in size, has a ``problem``; one
        without a mask is unlabelled and no part of the dataset; a mask without an image gives
        a record without a path, and one that fits several images is a ``problem`` of these, as
        are specks where an image has nothing else. Splits are named by folders, else by lists
        of image names such as ``ImageSets/Segmentation/train.txt``. Notes say how many specks
        were left out.

    Raises:
        RepriseError: There is no mask, or a list of classes is malformed.
    """
    pairs = pair(files)
    if not pairs.masks and not pairs.ambiguous:
        raise files.source_error(
            f"no mask was found. Looked for pictures such as masks/1.png for "
            f"images/1.jpg, 1_mask.png beside 1.jpg, or 1_CRACK.png beside 1_RAW.jpg; it holds "
            f"{len(files.names)} file(s).",
            "correct the layout, or the format in data.sources.",
        )
    values = PixelValues(read_class_table(files), pairs.cityscapes)
    reader = _Reader(files, values)
    values.survey(
        files.path(mask.name)
        for _, masks in sorted(pairs.masks.items())
        for mask in masks
        if mask.class_name is None
    )
    records = [reader.image(name, masks) for name, masks in sorted(pairs.masks.items())]
    records += [ImageRecord(name, None) for name in pairs.orphans]
    for name in pairs.unlabelled:
        records.append(ImageRecord(name, files.path(name), labelled=False))
    _add_unclear(records, pairs)
    records.sort(key=lambda record: record.name)
    lists = SplitLists()
    lists.add_image_sets(files, [record.name for record in records], "Segmentation")
    for record in records:
        record.split = folder_split(record.name) or lists.split(record.name)
    classes = reader.classes()
    notes = [*pairs.notes(), *values.notes, *reader.notes()]
    notes += lists.notes("lists of ImageSets/Segmentation")
    return SourceDataset(
        files.source, records, classes, lists_images=True, notes=notes, specks=reader.specks
    )


def detect(files: FileIndex) -> str | None:
    """Masks by their names, the first few of which are opened and must look like masks."""
    pairs = pair(files)
    masks = [mask for name in sorted(pairs.masks) for mask in pairs.masks[name]]
    for mask in masks[:_MOST_OPENED]:
        if not looks_like_mask(files.path(mask.name), 2 if mask.class_name else _MOST_COLOURS):
            return None
    if not masks:
        return None
    return f"{len(masks)} mask(s) for {len(pairs.masks)} image(s), the first {masks[0].name}"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``images/[<split>/]1.jpg``, ``masks/[<split>/]1.png`` and ``classes.txt``.

    Masks are grey; the class that is nth in ``classes.txt``, after ``background``, has the
    value n. Later objects overwrite earlier ones. Images may get other names, so that no two
    have the same stem; keys are not kept.

    Raises:
        RepriseError: An object has no such mask or is a crowd, an image has labels as a whole,
            there are more than 254 classes, or one is called background.
    """
    check_writable(dataset, "label_masks")
    names = flat_names(dataset.images)
    classes = class_names(dataset)
    if len(classes) >= HIGH or any(name.lower() in BACKGROUND | VOID for name in classes):
        raise RepriseError(
            f"label_masks has numbers for {HIGH - 1} classes, none of them called background; "
            f"the dataset has {len(classes)}: {', '.join(classes[:5])}.",
            "write coco, or rename the class.",
        )
    write_class_list(["background", *classes], folder)
    values = {name: value for value, name in enumerate(classes, start=1)}
    for image in dataset.images:
        place = f"{image.split}/{names[image.name]}" if image.split else names[image.name]
        copy_image(image, folder, f"images/{place}")
        if image.labelled:
            pixels = np.zeros((image.height or 0, image.width or 0), dtype=np.uint8)
            for box in image.boxes:
                pixels[mask_of(box, image)] = values[box.class_name]
            write_mask(pixels, folder / "masks" / f"{posixpath.splitext(place)[0]}.png")


def _add_unclear(records: list[ImageRecord], pairs: Pairs) -> None:
    """Give a problem to all images that a mask may be of, and to the mask."""
    problems: dict[str, str] = {}
    for mask, images in pairs.ambiguous.items():
        problem = f"the mask {mask} fits several images: {', '.join(images[:4])}"
        problems.update(dict.fromkeys(images, problem))
        records.append(ImageRecord(mask, None, problem=problem))
    for record in records:
        if record.name in problems:
            record.labelled = True  # and so no background
            record.boxes.clear()
            record.add_problem(problems[record.name])


class _Reader:
    """Turns masks into objects.

    Attributes:
        specks: Regions that were left out.
    """

    def __init__(self, files: FileIndex, values: PixelValues) -> None:
        self._files = files
        self._values = values
        self._numbers: set[int] = set()
        self._named: set[str] = set()
        self._soft = 0
        self.specks = 0

    def image(self, name: str, masks: list[MaskFile]) -> ImageRecord:
        """One image with the objects of its masks."""
        record, before = ImageRecord(name, self._files.path(name)), self.specks
        if len(masks) > 1 and any(mask.class_name is None for mask in masks):
            record.problem = f"several masks are about it: {', '.join(m.name for m in masks[:4])}"
            return record
        for mask in sorted(masks, key=lambda mask: mask.class_name or ""):
            try:
                self._add(record, mask)
            except LabelError as bad:
                record.problem = f"{mask.name}: {bad}"
                record.boxes.clear()
                break
        if self.specks > before and not record.boxes:
            # What was labelled, and lost all of it, is not what background looks like.
            record.add_problem(f"all its {self.specks - before} region(s) are specks")
        return record

    def classes(self) -> list[str]:
        """Those of the table, then those of numbers, then those of names, in order."""
        numbered = [self._values.name(number) for number in sorted(self._numbers)]
        return in_order([*self._values.names.values(), *numbered], self._named)

    def notes(self) -> list[str]:
        """What was left out or cut."""
        notes = soft_edges_note(self._soft)
        if self.specks:
            notes.append(f"{self.specks} region(s) of under {MIN_AREA} px were left out as specks")
        return notes

    def _add(self, record: ImageRecord, mask: MaskFile) -> None:
        path = self._files.path(mask.name)
        if mask.class_name is not None:
            found = foreground(path)
            self._soft += found.soft
            record.set_size(found.pixels.shape[1], found.pixels.shape[0])
            self._named.add(mask.class_name)
            self.specks += _objects(found.pixels, mask.class_name, record.boxes)
            return
        numbers = self._values.read(path)
        record.set_size(numbers.shape[1], numbers.shape[0])
        for number in np.flatnonzero(np.bincount(numbers.ravel())).tolist():
            if number not in self._values.background:
                self._numbers.add(number)
                name = self._values.name(number)
                self.specks += _objects(numbers == number, name, record.boxes)


def _objects(pixels: np.ndarray, class_name: str, boxes: list[BoxRecord]) -> int:
    """Append the connected regions of a mask; the number of specks is returned."""
    count, regions, stats, _ = cv2.connectedComponentsWithStats(
        pixels.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    found = []
    for region, (left, top, width, height, area) in enumerate(stats.tolist()):
        if region and area >= MIN_AREA:
            inside = regions[top : top + height, left : left + width] == region
            runs = rle.encode(inside, left, top, pixels.shape)
            box = (float(left), float(top), float(width), float(height))
            record = BoxRecord(class_name, box, float(area), segmentation=rle.pack(runs))
            found.append((runs["counts"][0], record))
    boxes += [record for _, record in sorted(found, key=lambda item: item[0])]
    return int(count) - 1 - len(found)
