"""Train, val and test as sources spell them in the names of folders and lists."""

from __future__ import annotations

import re

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def named_split(text: str) -> str | None:
    """The split that a path names in any of its words, the last one counting.

    Words end at anything that is no letter: ``instances_val2017.json`` names val, and
    ``contest/a.jpg`` names nothing.

    Args:
        text: A posix path, or a part of one.

    Returns:
        ``train``, ``val``, ``test`` or None.
    """
    found = [_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    return found[-1] if found else None
