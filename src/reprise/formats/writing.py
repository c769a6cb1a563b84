"""What every writer shares: where its files go, and checks of what its format can hold."""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from reprise.errors import RepriseError
from reprise.formats.records import ImageRecord, SourceDataset

USED = "the format uses it for something else"  # for check_names
_COCO = "write coco, which holds boxes, outlines, masks and crowds."
_MOST_BYTES = 255  # in one part of a path, on all common file systems
_LABELS = "write labelme, which holds boxes and labels of whole images, or multilabel_csv."


def check_writable(
    dataset: SourceDataset,
    format_name: str,
    *,
    boxes: bool = True,
    crowds: bool = False,
    labels: bool = False,
) -> None:
    """Check that a dataset has no more than a format holds.

    Args:
        dataset: What is to be written.
        format_name: The format, for the message.
        boxes: Whether the format holds boxes.
        crowds: Whether it can tell crowds from single objects.
        labels: Whether it holds labels of whole images.

    Raises:
        RepriseError: The dataset has what the format cannot hold, or an image whose labels
            could not be read. The message names the image.
    """
    for image in dataset.images:
        where = f"image {image.name} of '{dataset.source}'"
        if image.problem:
            raise RepriseError(
                f"the labels of {where} could not be read: {image.problem}.",
                "correct them, or take the image out of the dataset.",
            )
        if image.boxes and not boxes:
            raise RepriseError(f"{format_name} cannot hold boxes, which {where} has.", _COCO)
        if not crowds and any(box.iscrowd for box in image.boxes):
            raise RepriseError(f"{format_name} cannot hold crowds, which {where} has.", _COCO)
        if image.labels and not labels:
            raise RepriseError(
                f"{format_name} cannot hold labels of whole images, which {where} has.", _LABELS
            )


def check_names(
    dataset: SourceDataset, format_name: str, kind: str, bad: Callable[[str], bool], reason: str
) -> None:
    """Check that a format can hold all names of one kind.

    Args:
        dataset: What is to be written.
        format_name: The format, for the message.
        kind: ``key``, ``class`` or ``image``.
        bad: Whether a name would not come back, or as something else.
        reason: Why not, for the message.

    Raises:
        RepriseError: There is such a name.
    """
    keys = sorted({key for image in dataset.images for key in image.keys})
    images = [image.name for image in dataset.images]
    for name in {"key": keys, "class": class_names(dataset), "image": images}[kind]:
        if bad(name):
            raise RepriseError(
                f"{format_name} cannot hold the {kind} {name!r} of '{dataset.source}': {reason}.",
                f"rename the {kind}.",
            )


def class_names(dataset: SourceDataset) -> list[str]:
    """The declared classes, then those that only occur, each once."""
    names = dict.fromkeys(dataset.classes)
    for image in dataset.images:
        names.update(dict.fromkeys(box.class_name for box in image.boxes))
        names.update(dict.fromkeys(image.labels))
    return list(names)


def copy_image(image: ImageRecord, folder: Path, name: str) -> None:
    """Copy an image's file, unchanged, to a posix path inside a folder.

    Raises:
        RepriseError: The path leads out of the folder, is taken, or the image has no file.
    """
    if image.path is None:
        raise RepriseError(
            f"image {image.name} has no file to copy.", "take it out of the dataset."
        )
    shutil.copyfile(image.path, _new_file(folder, name))


def write_label(folder: Path, name: str, text: str) -> None:
    """Write a label file as UTF-8 to a posix path inside a folder.

    Raises:
        RepriseError: The path leads out of the folder or is taken.
    """
    _new_file(folder, name).write_bytes(text.encode("utf-8"))


def flat_names(images: Iterable[ImageRecord]) -> dict[str, str]:
    """File names without folders, for images that may come from many.

    Args:
        images: Every name once.

    Returns:
        Image name to file name. No two have the same stem in any case of letters, so that
        label files can be named after them; of those that would, the later ones get ``_2``,
        ``_3`` and so on.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(image.name for image in images):
        stem, suffix = posixpath.splitext(posixpath.basename(name))
        free, count = stem, 1
        while free.casefold() in taken:
            count += 1
            free = f"{stem}_{count}"
        taken.add(free.casefold())
        found[name] = free + suffix
    return found


def check_folder_name(name: str) -> None:
    """Raise RepriseError unless a name made of class names can be that of a visible folder."""
    hidden = not name or name.startswith(".") or name == "__MACOSX"
    if hidden or "/" in name or "\0" in name or len(name.encode()) > _MOST_BYTES:
        raise RepriseError(
            f"no folder can be named {name[:80]!r}, which is or joins the name of classes.",
            "rename the class, or choose another format.",
        )


def _new_file(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RepriseError(f"'{name}' leads out of the folder.", "rename the image.")
    target = folder / path
    if target.exists():
        raise RepriseError(
            f"two images would both be written to '{name}'.",
            "rename one, or write coco, where names may differ in their endings only.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
