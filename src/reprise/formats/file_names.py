"""How writers name the files and folders that a reader finds again."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from reprise.errors import RepriseError
from reprise.formats.records import ImageRecord

_MOST_BYTES = 255  # in one part of a path, on all common file systems


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
    """Raise RepriseError unless one visible folder can bear a name, made of class names."""
    hidden = not name or name.startswith(".") or name == "__MACOSX"
    if hidden or "/" in name or "\0" in name or len(name.encode()) > _MOST_BYTES:
        raise RepriseError(
            f"no folder can be named {name[:80]!r}, which is or joins the name of classes.",
            "rename the class, or choose another format.",
        )
