"""Images without labels, as background."""

from __future__ import annotations

from pathlib import Path

from reprise.formats.file_index import FileIndex
from reprise.formats.name_matching import IMAGE_SUFFIXES
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.split_names import folder_split
from reprise.formats.writing import check_writable, copy_image


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """List every image of a source folder; whatever else it holds does not count.

    Returns:
        Images without labels, in the split that their folder names. No label file
        lists them, so that ``unlabelled: auto`` keeps them as background.

    Raises:
        RepriseError: There is no image.
    """
    names = files.images()
    if not names:
        raise files.source_error(
            f"no image was found among {len(files.names)} file(s).",
            f"put images into it, with one of the endings {', '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    images = [
        ImageRecord(name, files.path(name), split=folder_split(name), labelled=False)
        for name in names
    ]
    return SourceDataset(files.source, images, [])


def detect(files: FileIndex) -> None:
    """Always None: this format is chosen by name only.

    A folder of images whose labels were forgotten, or are in no known format, looks the same;
    to train on it as background would teach a model to see nothing there.
    """


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write the images, each under its own name; keys and splits are not kept.

    Raises:
        RepriseError: An image has labels, or cannot be copied.
    """
    check_writable(dataset, "images", boxes=False)
    for image in dataset.images:
        copy_image(image, folder, image.name)
