"""``data/splits.csv``: which image is in which split, kept in Git from run to run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reprise.errors import RepriseError
from reprise.replacing import replacing_file

# Hexadecimal digits of a content digest that identify an image: 64 bits.
DIGITS = 16
_HEADER = "# settings "
_COLUMNS = "digest,split"
_LINE = re.compile(rf"([0-9a-f]{{{DIGITS}}}),(train|val|test)")
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def read_assignments(path: Path, settings_key: str) -> dict[str, str]:
    """The splits of an earlier run.

    Args:
        path: The file; it need not exist.
        settings_key: Hash of what decides the division now. A record that was made under
            other settings says nothing about this division.

    Returns:
        First :data:`DIGITS` digits of a content digest to ``train``, ``val`` or ``test``;
        empty when there is no record, or one of other settings.

    Raises:
        RepriseError: The file is malformed; the message names the line.
    """
    try:
        lines = path.read_bytes().decode("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise _malformed(path, "it is not text") from None
    except OSError as error:
        raise RepriseError(
            f"{path.as_posix()} cannot be read: {error.strerror}.",
            "correct its permissions, or delete it to split the images anew.",
        ) from None
    known: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        found = _LINE.fullmatch(line)
        if found and number > 2:
            if known.setdefault(found[1], found[2]) != found[2]:
                raise _malformed(path, f"line {number}: {found[1]} is in another split above")
        elif not (number == 1 and line.startswith(_HEADER)) and not (
            number == 2 and line == _COLUMNS
        ):
            raise _malformed(path, f"line {number}: {_wrong(line)}")
    if not lines:
        raise _malformed(path, "it is empty")
    return known if lines[0] == _HEADER + settings_key else {}


def write_assignments(path: Path, settings_key: str, digest_to_split: Mapping[str, str]) -> None:
    """Write the record of this run, which holds the images that there are now and no others.

    An image that was taken out is forgotten, and assigned anew when it comes back: the file
    follows from the earlier file and the images alone, whoever writes it.

    Args:
        path: The file; it is replaced as a whole.
        settings_key: Hash of what decided the division.
        digest_to_split: Content digest, of which :data:`DIGITS` digits are kept, to split.

    Raises:
        RepriseError: The file cannot be written.
    """
    lines = sorted({f"{digest[:DIGITS]},{split}" for digest, split in digest_to_split.items()})
    text = "\n".join([_HEADER + settings_key, _COLUMNS, *lines]) + "\n"
    try:
        with replacing_file(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise RepriseError(
            f"{path.as_posix()} cannot be written: {error.strerror}.",
            "free disk space or correct the permissions of its folder, then run again.",
        ) from None


def _wrong(line: str) -> str:
    shown = line[:60] if line.isprintable() else ascii(line[:60])[1:-1]
    if line.startswith(_CONFLICT):
        return f"'{shown}' is a mark of an unresolved merge"
    return f"'{shown}' is not what Reprise writes there"


def _malformed(path: Path, what: str) -> RepriseError:
    return RepriseError(
        f"{path.as_posix()}, {what}.",
        f"take the whole file from one side of the merge (git checkout --ours {path.as_posix()}, "
        "or --theirs): images that it lacks are assigned anew, all others stay. Or delete it to "
        "split all images anew.",
    )
