"""Images without labels, as background."""

from __future__ import annotations

import posixpath
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats.file_index import IMAGE_SUFFIXES, FileIndex
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.split_names import named_split
from reprise.formats.writing import copy_image, require


def read(folder: Path, source: str, options: ReadOptions = ReadOptions()) -> SourceDataset:
    """List every image of a source folder; whatever else it holds does not count.

    Args:
        folder: The source folder; it is not changed.
        source: Name of the source, for messages.
        options: Nothing of it applies.

    Returns:
        Images that no label speaks of, in the split that their folder names. No label file
        lists them, so that ``unlabelled: auto`` keeps them as background.

    Raises:
        RepriseError: There is no image.
    """
    files = FileIndex(folder, source)
    names = files.images()
    if not names:
        raise RepriseError(
            f"source '{source}': no image was found among {len(files.names)} file(s).",
            f"put images into it, with one of the endings {', '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    images = [
        ImageRecord(
            name, files.path(name), split=named_split(posixpath.dirname(name)), labelled=False
        )
        for name in names
    ]
    return SourceDataset(source, images, [])


def detect(files: FileIndex) -> None:
    """Always None: this format is chosen by name only.

    A folder of images whose labels were forgotten, or are in no known format, looks the same;
    to train on it as background would teach a model to see nothing there.
    """


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write the images, each under its own name; keys and splits are not kept.

    Args:
        dataset: Images without boxes and labels.
        folder: An empty folder.

    Raises:
        RepriseError: An image has labels, or cannot be copied.
    """
    require(dataset, "images", boxes=False)
    for image in dataset.images:
        copy_image(image, folder, image.name)
