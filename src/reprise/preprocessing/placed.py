"""An image that is stored, in few bytes: a dataset of a million has a million of them."""

from __future__ import annotations

import marshal
from sys import intern
from typing import Any, NamedTuple

from reprise.preprocessing.decode.encode import StoredImage
from reprise.preprocessing.decode.process_image import ProcessedImage


class Unpacked(NamedTuple):
    """All of a stored image.

    Attributes:
        image: The finished image, made anew: without its bytes, boxes and ledger.
        place: ``(shard, offset, length)``.
        boxes: Rows of its boxes.
    """

    image: ProcessedImage
    place: tuple[str, int, int]
    boxes: range


class PlacedImage:
    """One stored image: its row of the images table but for split and group.

    It is packed, and unpacked by each look at it: as Python objects the same takes four times
    the memory, scattered among what lives shortly.

    Args:
        image: The finished image; its bytes, boxes and ledger are not kept.
        place: ``(shard, offset, length)``.
        boxes: Rows of its boxes.
    """

    __slots__ = ("_packed",)

    def __init__(self, image: ProcessedImage, place: tuple[str, int, int], boxes: range) -> None:
        stored = image.stored
        self._packed = marshal.dumps(
            (
                (image.source, image.name, image.keys, image.labels, image.given),
                (image.synthetic, image.labelled),
                (stored.width, stored.height, stored.original_width, stored.original_height),
                (stored.orientation, bytes.fromhex(stored.sha256)),
                (bytes.fromhex(stored.file_sha256), bytes.fromhex(stored.perceptual_hash)),
                place,
                (boxes.start, boxes.stop),
            )
        )

    @property
    def key(self) -> str:
        """Identifies the image among all sources."""
        return "/".join(self.order)

    @property
    def order(self) -> tuple[str, str]:
        """Source and name, by which the images are numbered."""
        source, name, *_ = self._read()[0]
        return source, name

    @property
    def precedence(self) -> tuple[bool, bool, str, str]:
        """Of copies the first in this order stays: real ones, labelled ones, then by name."""
        (source, name, *_), (synthetic, labelled), *_ = self._read()
        return synthetic, not labelled, source, name

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes of the image as a whole."""
        return self._read()[0][3]

    @property
    def boxes(self) -> range:
        """Rows of its boxes."""
        return range(*self._read()[6])

    @property
    def image(self) -> ProcessedImage:
        """The finished image, made anew: without its bytes, boxes and ledger."""
        return self.unpacked().image

    def unpacked(self) -> Unpacked:
        """All of it at one look."""
        told, (synthetic, labelled), sizes, stored, digests, place, rows = self._read()
        (source, name, keys, labels, given), (width, height, whole_width, whole_height) = (
            told,
            sizes,
        )
        (orientation, sha256), (file_sha256, looks) = stored, digests
        image = ProcessedImage(
            intern(source),
            name,
            keys,
            labels,
            given,
            synthetic,
            labelled,
            StoredImage(
                b"",
                width,
                height,
                whole_width,
                whole_height,
                orientation,
                sha256.hex(),
                file_sha256.hex(),
                looks.hex(),
            ),
        )
        return Unpacked(image, place, range(*rows))

    def _read(self) -> Any:
        return marshal.loads(self._packed)  # noqa: S302 - written by this process
