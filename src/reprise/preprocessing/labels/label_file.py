"""The labels of a source in a file, one image a line, so that few are in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from reprise.formats.records import BoxRecord, ImageRecord

_IMAGE_FIELDS = tuple(field.name for field in fields(ImageRecord))
_BOX_FIELDS = tuple(field.name for field in fields(BoxRecord))


def write_records(images: Iterable[ImageRecord], file: Path) -> None:
    """Write images as lines of JSON.

    Args:
        images: Of one source.
        file: Replaced when it exists.
    """
    with file.open("w", encoding="ascii") as to:
        for image in images:
            line = {name: getattr(image, name) for name in _IMAGE_FIELDS}
            line["path"] = None if image.path is None else str(image.path)
            line["boxes"] = [[getattr(box, name) for name in _BOX_FIELDS] for box in image.boxes]
            to.write(json.dumps(line) + "\n")


def read_records(file: Path) -> Iterator[ImageRecord]:
    """The images that :func:`write_records` wrote, in that order."""
    with file.open(encoding="ascii") as lines:
        for line in lines:
            image: dict[str, Any] = json.loads(line)
            image["path"] = None if image["path"] is None else Path(image["path"])
            image["boxes"] = [
                BoxRecord(name, tuple(xywh), *rest) for name, xywh, *rest in image["boxes"]
            ]
            yield ImageRecord(**image)
