"""Which labels of whole images are likely wrong, by cleanlab's multi-label functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from reprise.label_errors.packages import package
from reprise.label_errors.suspects import NOT_THERE, OVERLOOKED, Ranking, Suspect, ranked


def rank_labels(truth: dict[str, Any], rows: list[dict[str, Any]]) -> Ranking:
    """Rank the pairs of image and class whose label the out-of-fold predictions speak against.

    Cleanlab's score of a pair is the probability that the network gave to what the label says
    (self-confidence; Thyagarajan et al. 2022, arXiv 2211.13895). A pair is a suspect where that
    is under one half; doubt is one minus the score.

    Args:
        truth: As ``Dataset.label_truth``.
        rows: Out-of-fold predictions of the same images: rows of the prediction contract, one a
            pair. A pair without one scores 0.

    Returns:
        The suspects, kinds ``overlooked`` (a label to add) and ``not there`` (one to remove), and
        the quality of each image.

    Raises:
        RepriseError: Cleanlab is not installed.
    """
    rank = package("cleanlab.multilabel_classification.rank")
    image_ids = [image["id"] for image in truth["images"]]
    classes = [category["id"] for category in truth["categories"]]
    row_of = {key: place for place, key in enumerate(image_ids)}
    column_of = {key: place for place, key in enumerate(classes)}
    probabilities = np.zeros((len(image_ids), len(classes)))
    by_pair = {}
    for row in rows:
        probabilities[row_of[row["image_id"]], column_of[row["category_id"]]] = row["score"]
        by_pair[row["image_id"], row["category_id"]] = row
    given: list[list[int]] = [[] for _ in image_ids]
    for item in truth["labels"]:
        given[row_of[item["image_id"]]].append(column_of[item["category_id"]])
    scores = rank.get_label_quality_scores_per_class(given, probabilities)
    quality = rank.get_label_quality_scores(given, probabilities)
    suspects = []
    for at, key in np.argwhere(scores < 0.5).tolist():
        image_id, category_id, score = image_ids[at], classes[key], float(scores[at, key])
        labelled = key in given[at]
        suspects.append(
            Suspect(
                NOT_THERE if labelled else OVERLOOKED,
                score,
                1 - score,
                image_id,
                labelled=category_id if labelled else None,
                suggested=None if labelled else category_id,
                prediction=by_pair.get((image_id, category_id)),
            )
        )
    return ranked(suspects, dict(zip(image_ids, quality.tolist(), strict=True)))
