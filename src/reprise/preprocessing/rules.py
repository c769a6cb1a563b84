"""The rules by which an image or a box is dropped, repaired or kept: the ledger's words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rule:
    """One rule of the ledger.

    Attributes:
        name: How ``rejected.parquet`` names it.
        item: What it acts on.
        action: What becomes of it.
        meaning: When it applies, for people.
    """

    name: str
    item: Literal["image", "box"]
    action: Literal["dropped", "repaired", "kept"]
    meaning: str


IMAGE_MISSING = Rule("image_missing", "image", "dropped", "a label file names it, no file is there")
IMAGE_UNLISTED = Rule(
    "image_unlisted", "image", "dropped", "no label file lists it (data.sources.*.unlabelled)"
)
IMAGE_UNLABELLED = Rule(
    "image_unlabelled", "image", "kept", "no label speaks of it: taken as one without objects"
)
LABELS_UNREADABLE = Rule("labels_unreadable", "image", "dropped", "its labels cannot be read")
IMAGE_UNREADABLE = Rule("image_unreadable", "image", "dropped", "it does not decode completely")
IMAGE_TOO_LARGE = Rule(
    "image_too_large", "image", "dropped", "more pixels than data.limits.max_image_megapixels"
)
IMAGE_SIZE_CONTRADICTS = Rule(
    "image_size_contradicts", "image", "dropped", "its shape is not the one its labels are for"
)
IMAGE_SIZE_RESCALED = Rule(
    "image_size_rescaled", "image", "repaired", "labels made at another scale, boxes scaled"
)
IMAGE_LABELS_TURNED = Rule(
    "image_labels_turned", "image", "repaired", "labels made before EXIF turned it, boxes turned"
)
IMAGE_CONFLICT = Rule(
    "image_conflict", "image", "dropped", "the same pixels as another image, with other labels"
)
IMAGE_COPY_KEPT = Rule(
    "image_copy_kept", "image", "kept", "the same pixels as another image (data.split.duplicates)"
)
IMAGE_BRIDGES_SPLITS = Rule(
    "image_bridges_splits", "image", "dropped", "it belongs with images of two splits"
)
IMAGE_DUPLICATE = Rule("image_duplicate", "image", "dropped", "the same pixels as another image")
SYNTHETIC_NEAR_REAL = Rule(
    "synthetic_near_real", "image", "dropped", "synthetic, looks like an image of val or test"
)
BOX_NOT_FINITE = Rule("box_not_finite", "box", "dropped", "a coordinate is not a number")
BOX_EMPTY = Rule(
    "box_empty", "box", "dropped", "its width or height is 0, as of a point or line, or negative"
)
BOX_OUTSIDE = Rule("box_outside", "box", "dropped", "it lies wholly outside its image")
BOX_CLIPPED = Rule("box_clipped", "box", "repaired", "cut at the edge of its image")
BOX_OUTLINE_UNUSABLE = Rule(
    "box_outline_unusable",
    "box",
    "repaired",
    "its mask, or a part of it, is damaged or of another size: left out",
)
BOX_DUPLICATE = Rule("box_duplicate", "box", "dropped", "the same class and place as another box")

RULES = (
    IMAGE_MISSING,
    IMAGE_UNLISTED,
    IMAGE_UNLABELLED,
    LABELS_UNREADABLE,
    IMAGE_UNREADABLE,
    IMAGE_TOO_LARGE,
    IMAGE_SIZE_CONTRADICTS,
    IMAGE_SIZE_RESCALED,
    IMAGE_LABELS_TURNED,
    IMAGE_DUPLICATE,
    IMAGE_CONFLICT,
    IMAGE_COPY_KEPT,
    IMAGE_BRIDGES_SPLITS,
    SYNTHETIC_NEAR_REAL,
    BOX_NOT_FINITE,
    BOX_EMPTY,
    BOX_OUTSIDE,
    BOX_CLIPPED,
    BOX_OUTLINE_UNUSABLE,
    BOX_DUPLICATE,
)
BY_NAME = {rule.name: rule for rule in RULES}

_MANY = {"image": "image(s)", "box": "box(es)"}


def row(rule: Rule, source: str, name: str, detail: str) -> dict[str, str]:
    """One row of the ledger; its keys are the dataset contract's REJECTED_COLUMNS."""
    return {
        "source": source,
        "name": name,
        "item": rule.item,
        "action": rule.action,
        "rule": rule.name,
        "detail": detail,
    }


def summary(rows: list[dict[str, str]]) -> str:
    """Counts by rule as lines for the console, in the order of RULES."""
    counts = Counter(entry["rule"] for entry in rows)
    lines = [
        f"  {counts[rule.name]:>7} {_MANY[rule.item]} {rule.action}: {rule.name} ({rule.meaning})"
        for rule in RULES
        if counts[rule.name]
    ]
    return "\n".join(lines) if lines else "  nothing was dropped or repaired"
