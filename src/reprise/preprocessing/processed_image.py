"""The record of an image, from its file to its row of the images table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprise.preprocessing.labels.clean_labels import CleanBox


@dataclass(slots=True)
class EncodedImage:
    """What an image file gives, whatever its labels: the part that the image cache holds.

    Attributes:
        data: The stored JPEG (RGB, 4:4:4, never enlarged); empty once it is in a shard.
        width: Of the stored image, in pixels.
        height: As ``width``.
        original_width: Of the upright original, in pixels.
        original_height: As ``original_width``.
        sha256: Of the upright original's size and its RGB pixels as decoded.
        perceptual_hash: 64-bit DCT hash, 16 hexadecimal digits.
        file_sha256: Of the file; empty for an image that was composed.
        orientation: EXIF orientation that was applied, 1 to 8.
        notes: The name of a rule and a detail for each repair of its pixels.
    """

    data: bytes
    width: int
    height: int
    original_width: int
    original_height: int
    sha256: str
    perceptual_hash: str
    file_sha256: str = ""
    orientation: int = 1
    notes: Sequence[Sequence[str]] = ()


@dataclass(slots=True)
class ProcessedImage:
    """One image of the dataset.

    Attributes:
        source: Name of its source.
        name: Posix path inside the source.
        encoded: The image itself.
        keys: Grouping values.
        labels: Classes of the image as a whole.
        given_split: The split that its source gives it, or None.
        synthetic: True for an image that was made.
        labelled: False for an image that no label mentions.
        boxes: Its boxes after the rules; empty once they are in the box table.
        box_rows: Their rows in the box table.
        classes: The class of each box and each of ``labels``.
        shard: The tar file that holds it.
        offset: Of its first byte in the shard.
        length: In bytes.
        duplicates: File digests of the images with the same pixels that were removed.
    """

    source: str
    name: str
    encoded: EncodedImage
    keys: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    given_split: str | None = None
    synthetic: bool = False
    labelled: bool = True
    boxes: Sequence[CleanBox] = ()
    box_rows: range = range(0)
    classes: tuple[str, ...] = ()
    shard: str = ""
    offset: int = 0
    length: int = 0
    duplicates: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Identifies the image among all sources."""
        return f"{self.source}/{self.name}"

    @property
    def class_counts(self) -> Mapping[str, int]:
        """Class name to the number of its boxes and labels."""
        return Counter(self.classes)
