"""Labels as they were read, kept from one run to the next.

A source whose label files are as they were, by their names, sizes, inodes and times, is not
read again. Like the memo of images this is no result: it lies in the scratch area, may be
deleted at any time, and whatever goes wrong with it costs time, never a run.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from reprise.code_digest import code_digest
from reprise.formats.file_index import IMAGE_SUFFIXES
from reprise.formats.registry import LABELS_ARE_IMAGES
from reprise.preprocessing.store.file_state import file_state

# Their versions decide what is read, as the code of the stage does.
_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "pyyaml")
Told = dict[str, Any]


def label_key(folder: Path, format_: str, asked: Sequence[object]) -> str | None:
    """A digest of all that the labels of a source depend on.

    Args:
        folder: The source's.
        format_: A key of FORMATS, or ``auto``.
        asked: How it is to be read, in words and numbers.

    Returns:
        None when a file is no regular one, or changed so shortly ago that a further change
        could go unseen.
    """
    told = hashlib.sha256(json.dumps([_code(), format_, *asked]).encode())
    unread = frozenset() if format_ in {"auto", *LABELS_ARE_IMAGES} else IMAGE_SUFFIXES
    for where, folders, files in os.walk(folder):
        folders.sort()
        told.update(f"{os.path.relpath(where, folder)}\0".encode(errors="surrogateescape"))
        for name in sorted(files):
            told.update(f"{name}\0".encode(errors="surrogateescape"))
            if posixpath.splitext(name)[1].lower() in unread:
                continue
            found = file_state(Path(where, name))
            if found is None or not found.settled:
                return None
            told.update(f"{found.state}\0".encode())
    return told.hexdigest()


@dataclass(frozen=True)
class LabelCache:
    """For each source the labels of its last reading.

    Attributes:
        folder: Made when absent.
        limit: Bytes; labels of a source that take more are not kept.
    """

    folder: Path
    limit: int

    def find(self, source: str, key: str, file: Path) -> Told | None:
        """Bring a source's labels to ``file``.

        Returns:
            What :meth:`keep` was told beside them; None when they are not known.
        """
        try:
            kept = json.loads(self._sheet(source).read_bytes())
            if kept["key"] == key:
                # Another run may put other labels there; these are now at hand.
                _link(self._records(source), file)
                if _digest(file) == kept["sha256"]:
                    told: Told = kept["told"]
                    return told
        except (OSError, ValueError, KeyError, TypeError):
            pass
        # What is written there next must not change what is kept.
        file.unlink(missing_ok=True)
        return None

    def keep(self, source: str, key: str, file: Path, told: Told) -> None:
        """Keep a source's labels, in place of those before.

        Args:
            source: Its name.
            key: From :func:`label_key`, made before they were read.
            file: The labels.
            told: Anything else that was found in reading them, as JSON can hold it.
        """
        try:
            if file.stat().st_size > self.limit:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            digest = _digest(file)
            new = self.folder / f".{source}.{os.getpid()}"
            _link(file, new)
            new.replace(self._records(source))
            new.write_text(json.dumps({"key": key, "sha256": digest, "told": told}))
            new.replace(self._sheet(source))
        except OSError:
            return

    def forget_others(self, sources: Iterable[str]) -> None:
        """Delete the labels of all sources but these."""
        staying = {path for name in sources for path in (self._sheet(name), self._records(name))}
        try:
            for path in sorted(set(self.folder.iterdir()) - staying):
                path.unlink(missing_ok=True)
        except OSError:
            return

    def _sheet(self, source: str) -> Path:
        return self.folder / f"{source}.json"

    def _records(self, source: str) -> Path:
        return self.folder / f"{source}.records"


def _link(old: Path, new: Path) -> None:
    """A second name for a file that nobody changes, or a copy where that cannot be."""
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(old)
    except OSError:
        shutil.copyfile(old, new)


def _code() -> list[str]:
    versions = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    return [sys.version, *versions, code_digest("preprocess")]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
