"""How every stage runs: this checkout's code, checked parameters, errors for people."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

# Experiments run in copies of the repository: the code beside this script is the code
# that DVC has hashed, whatever is installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from reprise.errors import RepriseError
from reprise.params import Params, load


def run(stage: Callable[[Params], None]) -> None:
    """Check params.yaml, run a stage with it, and end the process.

    Exit status 0, or 1 after printing what is wrong and what to do about it.
    """
    _die_with_dvc()
    started = time.time()
    # Matplotlib would keep its font list in the home folder.
    os.environ["MPLCONFIGDIR"] = str(scratch("matplotlib").resolve())
    try:
        stage(load())
        # Of several processes that torchrun started, their parent tells.
        if "LOCAL_RANK" not in os.environ:
            _note_time(started)
    except RepriseError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped by hand.\n  To fix: dvc repro goes on where it can.", status=130)
    except OSError as error:
        if error.errno is None:
            raise
        what = f"{error.strerror} ({error.filename or 'while writing results'})"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"{what}.\n  To fix: free disk space, then dvc repro; finished stages are kept.")
        _fail(
            f"{what}.\n  To fix: correct the permissions, or bring a missing file back with "
            "dvc checkout --force."
        )


def _fail(message: str, status: int = 1) -> NoReturn:
    print(f"\nERROR: {message}", file=sys.stderr)
    sys.exit(status)


def scratch(stage: str) -> Path:
    """Where a stage keeps unfinished work: ignored by Git and unknown to DVC.

    DVC sets DVC_ROOT to the repository that the person works in, also for experiments that
    run in a temporary copy of it.
    """
    return Path(os.environ.get("DVC_ROOT", ".")) / ".dvc" / "tmp" / "reprise" / stage


def logs() -> Path:
    """Where the records of runs are: clock times and the machine, which no out of DVC may hold."""
    return Path(os.environ.get("DVC_ROOT", "."), "logs")


def _note_time(started: float) -> None:
    """Add a line to logs/stages.csv, for this stage of this machine."""
    path = logs() / "stages.csv"
    path.parent.mkdir(exist_ok=True)
    now = time.time()
    finished = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    head = "" if path.exists() else "finished,stage,seconds\n"
    name = " ".join([Path(sys.argv[0]).stem, *sys.argv[1:]])
    # One write: stages of several experiments may end at once.
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{head}{finished},{name},{now - started:.1f}\n")


def _die_with_dvc() -> None:
    """End this process when DVC is killed, so that no orphan goes on writing outs."""
    # By hand, a stage may well outlive the shell that it was started from.
    if sys.platform != "linux" or "DVC_ROOT" not in os.environ:
        return
    parent = os.getppid()
    death_signal = 1  # PR_SET_PDEATHSIG of linux/prctl.h
    ctypes.CDLL(None, use_errno=True).prctl(death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
