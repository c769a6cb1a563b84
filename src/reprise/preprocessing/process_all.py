"""All images of a source, finished in order: those that the memo knows, and the others."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import islice

from reprise.formats.records import ImageRecord
from reprise.preprocessing.allocator import keep_freed_memory
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.decode.process_image import ProcessedImage, concluded, process_image
from reprise.preprocessing.labels.read_labels import SourceLabels
from reprise.preprocessing.parallel import Known, map_ordered
from reprise.preprocessing.store.file_state import FileState
from reprise.preprocessing.store.image_cache import CacheConfig, ImageCache, cache_version
from reprise.preprocessing.workplace import Workplace

# Images that the memo is asked about at once.
_LOOKED_UP = 256


def process_all(
    source: SourceLabels, settings: Settings, workplace: Workplace
) -> Iterator[ProcessedImage]:
    """Finish a source's images, in the order of its records.

    A file that is as it was, by its path, size, inode and times, is not read: the memo has its
    image. The others are read, found in the
    memo by their content or decoded, and kept there.
    """
    place = _memo(workplace, settings)
    work = functools.partial(process_image, source=source.source, settings=settings, memo=place)
    if place is None:
        yield from map_ordered(work, source.records(), workplace.workers, workplace.engine)
        return
    keep_freed_memory()
    states: dict[str, FileState] = {}
    with ImageCache(place) as memo:
        items = _known_or_not(source, memo, states)
        for image in map_ordered(work, items, workplace.workers):
            state = states.pop(image.name, None)
            if state is not None and image.fresh is not None:
                memo.put(state, image.fresh)
            yield image


def _known_or_not(
    source: SourceLabels, memo: ImageCache, states: dict[str, FileState]
) -> Iterator[ImageRecord | Known[ProcessedImage]]:
    """Images that the memo knows, finished, and the others' records and states by name."""
    records = source.records()
    while chunk := list(islice(records, _LOOKED_UP)):
        readable = [r for r in chunk if r.path is not None and not r.problem]
        found = memo.find([r.path for r in readable if r.path is not None])
        of = {record.name: known for record, known in zip(readable, found, strict=True)}
        for record in chunk:
            state, stored = of.get(record.name, (None, None))
            if stored is not None:
                yield Known(concluded(record, source.source, stored))
                continue
            if state is not None:
                states[record.name] = state
            yield record


def _memo(workplace: Workplace, settings: Settings) -> CacheConfig | None:
    # The memo is one file, which several machines cannot share.
    if workplace.memo is None or workplace.memo_bytes == 0 or workplace.engine != "local":
        return None
    return CacheConfig(workplace.memo, workplace.memo_bytes, cache_version(settings))
