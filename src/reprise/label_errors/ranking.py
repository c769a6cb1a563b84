"""Which labels are likely wrong, whatever the task."""

from __future__ import annotations

from reprise.label_errors.label_ranking import rank_labels
from reprise.label_errors.object_ranking import rank_objects
from reprise.label_errors.out_of_fold import OutOfFold
from reprise.label_errors.suspects import Ranking
from reprise.scoring import truth_of


def rank(found: OutOfFold) -> Ranking:
    """Rank the labels of the judged images by their out-of-fold predictions.

    Raises:
        RepriseError: Cleanlab is not installed.
    """
    truth = truth_of(found.judged, "test", found.task)
    if found.task == "classify":
        return rank_labels(truth, found.rows)
    return rank_objects(truth, found.rows, found.task)
