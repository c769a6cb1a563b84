"""COCO detection labels: one or more JSON files beside, above or below the images."""

from __future__ import annotations

import posixpath
import re

from reprise.formats.coco.coco_file import SECTIONS, CocoFile
from reprise.formats.coco.writer import write
from reprise.formats.file_index import FileIndex
from reprise.formats.json_files import file_ends, has_json_keys, read_json_lists
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.split_names import folder_split

__all__ = ["detect", "read", "write"]

# In a long file a section's key may be far from both ends; its entries then have these.
_SIGNS = (("images", "file_name"), ("annotations", "image_id"), ("categories", "category_id"))
_MOST_OPENED = 8


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every COCO file of a source folder and merge them.

    Returns:
        The labels. Boxes are as written; a named image that is missing has no ``path``. An
        entry that cannot be used is a ``problem`` of its image; one that is about no image
        stands as an image without a ``path``. The split of an image is the one that its label
        file's path names, else its folders.

    Raises:
        RepriseError: There is no COCO file, or one as a whole cannot be used: it is not JSON,
            a section is not a list, a file name fits several files, or no annotation has an
            image and a category. The message names the file and the place.
    """
    images: dict[str, ImageRecord] = {}
    classes: dict[str, None] = {}
    notes: list[str] = []
    found = 0
    for name in files.with_suffix(".json"):
        content = read_json_lists(files, name)
        if not all(key in content.keys for key in SECTIONS):
            continue
        found += 1
        label_file = CocoFile(content, files, name, images)
        classes.update(dict.fromkeys(label_file.read()))
        notes += label_file.notes
    if not found:
        looked_for = f"a .json file whose top level has {', '.join(SECTIONS)}"
        raise files.no_label_file("COCO", looked_for, ".json")
    for name in files.images():
        unlisted = ImageRecord(name, files.path(name), split=folder_split(name), labelled=False)
        images.setdefault(name, unlisted)
    ordered = [images[name] for name in sorted(images)]
    return SourceDataset(files.source, ordered, list(classes), lists_images=True, notes=notes)


def detect(files: FileIndex) -> str | None:
    """JSON files with the three sections of COCO, among the eight likeliest by their names."""
    names = sorted(files.with_suffix(".json"), key=_unlikeliness)[:_MOST_OPENED]
    found = [name for name in names if _is_coco(file_ends(files.path(name)))]
    return f"COCO sections in {', '.join(found[:3])}" if found else None


def _unlikeliness(name: str) -> tuple[bool, int, str]:
    speaks = re.search(r"coco|instances|annotations|labels", posixpath.basename(name).lower())
    return speaks is None, name.count("/"), name


def _is_coco(text: bytes) -> bool:
    return text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(
        any(has_json_keys(text, [sign]) for sign in signs) for signs in _SIGNS
    )
