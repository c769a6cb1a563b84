"""An image that is stored, in few bytes: a dataset of a million has a million of them."""

from __future__ import annotations

import marshal
from sys import intern
from typing import Any

from reprise.preprocessing.finish import Finished
from reprise.preprocessing.images import StoredImage


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

    def __init__(self, image: Finished, place: tuple[str, int, int], boxes: range) -> None:
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
        source, name, *_ = self._unpacked()[0]
        return source, name

    @property
    def precedence(self) -> tuple[bool, bool, str, str]:
        """Of copies the first in this order stays: real ones, labelled ones, then by name."""
        (source, name, *_), (synthetic, labelled), *_ = self._unpacked()
        return synthetic, not labelled, source, name

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes of the image as a whole."""
        return self._unpacked()[0][3]

    @property
    def place(self) -> tuple[str, int, int]:
        """``(shard, offset, length)``."""
        return self._unpacked()[5]

    @property
    def boxes(self) -> range:
        """Rows of its boxes."""
        return range(*self._unpacked()[6])

    @property
    def image(self) -> Finished:
        """The finished image, made anew: without its bytes, boxes and ledger."""
        told, judged, sizes, (orientation, sha256), (file_sha256, looks), *_ = self._unpacked()
        source, name, keys, labels, given = told
        synthetic, labelled = judged
        width, height, original_width, original_height = sizes
        stored = StoredImage(
            b"",
            width,
            height,
            original_width,
            original_height,
            orientation,
            sha256.hex(),
            file_sha256.hex(),
            looks.hex(),
        )
        return Finished(
            intern(source),
            name,
            keys,
            labels,
            given,
            synthetic,
            labelled,
            stored,
        )

    def _unpacked(self) -> Any:
        return marshal.loads(self._packed)  # noqa: S302 - written by this process
