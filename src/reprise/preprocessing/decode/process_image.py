"""One image with its labels, finished in a process of its own: file in, rows out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from reprise.formats.records import ImageRecord
from reprise.preprocessing import rules
from reprise.preprocessing.decode.decoder import BadImageError, file_bytes
from reprise.preprocessing.decode.encode import Settings, StoredImage, store
from reprise.preprocessing.labels.clean_labels import CleanBox, clean_labels
from reprise.preprocessing.store.image_cache import CacheConfig, open_cache

_REFUSED = StoredImage(b"")


@dataclass(slots=True)
class ProcessedImage:
    """What became of one image.

    Attributes:
        source: Name of its source.
        name: Posix path inside the source.
        keys: Grouping values.
        labels: Classes of the image as a whole.
        given: The split that its source gives it, or None.
        synthetic: True for an image that was made.
        labelled: False for an image that no label speaks of.
        stored: The stored image; its ``encoded`` is empty when the image was dropped.
        boxes: Its boxes after the rules.
        ledger: Rows for what was dropped or repaired.
        fresh: What the file gave, for the memo, also where the image was dropped; None when
            the file was not read.
    """

    source: str
    name: str
    keys: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    given: str | None = None
    synthetic: bool = False
    labelled: bool = True
    stored: StoredImage = _REFUSED
    boxes: list[CleanBox] = field(default_factory=list)
    ledger: list[dict[str, str]] = field(default_factory=list)
    fresh: StoredImage | None = None

    @property
    def key(self) -> str:
        """Identifies the image among all sources."""
        return f"{self.source}/{self.name}"

    def note(self, rule: rules.Rule, detail: str) -> None:
        """Add a row about this image to the ledger."""
        self.ledger.append(rules.row(rule, self.source, self.name, detail))


def process_image(
    record: ImageRecord, source: str, settings: Settings, memo: CacheConfig | None
) -> ProcessedImage:
    """Store one image and judge its labels.

    Args:
        record: The image; boxes as the label file has them.
        source: Name of its source.
        settings: Sizes and limits.
        memo: Where finished images are kept from run to run; None keeps none.

    Returns:
        The stored image with boxes in pixels of the upright original, or only ledger rows
        when it was dropped.
    """
    fresh: StoredImage | None = None
    refused: BadImageError | None = None
    if record.path is not None and not record.problem:
        try:
            fresh = _stored(record.path, settings, memo)
        except BadImageError as bad:
            refused = bad
    done = concluded(record, source, fresh, refused)
    done.fresh = fresh
    return done


def concluded(
    record: ImageRecord,
    source: str,
    stored: StoredImage | None,
    refused: BadImageError | None = None,
) -> ProcessedImage:
    """Judge the labels of an image whose file has been dealt with.

    Args:
        record: The image; boxes as the label file has them.
        source: Name of its source.
        stored: What its file gave; None when it was not read.
        refused: Why its file could not be read.

    Returns:
        As :func:`process_image`.
    """
    done = ProcessedImage(
        source,
        record.name,
        record.keys,
        tuple(record.labels),
        record.split,
        record.synthetic,
        record.labelled,
    )
    if record.problem:
        done.note(rules.LABELS_UNREADABLE, record.problem)
        return done
    if record.path is None:
        done.note(rules.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
        return done
    try:
        if stored is None:
            raise refused or BadImageError(rules.IMAGE_UNREADABLE, "it was not read")
        if stored.rule:
            raise BadImageError(rules.BY_NAME[stored.rule], stored.detail)
        judged = clean_labels(
            record, stored.original_width, stored.original_height, stored.orientation
        )
    except BadImageError as bad:
        done.note(bad.rule, bad.detail)
        return done
    if not record.labelled:
        done.note(rules.IMAGE_UNLABELLED, "")
    for rule, detail in judged.notes:
        done.note(rule, detail)
    done.stored, done.boxes = stored, judged.boxes
    return done


def _stored(path: Path, settings: Settings, place: CacheConfig | None) -> StoredImage:
    if place is None:
        return store(file_bytes(path, settings.max_pixels), settings)
    data = file_bytes(path, settings.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    return open_cache(place).get(digest) or store(data, settings, digest)
