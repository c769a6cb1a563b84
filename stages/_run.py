"""How every stage runs: this checkout's code, checked parameters, errors for people."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
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
    # Matplotlib would keep its font list in the home folder.
    os.environ["MPLCONFIGDIR"] = str(scratch("matplotlib").resolve())
    try:
        stage(load())
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
