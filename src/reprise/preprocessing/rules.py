"""The rules by which an image or a box is dropped, repaired or kept: the ledger's words."""

from __future__ import annotations

from collections import Counter
from enum import Enum


class Rule(Enum):
    """The rules of the ledger, in the order of its summary.

    Attributes:
        item: What it acts on: ``image`` or ``box``.
        action: What becomes of it: ``dropped``, ``repaired`` or ``kept``.
        meaning: When it applies, for people.
    """

    IMAGE_MISSING = "image", "dropped", "a label file names it, no file is there"
    IMAGE_UNLISTED = "image", "dropped", "no label file lists it (data.sources.*.unlabelled)"
    IMAGE_UNLABELLED = "image", "kept", "no label speaks of it: taken as one without objects"
    LABELS_UNREADABLE = "image", "dropped", "its labels cannot be read"
    IMAGE_LABELS_LOST = "image", "dropped", "every label of it was dropped: it is no background"
    IMAGE_UNREADABLE = "image", "dropped", "it does not decode completely"
    IMAGE_TOO_LARGE = "image", "dropped", "more pixels than data.limits.max_image_megapixels"
    IMAGE_SIZE_CONTRADICTS = "image", "dropped", "its shape is not the one its labels are for"
    IMAGE_SIZE_RESCALED = "image", "repaired", "labels made at another scale, boxes scaled"
    IMAGE_LABELS_TURNED = "image", "repaired", "labels made before EXIF turned it, boxes turned"
    IMAGE_INVERTED = "image", "repaired", "it is stored with 0 as white, in more than 8 bits"
    IMAGE_NODATA = "image", "repaired", "pixels without a value (nodata, NaN, infinite): black"
    IMAGE_DEPTH_SPREAD = "image", "repaired", "colour of 16 bits that uses fewer: contrast kept"
    IMAGE_ALPHA_UNSET = (
        "image",
        "repaired",
        "its alpha is no transparency: zero everywhere, or not declared",
    )
    IMAGE_DUPLICATE = "image", "dropped", "the same pixels as another image"
    IMAGE_CONFLICT = "image", "dropped", "the same pixels as another image, with other labels"
    IMAGE_COPY_KEPT = "image", "kept", "the same pixels as another image (data.split.duplicates)"
    IMAGE_BRIDGES_SPLITS = "image", "dropped", "it belongs with images of two splits"
    SYNTHETIC_NEAR_REAL = "image", "dropped", "synthetic, looks like an image of val or test"
    BOX_NOT_FINITE = "box", "dropped", "a coordinate is not a number"
    BOX_SHAPE_UNKNOWN = "box", "dropped", "it is drawn in a shape that is not known"
    BOX_EMPTY = "box", "dropped", "its width or height is 0, as of a point or line, or negative"
    BOX_OUTSIDE = "box", "dropped", "it lies wholly outside its image"
    BOX_CLIPPED = "box", "repaired", "cut at the edge of its image"
    BOX_OUTLINE_UNUSABLE = (
        "box",
        "repaired",
        "its mask, or a part of it, is damaged or of another size: left out",
    )
    BOX_DUPLICATE = "box", "dropped", "the same class and place as another box"

    def __init__(self, item: str, action: str, meaning: str) -> None:
        self.item = item
        self.action = action
        self.meaning = meaning

    @property
    def code(self) -> str:
        """How ``rejected.parquet`` names it."""
        return self.name.lower()


_MANY = {"image": "image(s)", "box": "box(es)"}


def row(rule: Rule, source: str, name: str, detail: str) -> dict[str, str]:
    """One row of the ledger; its keys are the dataset contract's REJECTED_COLUMNS."""
    return {
        "source": source,
        "name": name,
        "item": rule.item,
        "action": rule.action,
        "rule": rule.code,
        "detail": detail,
    }


def summary(rows: list[dict[str, str]]) -> str:
    """Counts by rule as lines for the console, in the order of the rules."""
    counts = Counter(entry["rule"] for entry in rows)
    lines = [
        f"  {counts[rule.code]:>7} {_MANY[rule.item]} {rule.action}: {rule.code} ({rule.meaning})"
        for rule in Rule
        if counts[rule.code]
    ]
    return "\n".join(lines) if lines else "  nothing was dropped or repaired"
