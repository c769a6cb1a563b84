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
class LeakReport:
    """The leak section of the validation report.

    Attributes:
        images: What :func:`reprise.validation.row_tables.image_rows` returned.
        distance: Bits within which pictures count as alike; None when none were compared.
        leaks: Each image of them with its nearest in another split, each pair once, the
            nearest first: ``one`` and ``other``, their rows in ``images``, the lower first;
            ``bits`` of 64 in which their perceptual hashes differ; and ``same_pixels``.
        conflicts: Rows of the ledger, sorted: ``item`` (the image), ``key`` (the same without
            care for terminals) and ``detail``.
    """

    images: pd.DataFrame
    distance: int | None
    leaks: pd.DataFrame
    conflicts: list[dict[str, str]]

    def to_json(self) -> dict[str, Any]:
        """Counts, and the first :data:`LISTED` of each kind, by name."""
        listed = self.leaks[:LISTED]
        named = {side: listed[side].map(self.images["item"]) for side in ("one", "other")}
        return {
            "near_duplicate_distance": self.distance,
            "pairs": len(self.leaks),
            "listed_pairs": listed.assign(**named).to_dict("records"),
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
    import pandas as pd

    found = images[images["nearest"] >= 0]
    digests, other = images["sha256"], found["nearest"]
    leaks = pd.DataFrame(
        {
            "one": other.where(other < found.index, found.index),
            "other": other.where(other > found.index, found.index),
            "bits": found["nearest_bits"],
            "same_pixels": found["sha256"] == other.map(digests),
        }
    ).drop_duplicates()
    order = ["same_pixels", "bits", "one", "other"]
    leaks = leaks.sort_values(order, ascending=[False, True, True, True], ignore_index=True)
    return LeakReport(images, distance, leaks, _conflicts(dataset.rejected))


def _conflicts(ledger: pd.DataFrame) -> list[dict[str, str]]:
    rows = ledger[ledger["rule"] == CONFLICT]
    keys = (rows["source"] + "/" + rows["name"]).tolist()
    return [
        {"key": key, "item": printable(key), "detail": printable(detail)}
        for key, detail in sorted(zip(keys, rows["detail"].tolist(), strict=True))
    ]
