"""``reprise export FORMAT OUT``: the processed dataset as a plain folder, for other tools."""

from __future__ import annotations

import argparse
import json
import posixpath
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reprise.commands import check_new_folder, from_repository
from reprise.dataset import SPLITS, Dataset
from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord, SourceDataset
from reprise.formats.registry import FORMATS
from reprise.formats.source_labels import format_module
from reprise.masks import rle
from reprise.replacing import replacing_folder
from reprise.scoring.overlaps import grouped

# What --without may name.
PARTS = ("boxes", "labels", "crowds", "outlines")

Outline = list[list[float]] | dict[str, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Write the processed dataset as a plain folder of images and label files. Images are\n"
        "written as they are stored, not encoded again; boxes and outlines are scaled to them.\n\n"
        "Formats:\n" + "\n".join(f"  {name:<20}{meaning}" for name, meaning in FORMATS.items())
    )
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help="one of those above")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder: new, or empty")
    parser.add_argument(
        "--dataset", type=Path, default=Path("data/processed"), help="default data/processed"
    )
    parser.add_argument(
        "--split", nargs="+", choices=SPLITS, default=list(SPLITS), help="default all of them"
    )
    parser.add_argument(
        "--without",
        nargs="+",
        choices=PARTS,
        default=[],
        help="leave out what a format cannot hold; labels are those of whole images",
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder.

    Raises:
        RepriseError: The dataset cannot be read, the folder is not empty, or the format
            cannot hold what the dataset has. Then nothing is left behind.
    """
    check_new_folder(options.out)
    out = options.out.resolve()
    dataset = Dataset(from_repository(options.dataset, "--dataset"))
    count = export(dataset, options.format, out, options.split, options.without)
    print(f"{count} image(s) in {options.out}, format {options.format}")
    return 0


def export(
    dataset: Dataset,
    format_name: str,
    out: Path,
    splits: Sequence[str] = SPLITS,
    without: Sequence[str] = (),
) -> int:
    """Write a dataset in another format.

    Args:
        dataset: The dataset.
        format_name: A key of FORMATS.
        out: The folder to write; absent or empty.
        splits: What to write.
        without: Of PARTS, what to leave out.

    Returns:
        The number of images.

    Raises:
        RepriseError: The splits have no images, or the format cannot hold what they have.
    """
    with (
        replacing_folder(out) as folder,
        tempfile.TemporaryDirectory(prefix=f".{out.name}.images-", dir=out.parent) as files,
    ):
        records = _records(dataset, splits, Path(files))
        if not records:
            raise RepriseError(
                f"{dataset.root} has no images in {', '.join(splits)}.", "name other splits."
            )
        for record in records:
            _leave_out(record, without)
        name = dataset.root.resolve().name
        content = SourceDataset(name, records, dataset.class_names, lists_images=True)
        try:
            format_module(format_name).write(content, folder)
        except RepriseError as error:
            hint = f"Or leave something out: --without, with any of {', '.join(PARTS)}."
            raise RepriseError(error.problem, f"{error.fix} {hint}") from None
    return len(records)


def _records(dataset: Dataset, splits: Sequence[str], files: Path) -> list[ImageRecord]:
    """The images, each written to a file below ``files``, with labels in stored pixels."""
    chosen = dataset.images[dataset.images["split"].isin(list(splits))]
    boxes = dataset.boxes_of(chosen["image_id"])
    labels = grouped(dataset.labels.to_dict("records"), "image_id")
    classes = {category.category_id: category.name for category in dataset.categories}
    # Typed loosely: pandas' stubs give a named row no types of its columns.
    rows: list[Any] = list(chosen.itertuples(index=False))
    names = exported_names([(row.source, row.name, _suffix(dataset, row)) for row in rows])
    records = []
    for row, name in zip(rows, names, strict=True):
        path = files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dataset.encoded(row.shard, row.offset, row.length))
        records.append(
            ImageRecord(
                name=name,
                path=path,
                width=int(row.width),
                height=int(row.height),
                keys={"group": row.group},
                synthetic=bool(row.synthetic),
                boxes=_boxes(classes, row, boxes[row.image_id]),
                labels=[classes[item["category_id"]] for item in labels.get(row.image_id, [])],
                split=row.split,
            )
        )
    return sorted(records, key=lambda record: record.name)


def exported_names(images: Sequence[tuple[str, str, str]]) -> list[str]:
    """File names for images, each used once.

    Args:
        images: Source, posix path inside it, and the suffix of the stored bytes.

    Returns:
        The path with the new suffix; where several images would share it, below a folder
        named after the source; where they still do, with the old suffix kept before the new.
    """
    choices = []
    for source, name, suffix in images:
        short = posixpath.splitext(name)[0] + suffix
        choices.append((short, f"{source}/{short}", f"{source}/{name}{suffix}"))
    taken = [0] * len(choices)
    while True:
        names = [choice[place] for choice, place in zip(choices, taken, strict=True)]
        used = Counter(names)
        clashing = [i for i, name in enumerate(names) if used[name] > 1 and taken[i] < 2]
        if not clashing:
            return names
        for i in clashing:
            taken[i] += 1


def _leave_out(record: ImageRecord, parts: Sequence[str]) -> None:
    if "boxes" in parts:
        record.boxes = []
    if "labels" in parts:
        record.labels = []
    if "crowds" in parts:
        record.boxes = [box for box in record.boxes if not box.iscrowd]
    if "outlines" in parts:
        record.boxes = [replace(box, segmentation=[]) for box in record.boxes]


def _suffix(dataset: Dataset, row: Any) -> str:
    start = dataset.encoded(row.shard, row.offset, min(row.length, 8))
    return ".png" if start.startswith(b"\x89PNG") else ".jpg"


def _boxes(names: Mapping[int, str], row: Any, boxes: Any) -> list[BoxRecord]:
    """An image's boxes in stored pixels."""
    across, down = row.width / row.original_width, row.height / row.original_height
    return [
        BoxRecord(
            class_name=names[box.category_id],
            xywh=(box.x * across, box.y * down, box.w * across, box.h * down),
            area=box.area * across * down,
            iscrowd=int(box.iscrowd),
            segmentation=_outline(json.loads(box.segmentation), row),
        )
        for box in boxes.itertuples(index=False)
    ]


def _outline(outline: Outline, row: Any) -> Outline:
    """An outline in stored pixels; empty when a mask is broken, or vanishes at that size."""
    if (row.width, row.height) == (row.original_width, row.original_height):
        return outline
    if isinstance(outline, dict):
        return _resized_mask(outline, row)
    scale = (row.width / row.original_width, row.height / row.original_height)
    return [[value * scale[place % 2] for place, value in enumerate(part)] for part in outline]


def _resized_mask(outline: dict[str, object], row: Any) -> Outline:
    # A mask of another size belongs to no pixels of this image, and could be of any size.
    if outline.get("size") != [row.original_height, row.original_width]:
        return []
    try:
        mask = rle.decode(outline)
    except ValueError:
        return []
    # Each new pixel takes the old one that its centre lies in.
    down = ((np.arange(row.height) + 0.5) * row.original_height / row.height).astype(int)
    across = ((np.arange(row.width) + 0.5) * row.original_width / row.width).astype(int)
    resized = mask[down[:, None], across[None, :]]
    if not resized.any():
        return []
    size = (int(row.height), int(row.width))
    return rle.encode(resized, 0, 0, size)
