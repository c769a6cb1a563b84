"""The same function over many items on several cores: results in order, memory flat."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.context import BaseContext
from typing import TypeVar

from reprise.errors import RepriseError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that wait for each process; in a round on Ray, items for each process.
AHEAD, _RAY_ROUND = 4, 12
_WORKER_ENVIRONMENT = {
    # glibc keeps the buffers of one image for the next, rather than have the system fill new
    # ones with zeros: 51 ms of processor time instead of 65 for a photograph of 12 megapixels.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**26),
    # The fork server must have one thread.
    "OPENBLAS_NUM_THREADS": "1",
}
# Imported once, before the workers fork. Libraries only: the fork server of Python 3.11 does not
# know sys.path, and would take reprise from where it is installed, not from beside the stage.
_PRELOADED = ["cv2", "diskcache", "imagehash", "PIL.Image", "pycocotools.mask", "scipy.fftpack"]


@cache
def _worker_context() -> BaseContext:
    """How worker processes start: from a fork server, which has imported their libraries.

    A fork of this process itself can deadlock once it runs threads.
    """
    for name, value in _WORKER_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, engine: str = "local"
) -> Iterator[Result]:
    """Apply a function to items, yielding results in the order of the items.

    Args:
        function: Importable by name and picklable, as are items and results.
        items: Taken as they are needed. One that takes less than some milliseconds had
            better be a batch of several.
        workers: Processes; 0 uses this process alone.
        engine: ``local`` or ``ray``, as ``machine.engine``.

    Raises:
        RepriseError: A process was killed, which lack of memory and damaged files can do,
            or Ray is not installed.
    """
    if engine == "ray":
        yield from _map_on_ray(function, items, workers)
    elif workers < 1:
        yield from map(function, items)
    else:
        yield from _map_locally(function, items, workers)


def _map_locally(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(
        workers, mp_context=_worker_context(), initializer=_start_worker
    ) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) == workers * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RepriseError(
                "a worker process was killed while it read images or labels.",
                "free memory, or set machine.workers: 0 to see where, and run again.",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _map_on_ray(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """On the cluster that RAY_ADDRESS names, or on one started here; files lie in a folder
    that all its machines see under the same path."""
    try:
        import joblib
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise RepriseError(
            f"machine.engine: ray is asked for, and {error.name} is not installed.",
            "pip install joblib ray, or set machine.engine: local.",
        ) from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, logging_level=logging.WARNING)
    register_ray()  # type: ignore[no-untyped-call]
    remaining = iter(items)
    workers = max(workers, 1)
    with joblib.parallel_config(backend="ray", n_jobs=workers):
        run = joblib.Parallel(batch_size=1)
        # In rounds, because joblib goes on dispatching while nobody takes the results.
        while ahead := list(islice(remaining, _RAY_ROUND * workers)):
            yield from run(joblib.delayed(function)(item) for item in ahead)


def _start_worker() -> None:
    """Prepare a worker process: one thread, and an end with its parent."""
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    # A killed parent closes nothing that a waiting worker would notice.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
