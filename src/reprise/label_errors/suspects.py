"""A label that may be wrong, and the table of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.dataset import Dataset

# An object or a label that was not given, one of another class, one that is drawn badly, and a
# label of a whole image that should not be there.
OVERLOOKED, SWAPPED, BADLY_LOCATED, NOT_THERE = (
    "overlooked", "swapped", "badly located", "not there",
)  # fmt: skip
BOX = ("x", "y", "w", "h")
COLUMNS = (
    "rank", "kind", "score", "doubt", "image_id", "image", "split", "image_quality", "class",
    "suggested_class", *BOX, *(f"suggested_{name}" for name in BOX),
)  # fmt: skip
IMAGE_COLUMNS = ("image_id", "image", "split", "quality", "suspects")


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong.

    Attributes:
        kind: One of those above.
        score: Cleanlab's, in [0, 1]; low is bad. Those of different kinds do not compare.
        doubt: In [0, 1], by which all kinds are ranked; high is bad.
        image_id: Of the images table.
        annotation_id: Of the object as labelled; None for one that was overlooked, and for a
            label of the whole image.
        labelled: Category id as labelled, or None.
        suggested: Category id that is suggested, or None where a label should go.
        box: As labelled, xywh in pixels of the upright original, or None.
        prediction: The row of the prediction contract that speaks against the label, or None.
    """

    kind: str
    score: float
    doubt: float
    image_id: int
    annotation_id: int | None = None
    labelled: int | None = None
    suggested: int | None = None
    box: tuple[float, float, float, float] | None = None
    prediction: dict[str, Any] | None = None

    @property
    def suggested_box(self) -> tuple[float, float, float, float] | None:
        """Box of the prediction, xywh in pixels of the upright original; None for a label."""
        found = (self.prediction or {}).get("bbox")
        return None if found is None else tuple(found)


@dataclass(frozen=True)
class Ranking:
    """What is likely wrong.

    Attributes:
        suspects: The most doubtful first.
        image_quality: Image id -> cleanlab's quality of its labels as a whole, in [0, 1]; low is
            bad.
    """

    suspects: list[Suspect]
    image_quality: dict[int, float] = field(default_factory=dict)


def ranked(suspects: Sequence[Suspect], quality: Mapping[int, float]) -> Ranking:
    """By falling doubt, in one order whatever the order they come in."""
    order = sorted(
        suspects,
        key=lambda s: (-s.doubt, s.score, s.image_id, s.kind, s.annotation_id or 0,
                       s.labelled or 0, s.suggested or 0, s.suggested_box or ()),
    )  # fmt: skip
    return Ranking(order, dict(quality))


def table_rows(ranking: Ranking, data: Dataset) -> Iterator[dict[str, Any]]:
    """The rows of ``label_errors.csv``, the first the most doubtful; columns COLUMNS."""
    images = data.images.set_index("image_id")
    names = {category.category_id: category.name for category in data.categories}
    for rank, suspect in enumerate(ranking.suspects, start=1):
        image: Any = images.loc[suspect.image_id]
        quality = ranking.image_quality.get(suspect.image_id)
        row: dict[str, Any] = {
            "rank": rank,
            "kind": suspect.kind,
            "score": suspect.score,
            "doubt": suspect.doubt,
            "image_id": suspect.image_id,
            "image": f"{image['source']}/{image['name']}",
            "split": image["split"],
            "image_quality": quality,
            "class": names.get(suspect.labelled or 0),
            "suggested_class": names.get(suspect.suggested or 0),
        }
        for prefix, box in (("", suspect.box), ("suggested_", suspect.suggested_box)):
            row |= {f"{prefix}{name}": value for name, value in zip(BOX, box or (), strict=False)}
        yield row


def image_rows(ranking: Ranking, data: Dataset) -> Iterator[dict[str, Any]]:
    """The rows of ``images.csv``, the worst image first; columns IMAGE_COLUMNS."""
    images = data.images.set_index("image_id")
    counts = Counter(suspect.image_id for suspect in ranking.suspects)
    for image_id, quality in sorted(ranking.image_quality.items(), key=lambda item: item[::-1]):
        image: Any = images.loc[image_id]
        yield {
            "image_id": image_id,
            "image": f"{image['source']}/{image['name']}",
            "split": image["split"],
            "quality": quality,
            "suspects": counts[image_id],
        }
