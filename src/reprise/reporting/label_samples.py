"""Sample images and errors of a model that names classes of whole images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reprise.predictions import read_predictions
from reprise.reporting.facets import error_facets
from reprise.reporting.inputs import ReportInputs
from reprise.reporting.object_samples import CloseUp, embed, in_turn

if TYPE_CHECKING:
    import pandas as pd

SIDE = 340  # pixels of the longer side


def label_samples(
    inputs: ReportInputs, colours: Mapping[str, str], chosen: pd.DataFrame
) -> list[dict[str, Any]]:
    """Some images of the split with their labels, true and predicted.

    Args:
        inputs: The report's inputs.
        colours: Class -> colour.
        chosen: Rows of the images table.

    Returns:
        Of each ``name``, ``picture``, ``facets`` and ``labels``, the classes that it has or is
        predicted to have: ``name``, ``colour``, ``verdict`` (``found``, ``missed`` or ``wrong``)
        and ``score``, None when the model gives none.
    """
    if chosen.empty:
        return []
    truth = inputs.dataset.label_truth(inputs.split)
    true = {(row["image_id"], row["category_id"]) for row in truth["labels"]}
    scores = {
        (row["image_id"], row["category_id"]): row["score"]
        for row in read_predictions(inputs.predictions)
    }
    threshold = inputs.headline["score_threshold"]
    samples = []
    row: Any
    for row in chosen.itertuples(index=False):
        labels = [
            label | {"colour": colours[label["name"]]}
            for label in judged_labels(row.image_id, truth["categories"], true, scores, threshold)
        ]
        pixels = inputs.dataset.pixels(row.shard, row.offset, row.length)
        picture = embed(pixels, SIDE)
        facets = {"class": [label["name"] for label in labels], "source": [row.source]}
        samples.append(
            {
                "name": f"{row.source}/{row.name}",
                "picture": picture,
                "labels": labels,
                "facets": facets,
            }
        )
    return samples


def judged_labels(
    image_id: int,
    categories: Sequence[dict[str, Any]],
    true: set[tuple[int, int]],
    scores: Mapping[tuple[int, int], float],
    threshold: float,
) -> list[dict[str, Any]]:
    """The labels that an image has or is predicted to have: ``name``, ``verdict`` and ``score``.

    Args:
        image_id: Of the image.
        categories: Of the dataset.
        true: Image and category ids of what is so.
        scores: Likewise, of what was predicted.
        threshold: Scores of at least this say yes.
    """
    labels = []
    for item in categories:
        key = (image_id, item["id"])
        predicted = scores.get(key, -1.0) >= threshold
        if predicted or key in true:
            verdict = ("found" if predicted else "missed") if key in true else "wrong"
            labels.append({"name": item["name"], "verdict": verdict, "score": scores.get(key)})
    return labels


def label_close_ups(inputs: ReportInputs, count: int) -> list[CloseUp]:
    """The worst errors, taken in turn from each kind; each shows its whole image."""
    images = inputs.dataset.images.set_index("image_id")
    shown = []
    for row in in_turn(inputs.tables["errors"], count):
        image: Any = images.loc[int(row["image_id"])]
        pixels = inputs.dataset.pixels(image["shard"], int(image["offset"]), int(image["length"]))
        facets = error_facets(row, inputs.names)
        shown.append(
            CloseUp(row["kind"], embed(pixels, SIDE), [], _sentence(row), row["image"], facets)
        )
    return shown


def _sentence(row: Mapping[str, Any]) -> str:
    score = f" {float(row['score']):.2f}" if row["score"] else ""
    if row["kind"] == "missed":
        return f"is {row['class']}, which scored{score}" if score else f"is {row['class']}"
    return f"said {row['class']}{score}, which it is not"
