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

# Names the file in which a started process leaves what a person can put right.
_REFUSAL = "REPRISE_REFUSAL"


def launch(devices: int, threads: int, work: Callable[[], None]) -> None:
    """Do some work here, or in a process for each device where several are asked for.

    A process that dies is restarted with the others, three times, and they go on from the last
    checkpoint. What a person can put right is told once: processes that torchrun restarts all
    the same find that it has been said, and end.

    Args:
        devices: ``training.devices``.
        threads: ``training.threads``, of each process.
        work: What the script that was started does; torchrun starts the script again.

    Raises:
        RepriseError: As ``work``; torchrun was started with another number of distributed, or
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
    refusal = os.environ.get(_REFUSAL)
    if refusal is None:
        work()
    elif not Path(refusal).exists():
        _leave_refusal(Path(refusal), work)


def _start(devices: int, threads: int) -> None:
    """Start this script in several processes and wait for them."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    sys.stdout.flush()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    # One warning a process that a pass over the graph found nothing unused.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # What it says of a process that ended is said below, or by the process.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="reprise-") as folder:
        refusal = Path(folder, "refusal.json")
        os.environ[_REFUSAL] = str(refusal)
        options = ["--standalone", "--max-restarts", "3", "--nproc-per-node", str(devices)]
        # It would pass SIGINT on, and each process show where it was when it came.
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
                "what it said is above; training.devices: 1 tells whether it needs several.",
            ) from None
        finally:
            del os.environ[_REFUSAL]
        if refusal.exists():
            raise RepriseError(*json.loads(refusal.read_text(encoding="utf-8")))


def _leave_refusal(path: Path, work: Callable[[], None]) -> None:
    """Work, and leave what a person can put right to the process that started this one."""
    try:
        work()
    except RepriseError as error:
        partial = path.with_name(f"{os.getpid()}.partial")
        partial.write_text(json.dumps([error.problem, error.fix]), encoding="utf-8")
        partial.replace(path)
        # The others may wait for this one: torchrun ends them all, and starts them once more,
        # to find the refusal.
        sys.exit(1)
