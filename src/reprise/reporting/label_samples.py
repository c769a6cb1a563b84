"""Sample images and errors of a model that names classes of whole images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reprise.predictions import read_predictions
from reprise.reporting.inputs import ReportInputs
from reprise.reporting.object_samples import CloseUp, Picture, embed, in_turn, spread

SIDE = 340  # pixels of the longer side


@dataclass(frozen=True)
class LabelVerdict:
    """One class that an image has, or is predicted to have.

    Attributes:
        verdict: ``found``, ``missed`` or ``wrong``.
        score: None when the model gives none.
    """

    name: str
    colour: str
    verdict: str
    score: float | None


@dataclass(frozen=True)
class LabelSample:
    """One image and its labels, true and predicted."""

    name: str
    picture: Picture
    labels: list[LabelVerdict]


def label_samples(
    inputs: ReportInputs, colours: Mapping[str, str], count: int
) -> list[LabelSample]:
    """Images taken at even distances through the split, whatever their results.

    Args:
        inputs: The report's inputs.
        colours: Class -> colour.
        count: How many images; all of them when there are fewer.
    """
    chosen = spread(inputs, count)
    if not len(chosen):
        return []
    truth = inputs.dataset.label_truth(inputs.split)
    true = {(row["image_id"], row["category_id"]) for row in truth["labels"]}
    scores = {
        (row["image_id"], row["category_id"]): row["score"]
        for row in read_predictions(inputs.predictions)
    }
    threshold = inputs.headline["score_threshold"]
    samples = []
    for row in chosen.itertuples(index=False):
        labels = []
        for item in truth["categories"]:
            key, name = (row.image_id, item["id"]), item["name"]
            verdict = _verdict(key in true, scores.get(key, 0.0) >= threshold)
            if verdict:
                labels.append(LabelVerdict(name, colours[name], verdict, scores.get(key)))
        pixels = inputs.dataset.pixels(row.shard, row.offset, row.length)
        samples.append(LabelSample(f"{row.source}/{row.name}", embed(pixels, SIDE), labels))
    return samples


def _verdict(true: bool, predicted: bool) -> str:
    if true:
        return "found" if predicted else "missed"
    return "wrong" if predicted else ""


def label_close_ups(inputs: ReportInputs, count: int) -> list[CloseUp]:
    """The worst errors, taken in turn from each kind; each shows its whole image."""
    images = inputs.dataset.images.set_index("image_id")
    shown = []
    for row in in_turn(inputs.tables["errors"], count):
        image: Any = images.loc[int(row["image_id"])]
        pixels = inputs.dataset.pixels(image["shard"], int(image["offset"]), int(image["length"]))
        shown.append(CloseUp(row["kind"], embed(pixels, SIDE), [], _sentence(row), row["image"]))
    return shown


def _sentence(row: Mapping[str, Any]) -> str:
    score = f" {float(row['score']):.2f}" if row["score"] else ""
    if row["kind"] == "missed":
        return f"is {row['class']}, which scored{score}" if score else f"is {row['class']}"
    return f"said {row['class']}{score}, which it is not"
