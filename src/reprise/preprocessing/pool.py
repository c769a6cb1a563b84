"""The same function over many items on several cores: results in order, memory flat."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TypeVar

from reprise.errors import RepriseError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items that travel to a process together; enough to hide the way, few enough to stay small.
CHUNK = 8
# Chunks under way for each process, so that none waits for the parent.
AHEAD = 3


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Apply a function to items, yielding results in the order of the items.

    Args:
        function: Importable by name and picklable, as are items and results.
        items: Taken as they are needed.
        workers: Processes; under 2, this process does the work.

    Raises:
        RepriseError: A process was killed, which lack of memory and damaged files can do.
    """
    if workers < 2:
        yield from map(function, items)
        return
    remaining = iter(items)
    waiting: deque[Future[list[Result]]] = deque()
    # Forking a process that runs threads can deadlock; a fork server has none.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("forkserver"), initializer=_prepare
    ) as pool:
        try:
            while True:
                while len(waiting) < workers * AHEAD and (chunk := list(islice(remaining, CHUNK))):
                    waiting.append(pool.submit(_apply, function, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            raise RepriseError(
                "a worker process was killed while it read images.",
                "set machine.workers: 1 to see at which image, or free memory, and run again.",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _apply(function: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [function(item) for item in chunk]


def _prepare() -> None:
    """One thread for each process, and an end with the parent even if that is killed."""
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
