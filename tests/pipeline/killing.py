"""What a power cut does to a pipeline, done to a clone's."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from pipeline.clone import Clone


def kill_in_epoch_two(clone: Clone, log: Path) -> None:
    """`dvc repro`, until the second epoch is under way; then kill the stage, then DVC."""
    process = clone.start(sys.executable, "-m", "dvc", "repro", log=log)
    deadline = time.monotonic() + 600
    # The line of an epoch is printed before its checkpoint is written.
    scratch = clone.folder / ".dvc" / "tmp" / "reprise" / "train" / "runs"
    while not list(scratch.glob("*/checkpoint.pt")):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    for pid in stage_processes(clone.folder):
        os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()


def stage_processes(folder: Path) -> list[int]:
    """Processes that run a stage in this clone."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            here = (entry / "cwd").resolve() == folder.resolve()
        except OSError:
            continue
        if here and any(part.startswith(b"stages/") for part in command):
            found.append(int(entry.name))
    return found
