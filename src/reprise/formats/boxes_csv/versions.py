"""Versions of box lists: ``{usecase}/datasets/train_{usecase}_{YYMMDDHHmmss}.csv`` and ``test_``.

A use case keeps its images in ``{usecase}/images/`` and lists them anew for each version; the
train and the test list of one version have the same stamp.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from reprise.errors import RepriseError
from reprise.formats.split_names import SPLITS

_NAME = re.compile(r"(train|val|test)_(.+)_([0-9]{12})\.csv", re.IGNORECASE)


@dataclass(frozen=True)
class BoxList:
    """One list of boxes; the attributes of one that is of no version are empty.

    Attributes:
        name: Posix path of the CSV file inside the source folder.
        split: ``train``, ``val`` or ``test``.
        home: The use case's folder, where the list lies in its ``datasets`` folder; else empty.
            Images are in its folder ``images``, if there is one.
        usecase: As the file's name has it.
        stamp: 12 digits, YYMMDDHHmmss; later ones are greater as text.
    """

    name: str
    split: str = ""
    home: str = ""
    usecase: str = ""
    stamp: str = ""


def stamped_lists(names: Iterable[str]) -> list[BoxList]:
    """Those of some files that are lists of versions: train, then val, then test."""
    lists = []
    for name in names:
        folder, base = posixpath.split(name)
        match = _NAME.fullmatch(base)
        if match:
            above, last = posixpath.split(folder)
            home = above if last.lower() == "datasets" else ""
            lists.append(BoxList(name, match[1].lower(), home, match[2], match[3]))
    return sorted(lists, key=lambda entry: (SPLITS.index(entry.split), entry.name))


def choose_lists(
    lists: list[BoxList], version: str, source: str
) -> tuple[list[BoxList], list[str]]:
    """The lists of one version of each use case.

    Args:
        lists: All that there are, of one or more use cases.
        version: A stamp, or ``latest``: for each use case the newest stamp that has a train
            list, whether or not it has a test list too.
        source: Name of the source, for messages.

    Returns:
        The lists to read, and for each use case a note that says which they are.

    Raises:
        RepriseError: A use case has no list of that stamp; the message names those it has.
    """
    chosen: list[BoxList] = []
    notes: list[str] = []
    for home, usecase in sorted({(entry.home, entry.usecase) for entry in lists}):
        own = [entry for entry in lists if (entry.home, entry.usecase) == (home, usecase)]
        stamp = _newest(own) if version == "latest" else version
        taken = [entry for entry in own if entry.stamp == stamp]
        if not taken:
            stamps = ", ".join(sorted({entry.stamp for entry in own}))
            raise RepriseError(
                f"source '{source}': use case {usecase} has no version {version}; it has {stamps}.",
                f"set data.sources.{source}.version to one of these, or to latest.",
            )
        chosen += taken
        notes.append(_note(usecase, stamp, taken))
        newer = sorted({entry.stamp for entry in own if entry.stamp > stamp})
        if version == "latest" and newer:
            notes.append(f"newer, but without a train list: {', '.join(newer)}")
    return chosen, notes


def _newest(lists: list[BoxList]) -> str:
    trains = [entry.stamp for entry in lists if entry.split == "train"]
    return max(trains or [entry.stamp for entry in lists])


def _note(usecase: str, stamp: str, taken: list[BoxList]) -> str:
    bases = ", ".join(posixpath.basename(entry.name) for entry in taken)
    missing = [part for part in ("train", "test") if part not in {t.split for t in taken}]
    alone = f" (there is no {' and no '.join(missing)} list of this version)" if missing else ""
    return f"version {stamp} of use case {usecase}: {bases}{alone}"
