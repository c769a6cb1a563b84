"""Downloads that the next run need not fetch again, in the scratch folder.

``<sha256>.archive`` is a verified file and ``<sha256>.tree`` a verified folder; ``<key>.part``
is an unfinished one of either kind, ``<key>.stamp`` what its server said of it. Each has a lock
file, so that runs at the same time wait for one another. All of it may be deleted at any time: it
is only fetched again.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG

from reprise.replacing import remove
from reprise.sources.folders import digest

_KINDS = (".archive", ".tree", ".part")


class DownloadCache:
    """The scratch folder of downloads.

    Args:
        folder: Made when absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def unfinished(self, key: str) -> Path:
        """Where the download with this key is built; a file or a folder, or nothing yet."""
        return self.folder / f"{key}.part"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of a key or a SHA-256, waiting for any other run that has it."""
        with (self.folder / f"{name}.lock").open("w") as lock:
            if not _try_lock(lock.fileno()):
                print("waiting for another run that downloads the same source", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def find(self, sha256: str) -> Path | None:
        """A kept file or folder whose content has this digest; damaged ones are removed.

        The caller holds the lock of ``sha256``.
        """
        for kind in (".archive", ".tree"):
            path = self.folder / f"{sha256}{kind}"
            if path.exists():
                if digest(path) == sha256:
                    os.utime(path)
                    return path
                remove(path)
        return None

    def keep(self, path: Path, sha256: str) -> Path:
        """Move a verified download to its place.

        The caller holds the lock of ``sha256``.
        """
        place = self.folder / f"{sha256}{'.tree' if path.is_dir() else '.archive'}"
        remove(place)
        path.rename(place)
        os.utime(place)
        return place

    def trim(self, max_bytes: int) -> None:
        """Remove what was not used for longest, until the rest is small enough.

        What another run holds a lock on stays.
        """
        paths = [path for path in self.folder.iterdir() if path.suffix in _KINDS]
        sizes = {path: _size(path) for path in sorted(paths, key=_last_use)}
        # What could never be kept goes first, so that it does not drive out the others.
        too_large = [path for path in sizes if sizes[path] > max_bytes]
        for path in [*too_large, *sizes]:
            if sum(sizes.values()) <= max_bytes:
                return
            if path in sizes:
                self._remove_unused(path)
                del sizes[path]

    def _remove_unused(self, path: Path) -> None:
        with path.with_suffix(".lock").open("w") as lock:
            if _try_lock(lock.fileno()):
                remove(path)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_use(path: Path) -> int:
    stat = _stat(path)
    return stat.st_mtime_ns if stat else 0


def _size(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(stat.st_size for stat in map(_stat, files) if stat and S_ISREG(stat.st_mode))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another run has just removed it
        return None
