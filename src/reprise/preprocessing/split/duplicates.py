"""Images with the same pixels: one stays, and labels that contradict each other are reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from reprise.preprocessing import rules
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.store.tables import BoxColumns

Policy = Literal["remove", "keep"]


class Duplicates:
    """Finds images whose upright pixels are those of an earlier one.

    Args:
        policy: ``remove`` drops the later image; ``keep`` keeps both.
        boxes: The boxes of all images.
        across_sources: Compare images that were compared within their source before.
    """

    def __init__(self, policy: Policy, boxes: BoxColumns, across_sources: bool = False) -> None:
        self._policy = policy
        self._boxes = boxes
        self._across_sources = across_sources
        # By digest, the first image that was admitted.
        self._first: dict[str, ProcessedImage] = {}

    def admits(self, image: ProcessedImage, ledger: list[dict[str, str]]) -> bool:
        """Whether an image stays; a row about a duplicate is added to the ledger."""
        first = self._first.setdefault(image.encoded.sha256, image)
        if first is image:
            return True
        if self._policy == "keep":
            # Those within a source have been reported when it was read.
            if (first.source != image.source) == self._across_sources:
                ledger.append(_row(Rule.IMAGE_COPY_KEPT, image, first))
            return True
        # What has no labels contradicts none: labelled images come first, so they stay.
        agree = self._labels(image) == self._labels(first) or not image.labelled
        ledger.append(_row(Rule.IMAGE_DUPLICATE if agree else Rule.IMAGE_CONFLICT, image, first))
        first.duplicates += (image.encoded.file_sha256,)
        return False

    def _labels(self, image: ProcessedImage) -> tuple[object, object]:
        return _rounded(self._boxes.read(image.box_rows)), sorted(image.labels)


def drop_duplicates(
    images: list[ProcessedImage], policy: Policy, boxes: BoxColumns, ledger: list[dict[str, str]]
) -> list[ProcessedImage]:
    """Drop duplicates among sources; real and labelled images stay, then the first by name."""
    order = sorted(images, key=lambda i: (i.synthetic, not i.labelled, i.source, i.name))
    duplicates = Duplicates(policy, boxes, across_sources=True)
    return [image for image in order if duplicates.admits(image, ledger)]


def _row(rule: Rule, image: ProcessedImage, first: ProcessedImage) -> dict[str, str]:
    return rules.row(rule, image.source, image.name, f"same pixels as {first.key}")


def _rounded(boxes: Iterable[CleanBox]) -> list[tuple[str, list[float]]]:
    """Equal for equal boxes in any order, to a tenth of a pixel."""
    return sorted((box.class_name, [round(side, 1) for side in box.xywh]) for box in boxes)
