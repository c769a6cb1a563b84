"""Images with the same pixels: one stays, and labels that contradict each other are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from reprise.preprocessing import rules
from reprise.preprocessing.decode.process_image import ProcessedImage
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.placed import PlacedImage
from reprise.preprocessing.store.tables import BoxColumns


class Duplicates:
    """Finds images whose upright pixels are those of an earlier one.

    Args:
        policy: ``remove`` drops the later image; ``keep`` keeps both.
        boxes: The boxes of the images that are stored.

    Attributes:
        removed: Key of an image that stays to the file digests of its copies that went.
    """

    def __init__(self, policy: Literal["remove", "keep"], boxes: BoxColumns) -> None:
        self._policy = policy
        self._boxes = boxes
        self.removed: dict[str, list[str]] = {}
        # By digest, the first image that was taken.
        self._first: dict[bytes, PlacedImage] = {}

    def start_over(self) -> None:
        """Compare only what comes from now on; what was removed stays known."""
        self._first.clear()

    def take(self, image: ProcessedImage, placed: PlacedImage) -> None:
        """Compare what comes later with this image, as it is stored."""
        self._first.setdefault(bytes.fromhex(image.stored.sha256), placed)

    def admits(self, image: ProcessedImage, placed: PlacedImage | None = None) -> bool:
        """Whether an image stays; the ledger row about a copy is added to it.

        Args:
            image: It.
            placed: The same as it is stored, which then knows its boxes; None where ``image``
                itself has them.
        """
        first = self._first.get(bytes.fromhex(image.stored.sha256))
        if first is None:
            return True
        if self._policy == "keep":
            # Those of one source were told of when they were stored.
            if placed is None or first.order[0] != image.source:
                image.note(rules.IMAGE_COPY_KEPT, f"same pixels as {first.key}")
            return True
        boxes = image.boxes if placed is None else self._boxes.read(placed.boxes)
        earlier = _places(self._boxes.read(first.boxes)), sorted(first.labels)
        # What has no labels contradicts none: labelled images come first, so they stay.
        agree = (_places(boxes), sorted(image.labels)) == earlier or not image.labelled
        rule = rules.IMAGE_DUPLICATE if agree else rules.IMAGE_CONFLICT
        image.note(rule, f"same pixels as {first.key}")
        self.removed.setdefault(first.key, []).append(image.stored.file_sha256)
        return False


def _places(boxes: Iterable[CleanBox]) -> list[tuple[str, list[float]]]:
    """Equal for equal boxes in any order, to a tenth of a pixel."""
    return sorted((box.class_name, [round(side, 1) for side in box.xywh]) for box in boxes)
