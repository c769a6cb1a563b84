"""The formats that ``data.sources.<name>.format`` may name: one module and one line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reprise.formats import coco
from reprise.formats.records import SourceDataset

READERS: dict[str, Callable[[Path, str], SourceDataset]] = {
    "coco": coco.read,
}
