"""What ``data.split.group_by`` may name: label keys, folders, and parts of image names."""

from __future__ import annotations

import re
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from reprise.errors import RepriseError

# Most characters of a pattern, and of a name that it is searched in.
PATTERN_LENGTH = 200
NAME_LENGTH = 1024
# Longest search in one name. Ordinary patterns take microseconds, so that a slower machine
# still finds the same; one that repeats a repetition, such as (a+)+b, could take years.
SEARCH_SECONDS = 2.0
LEVELS = 32

Extractor = Callable[[str, Mapping[str, str]], str | None]


def extractor(entry: str) -> Extractor:
    """The function that gives an image its grouping value for one entry of ``group_by``.

    - ``folder``: the path of the folder that holds the image, inside its source. An image at
      the top of its source is in none and is not grouped.
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
        None for an image that the entry does not group. It raises RepriseError where a
        regular expression takes longer than SEARCH_SECONDS.

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
        return "all images lie at the top of their source, in no folder"
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
        try:
            with _at_most(SEARCH_SECONDS):
                found = pattern.search(name[:NAME_LENGTH])
        except _TooSlowError:
            raise RepriseError(
                f"data.split.group_by: searching '{entry}' in the name '{name}' takes more than "
                f"{SEARCH_SECONDS:g} s.",
                "write the pattern without a repetition inside a repetition, such as (a+)+, and "
                "with few .* in it.",
            ) from None
        return found[1] if found else None

    return value


class _TooSlowError(Exception):
    """A search took too long."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Stop what runs inside after some time, by the alarm clock of the process.

    Only the main thread hears it; in others nothing is stopped.

    Raises:
        _TooSlowError: It took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGALRM, _stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _TooSlowError
