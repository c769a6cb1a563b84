"""Images with their labels: from files and records to images of the dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from reprise.formats.records import ImageRecord
from reprise.preprocessing import rules
from reprise.preprocessing.decode.decoder import BadImageError, file_bytes
from reprise.preprocessing.decode.encode import Settings, encode_file
from reprise.preprocessing.labels.clean_labels import clean_labels
from reprise.preprocessing.processed_image import EncodedImage, ProcessedImage
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.store.file_state import file_state
from reprise.preprocessing.store.image_cache import (
    CacheConfig,
    CachedImage,
    ImageCache,
    open_cache,
)

LedgerRows = list[dict[str, str]]


def process_images(
    records: Iterable[ImageRecord], source: str, settings: Settings, config: CacheConfig | None
) -> list[tuple[ProcessedImage | None, LedgerRows]]:
    """Encode some images and clean their labels.

    Args:
        records: The images; boxes as the label file has them.
        source: Name of their source.
        settings: Sizes and limits.
        config: The cache of the images of earlier runs; None uses none.

    Returns:
        For each image, itself with boxes in pixels of the upright original, None when it is
        dropped; and ledger rows for what was dropped or repaired.
    """
    cache = open_cache(config) if config is not None else None
    fresh: dict[str, CachedImage] = {}
    processed = [_process(record, source, settings, cache, fresh) for record in records]
    if cache is not None and fresh:
        cache.put(fresh)
    return processed


def _process(
    record: ImageRecord,
    source: str,
    settings: Settings,
    cache: ImageCache | None,
    fresh: dict[str, CachedImage],
) -> tuple[ProcessedImage | None, LedgerRows]:
    try:
        encoded = _encoded(record, source, settings, cache, fresh)
        cleaned = clean_labels(
            record, encoded.original_width, encoded.original_height, encoded.orientation
        )
    except BadImageError as bad:
        return None, [rules.row(bad.rule, source, record.name, bad.detail)]
    notes = [] if record.labelled else [(Rule.IMAGE_UNLABELLED, "")]
    notes += [(Rule[rule], detail) for rule, detail in encoded.notes]
    notes += cleaned.notes
    if cleaned.lost:
        return None, [rules.row(rule, source, record.name, detail) for rule, detail in notes]
    image = ProcessedImage(
        source=source,
        name=record.name,
        encoded=encoded,
        keys=record.keys,
        labels=tuple(record.labels),
        given_split=record.split,
        synthetic=record.synthetic,
        labelled=record.labelled,
        boxes=cleaned.boxes,
    )
    return image, [rules.row(rule, source, record.name, detail) for rule, detail in notes]


def _encoded(
    record: ImageRecord,
    source: str,
    settings: Settings,
    cache: ImageCache | None,
    fresh: dict[str, CachedImage],
) -> EncodedImage:
    """The image of a record's file, added to ``fresh`` when the cache lacks it.

    Raises:
        BadImageError: Its labels or its file cannot be used.
    """
    if record.problem:
        raise BadImageError(Rule.LABELS_UNREADABLE, record.problem)
    if record.path is None:
        raise BadImageError(Rule.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
    key = f"{source}/{record.name}"
    known = cache.get(key) if cache is not None else None
    read = _read(record.path, settings, known)
    if read is not known:
        fresh[key] = read
    if isinstance(read.found, BadImageError):
        raise read.found
    return read.found


def _read(path: Path, settings: Settings, known: CachedImage | None) -> CachedImage:
    """What a file gives: as the cache has it, when the file is as it was."""
    state = file_state(path)
    if known is not None and state is not None and known.state == state:
        return known
    data = file_bytes(path, settings.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    if known is not None and known.file_sha256 == digest:
        return replace(known, state=state)
    found: EncodedImage | BadImageError
    try:
        found = encode_file(data, settings, digest)
    except BadImageError as bad:
        found = bad
    return CachedImage(state, digest, found)
