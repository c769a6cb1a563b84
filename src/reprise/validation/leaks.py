"""What a person should look at: pictures that meet across splits, labels that contradict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.dataset import Dataset
from reprise.validation.row_tables import printable

if TYPE_CHECKING:
    import pandas as pd

# The rule of the ledger for an image whose pixels another image has with other labels; its
# detail names that one.
CONFLICT = "image_conflict"
# Pairs and conflicts that result.json lists; the counts are always complete.
LISTED = 1000


@dataclass(frozen=True)
class Leak:
    """Two images of different splits that look alike.

    Attributes:
        one: Row of the image in the table of images, below ``other``.
        other: Row of the other image.
        bits: Bits of 64 in which their perceptual hashes differ.
        same_pixels: Whether they are copies.
    """

    one: int
    other: int
    bits: int
    same_pixels: bool


@dataclass(frozen=True)
class LeakReport:
    """The leak section of the validation report.

    Attributes:
        images: What :func:`reprise.validation.row_tables.image_rows` returned.
        distance: Bits within which pictures count as alike; None when none were compared.
        leaks: Each image of them with its nearest in another split, each pair once, the
            nearest first.
        conflicts: Rows of the ledger, sorted: ``item`` (the image), ``key`` (the same without
            care for terminals) and ``detail``.
    """

    images: pd.DataFrame
    distance: int | None
    leaks: list[Leak]
    conflicts: list[dict[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Counts, and the first :data:`LISTED` of each kind, by name."""
        items = self.images["item"].tolist()
        return {
            "near_duplicate_distance": self.distance,
            "pairs": len(self.leaks),
            "listed_pairs": [
                {
                    "one": items[leak.one],
                    "other": items[leak.other],
                    "bits": leak.bits,
                    "same_pixels": leak.same_pixels,
                }
                for leak in self.leaks[:LISTED]
            ],
            "conflicts": len(self.conflicts),
            "listed_conflicts": [
                {"image": row["item"], "detail": row["detail"]} for row in self.conflicts[:LISTED]
            ],
        }


def find_leaks(dataset: Dataset, images: pd.DataFrame, distance: int | None) -> LeakReport:
    """Gather the pairs and the conflicts of a dataset.

    Args:
        dataset: The dataset, for its ledger.
        images: What :func:`reprise.validation.row_tables.image_rows` returned.
        distance: The distance that was given to it.
    """
    pairs: dict[tuple[int, int], int] = {}
    nearest = zip(images["nearest"].tolist(), images["nearest_bits"].tolist(), strict=True)
    for row, (other, bits) in enumerate(nearest):
        if other >= 0:
            pairs[min(row, other), max(row, other)] = bits
    digests = images["sha256"].tolist()
    leaks = [
        Leak(one, other, bits, digests[one] == digests[other])
        for (one, other), bits in pairs.items()
    ]
    leaks.sort(key=lambda leak: (not leak.same_pixels, leak.bits, leak.one, leak.other))
    return LeakReport(images, distance, leaks, _conflicts(dataset.rejected))


def _conflicts(ledger: pd.DataFrame) -> list[dict[str, str]]:
    rows = ledger[ledger["rule"] == CONFLICT]
    keys = (rows["source"] + "/" + rows["name"]).tolist()
    return [
        {"key": key, "item": printable(key), "detail": printable(detail)}
        for key, detail in sorted(zip(keys, rows["detail"].tolist(), strict=True))
    ]
