"""One image with its labels: from a file and a record to an image of the dataset."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reprise.formats.records import ImageRecord
from reprise.preprocessing import rules
from reprise.preprocessing.decode.decoder import BadImageError, file_bytes
from reprise.preprocessing.decode.encode import Settings, encode_file
from reprise.preprocessing.labels.clean_labels import clean_labels
from reprise.preprocessing.processed_image import EncodedImage, ProcessedImage
from reprise.preprocessing.store.file_state import file_state
from reprise.preprocessing.store.image_cache import CacheConfig, open_cache

LedgerRows = list[dict[str, str]]


def process_image(
    record: ImageRecord, source: str, settings: Settings, cache: CacheConfig | None
) -> tuple[ProcessedImage | None, LedgerRows]:
    """Encode one image and clean its labels.

    Args:
        record: The image; boxes as the label file has them.
        source: Name of its source.
        settings: Sizes and limits.
        cache: The images of earlier runs; None uses none.

    Returns:
        The image with boxes in pixels of the upright original, None when it is dropped; and
        ledger rows for what was dropped or repaired.
    """
    try:
        encoded = _encoded(record, settings, cache)
        cleaned = clean_labels(
            record, encoded.original_width, encoded.original_height, encoded.orientation
        )
    except BadImageError as bad:
        return None, [rules.row(bad.rule, source, record.name, bad.detail)]
    notes = [] if record.labelled else [(rules.IMAGE_UNLABELLED, "")]
    notes += cleaned.notes
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


def _encoded(record: ImageRecord, settings: Settings, cache: CacheConfig | None) -> EncodedImage:
    """The image of a record's file.

    Raises:
        BadImageError: Its labels or its file cannot be used.
    """
    if record.problem:
        raise BadImageError(rules.LABELS_UNREADABLE, record.problem)
    if record.path is None:
        raise BadImageError(rules.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
    if cache is None:
        data = file_bytes(record.path, settings.max_pixels)
        return encode_file(data, settings, hashlib.sha256(data).hexdigest())
    found = _cached(record.path, settings, cache)
    if isinstance(found, BadImageError):
        raise found
    return found


def _cached(path: Path, settings: Settings, config: CacheConfig) -> EncodedImage | BadImageError:
    """What the cache has of a file, or what the file gives, which the cache has from then on."""
    cache = open_cache(config)
    state = file_state(path)
    digest = cache.known_digest(state) if state is not None else None
    found = cache.get(digest) if digest is not None else None
    if found is not None:
        return found
    data = file_bytes(path, settings.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    found = cache.get(digest)
    if found is None:
        try:
            found = encode_file(data, settings, digest)
        except BadImageError as bad:
            found = bad
        cache.put(digest, found)
    if state is not None:
        cache.remember_digest(state, digest)
    return found
