"""torchrun, started for a run on several devices."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from reprise.errors import RepriseError

# Environment variable: the file in which a started process leaves its RepriseError.
_ERROR_FILE = "REPRISE_ERROR_FILE"


def launch(devices: int, threads: int, work: Callable[[], None]) -> None:
    """Do some work here, or with several devices in a process for each of them.

    A process that dies is restarted with the others, three times, and they go on from the last
    checkpoint. A RepriseError, which no restart would mend, is shown once: processes that torchrun
    restarts all the same find its file and end.

    Args:
        devices: ``training.devices``.
        threads: ``training.threads``, of each process.
        work: What the script that was started does; torchrun starts the script again.

    Raises:
        RepriseError: As ``work``; torchrun was started with another number of processes, or
            a process died again and again.
        KeyboardInterrupt: It was stopped by hand.
    """
    world = os.environ.get("LOCAL_WORLD_SIZE")
    if world is None:
        if devices == 1:
            work()
        else:
            _start(devices, threads)
        return
    if int(world) != devices:
        raise RepriseError(
            f"torchrun started {world} processes on this machine, and training.devices is "
            f"{devices}.",
            f"start it with --nproc-per-node {devices}, or change training.devices.",
        )
    error_file = os.environ.get(_ERROR_FILE)
    if error_file is None:
        work()
    elif not Path(error_file).exists():
        _work_and_report(Path(error_file), work)


def _start(devices: int, threads: int) -> None:
    """Start this script in several processes and wait for them."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    sys.stdout.flush()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # One warning a process that a pass over the graph found nothing unused.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # A process that ended is reported below, or by itself.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="reprise-") as folder:
        error_file = Path(folder, "error.json")
        os.environ[_ERROR_FILE] = str(error_file)
        options = ["--standalone", "--max-restarts", "3", "--nproc-per-node", str(devices)]
        # It would pass SIGINT on, and each process would print a traceback.
        options += ["--signals-to-handle", "SIGTERM"]
        try:
            run.main([*options, *sys.argv])
        except SignalException:
            raise KeyboardInterrupt from None
        except ChildFailedError as error:
            _, first = error.get_first_failure()
            raise RepriseError(
                f"a process of the training died with status {first.exitcode}, after three "
                "restarts too.",
                "its output is above; training.devices: 1 shows whether the error needs several.",
            ) from None
        finally:
            del os.environ[_ERROR_FILE]
        if error_file.exists():
            raise RepriseError(*json.loads(error_file.read_text(encoding="utf-8")))


def _work_and_report(path: Path, work: Callable[[], None]) -> None:
    """Work, and leave a RepriseError for the process that started this one."""
    try:
        work()
    except RepriseError as error:
        partial = path.with_name(f"{os.getpid()}.partial")
        partial.write_text(json.dumps([error.problem, error.fix]), encoding="utf-8")
        partial.replace(path)
        # The others may wait for this one: torchrun ends them all, and starts them once more,
        # to find the error.
        sys.exit(1)
