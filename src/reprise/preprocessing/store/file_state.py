"""What changes whenever a file does, found without reading it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

# Times of files are coarse: what changed so shortly ago may change again unseen.
_SETTLED_NS = 2 * 10**9


class FileState(NamedTuple):
    """What changes whenever a file does.

    Attributes:
        path: Absolute.
        state: Size, times and inode.
        settled: False when it changed so shortly ago that a further change could leave all
            of this as it is: then it says nothing (as in Git, where such a file is "racy").
    """

    path: str
    state: str
    settled: bool


def file_state(path: Path) -> FileState | None:
    """The state of a file, None when there is no such regular file."""
    text = str(path)
    try:
        found = os.stat(text)  # noqa: PTH116 - hundreds of thousands of files
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    # A program can set the time of change of the content back, not that of the entry.
    times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    settled = time.time_ns() - found.st_ctime_ns > _SETTLED_NS
    state = f"{found.st_size} {times} {found.st_ino} {found.st_dev}"
    return FileState(text if path.is_absolute() else str(path.absolute()), state, settled)
