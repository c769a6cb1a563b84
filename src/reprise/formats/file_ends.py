"""Cheap looks into files, to tell formats apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

END_BYTES = 65_536


def ends(path: Path) -> bytes:
    """The first and the last 64 KiB of a file, or all of a shorter one."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        size = file.seek(0, 2)
        file.seek(max(len(head), size - END_BYTES))
        return head + file.read(END_BYTES)


def has_json_keys(text: bytes, keys: Iterable[str]) -> bool:
    """Whether all these keys occur in a piece of JSON, at any depth."""
    return all(re.search(rb'"%s"\s*:' % re.escape(key.encode()), text) for key in keys)
