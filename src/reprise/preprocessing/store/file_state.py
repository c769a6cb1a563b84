"""What changes whenever a file does, found without reading it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

# Times of files are coarse: what changed so shortly ago may change again unseen.
_SETTLED_NS = 2 * 10**9


def file_state(path: Path) -> str | None:
    """Size, times and inode of a file, which change whenever it does.

    Returns:
        None when there is no such regular file, and when it changed so shortly ago that a
        further change could leave all of this as it is (as in Git, where such a file is
        "racy").
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - hundreds of thousands of files
    except OSError:
        return None
    settled = time.time_ns() - found.st_ctime_ns > _SETTLED_NS
    if not settled or not stat.S_ISREG(found.st_mode):
        return None
    # A program can set the time of change of the content back, not that of the entry.
    times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    return f"{found.st_size} {times} {found.st_ino} {found.st_dev}"
