"""Files and folders that take their place whole.

A crash at any moment leaves what was there before, or the new one; never half of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing_file(path: Path, durable: bool = False) -> Iterator[Path]:
    """A path beside ``path`` to write to; it becomes ``path`` when the block ends well.

    Args:
        path: The file to write or to replace; its folder is made when absent.
        durable: Wait until the disk holds the bytes, so that they survive a power cut too.

    Raises:
        OSError: The file cannot be written; ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        if durable:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside ``path`` to fill; it becomes ``path`` when the block ends well.

    Args:
        path: The folder to make or to replace, with all that it held.

    Raises:
        OSError: The folder cannot be written; until the last step ``path`` is as it was.
    """
    partial = _partial(path)
    remove(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        remove(path)
        partial.rename(path)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that it holds, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    # The name that .gitignore and a later run know; a crash leaves at most one.
    return path.with_name(f".{path.name}.partial")
