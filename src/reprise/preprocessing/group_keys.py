"""What ``data.split.group_by`` may name: label keys, folders, and parts of image names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping

# Most characters of a pattern, and of a name that it is searched in. They bound the cost of
# ordinary patterns; one that repeats a repetition, such as (a+)+b, is slow all the same.
PATTERN_LENGTH = 200
NAME_LENGTH = 1024
LEVELS = 32

Extractor = Callable[[str, Mapping[str, str]], str | None]


def extractor(entry: str) -> Extractor:
    """The function that gives an image its grouping value for one entry of ``group_by``.

    - ``folder``: the path of the folder that holds the image, inside its source.
    - ``folder:N``: the name of the N-th folder on the image's path, from 1.
    - ``name:REGEX``: the first capture group of a regular expression that is searched in the
      image's path inside its source.
    - anything else: the key of that name in the label file's image entry.

    Values are compared over all sources, so that a patient who is in two of them stays on
    one side.

    Args:
        entry: The entry as written in params.yaml.

    Returns:
        A function of the image's path inside its source and its label keys, which gives
        None for an image that the entry does not group.

    Raises:
        ValueError: The entry is malformed; the message says how.
    """
    kind, colon, rest = entry.partition(":")
    if entry == "folder":
        return lambda name, _: name.rpartition("/")[0] or None
    if kind == "folder" and colon:
        return _folder(entry, rest)
    if kind == "name" and colon:
        return _pattern(entry, rest)
    if not entry.strip():
        raise ValueError("an entry is empty")
    return lambda _, keys: keys.get(entry)


def nothing_found(entry: str) -> str:
    """How to say that an entry groups no image at all: what no image has."""
    if entry == "folder":
        return "no image lies in a folder of its source"
    if entry.startswith("folder:"):
        return f"no image lies in {entry.removeprefix('folder:')} folders of its source"
    if entry.startswith("name:"):
        return "no image's name matches it"
    return "no image has this key"


def _folder(entry: str, level: str) -> Extractor:
    if not (level.isascii() and level.isdigit() and 1 <= len(level) <= 2):
        raise ValueError(f"'{entry}' needs a number after the colon, such as folder:1")
    number = int(level)
    if not 1 <= number <= LEVELS:
        raise ValueError(f"'{entry}' is outside folder:1 to folder:{LEVELS}")

    def value(name: str, _: Mapping[str, str]) -> str | None:
        folders = name.split("/")[:-1]
        return folders[number - 1] if len(folders) >= number else None

    return value


def _pattern(entry: str, text: str) -> Extractor:
    if len(text) > PATTERN_LENGTH:
        raise ValueError(f"a name: pattern is longer than {PATTERN_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{entry}' is not a regular expression: {error}") from None
    if not pattern.groups:
        raise ValueError(
            f"'{entry}' has no capture group: put parentheses around the part of the name "
            "that images must share, such as name:(patient\\d+)"
        )

    def value(name: str, _: Mapping[str, str]) -> str | None:
        found = pattern.search(name[:NAME_LENGTH])
        return found[1] if found else None

    return value
