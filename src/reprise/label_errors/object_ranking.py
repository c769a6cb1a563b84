"""Which boxes and masks are likely wrong, by cleanlab's object-detection functions.

They are the three scores of ObjectLab (Tkachenko et al. 2023, arXiv 2309.00832). What they are
given is Reprise's own: IoU as the scorer computes it, of masks where masks are predicted, and the
scorer's match of predictions with objects. Used plainly, they compare every object with every
prediction in its image; where objects touch, each neighbour then looks like a bad drawing of the
other, and no object that was overlooked between them is ever named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from reprise.label_errors.packages import package
from reprise.label_errors.scenes import Scene, scenes_of
from reprise.label_errors.suspects import (
    BADLY_LOCATED,
    OVERLOOKED,
    SWAPPED,
    Ranking,
    Suspect,
)
from reprise.predictions import Floats
from reprise.scoring import Task
from reprise.scoring.overlaps import MATCH_IOU

# From this overlap on, the strict one of COCO's mAP75, a label agrees with what is found.
AGREES_IOU = 0.75
KINDS = (SWAPPED, BADLY_LOCATED, OVERLOOKED)


@dataclass
class Found:
    """The suspects of one kind, and the scores of all that it looked at, by image."""

    suspects: list[Suspect] = field(default_factory=list)
    scores: dict[int, list[float]] = field(default_factory=dict)


def rank_objects(truth: dict[str, Any], rows: list[dict[str, Any]], task: Task) -> Ranking:
    """Rank the objects, and what lacks one, by out-of-fold predictions.

    Only predictions from the score on with the best F1 count; cleanlab's own bounds of 0.5 and 0.95
    suppose calibrated probabilities, which detectors do not give. An object is compared with the
    predictions that overlap it by 0.1 or more and found no other object, and is badly located where
    they agree by less than 0.75. Within a kind the order
    is by doubt, (1 - cleanlab's score) times the score of the prediction that speaks against the
    label. Scores of different kinds do not compare, so the kinds take turns: swapped, badly
    located, overlooked, swapped, and so on. No object and no prediction stands there twice.

    Args:
        truth: COCO ground truth; masks as RLE to segment.
        rows: Out-of-fold predictions of the same images: rows of the prediction contract.
        task: Boxes are compared to detect, masks to segment.

    Raises:
        RepriseError: Cleanlab is not installed.
    """
    rank = package("cleanlab.object_detection.rank")
    scenes = scenes_of(truth, rows, task)
    nonzero = [scene.iou[scene.iou > 0] for scene in scenes]
    least = min((float(values.min()) for values in nonzero if len(values)), default=1.0)
    found = {
        SWAPPED: _swapped(rank, scenes, least),
        BADLY_LOCATED: _badly_located(rank, scenes, least),
        OVERLOOKED: _overlooked(rank, scenes, least),
    }
    turns = zip_longest(*(sorted(found[kind].suspects, key=_sort_key) for kind in KINDS))
    suspects = _once([suspect for turn in turns for suspect in turn if suspect is not None])
    ids = [image["id"] for image in truth["images"]]
    logs = [
        np.log(np.maximum(_pooled(rank, found[kind].scores, ids), np.finfo(float).tiny))
        for kind in KINDS
    ]
    # The geometric mean, as cleanlab weighs the kinds when nothing else is asked for.
    quality = np.exp(np.mean(logs, axis=0)).tolist()
    return Ranking(suspects, dict(zip(ids, quality, strict=True)))


def _sort_key(suspect: Suspect) -> tuple[Any, ...]:
    return (-suspect.doubt, suspect.image_id, suspect.annotation_id or 0, suspect.suggested_box)


def _once(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Without those whose object or prediction an earlier one is about."""
    used: set[tuple[Any, ...]] = set()
    kept = []
    for suspect in suspects:
        place = (suspect.image_id, suspect.suggested, suspect.suggested_box)
        about = {place} | ({(suspect.annotation_id,)} if suspect.annotation_id else set())
        if not used & about:
            kept.append(suspect)
            used |= about
    return kept


def _pooled(rank: Any, scores: dict[int, list[float]], ids: Sequence[int]) -> Floats:
    """Cleanlab's score of each image as a whole, of one kind; 1 where there is nothing."""
    arrays = [np.array(scores.get(image_id, []), dtype=float) for image_id in ids]
    return np.asarray(rank.pool_box_scores_per_image(arrays))


def _inputs(
    objects: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], iou: Floats, least: float
) -> dict[str, Any]:
    """One image as cleanlab's functions take it."""
    return {
        "pred_labels": np.array([row["category_id"] for row in rows], dtype=int),
        "pred_label_probs": np.array([row["score"] for row in rows], dtype=float),
        "pred_bboxes": _corners(rows),
        "lab_labels": np.array([item["category_id"] for item in objects], dtype=int),
        "lab_bboxes": _corners(objects),
        "similarity_matrix": iou,
        "iou_matrix": iou,
        "min_possible_similarity": least,
    }


def _corners(items: Sequence[dict[str, Any]]) -> Floats:
    """Boxes as xyxy in pixels of the original, shape (n, 4)."""
    boxes = np.array([item["bbox"] for item in items], dtype=float).reshape(-1, 4)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def _object_scores(
    compute: Any, scenes: Sequence[Scene], least: float, **thresholds: Any
) -> list[tuple[Scene, int, list[int], float]]:
    """Each object with its scene, its place there, those that speak of it, and its score."""
    asked = [
        (scene, place, scene.speaking_of(place))
        for scene in scenes
        for place in range(len(scene.objects))
    ]
    inputs = [
        _inputs(
            [scene.objects[place]],
            [scene.rows[at] for at in near],
            scene.iou[[place]][:, near],
            least,
        )
        for scene, place, near in asked
    ]
    scores = compute(auxiliary_inputs=inputs, **thresholds)
    return [(*item, float(values[0])) for item, values in zip(asked, scores, strict=True)]


def _swapped(rank: Any, scenes: Sequence[Scene], least: float) -> Found:
    """Objects in whose place another class is found, and their own is not, or with less score."""
    found = Found()
    # What is in the scenes is what counts: cleanlab is not to leave anything out.
    scored = _object_scores(
        rank.compute_swap_box_scores, scenes, least,
        high_probability_threshold=0.0, overlapping_label_check=False,
    )  # fmt: skip
    for scene, place, near, value in scored:
        found.scores.setdefault(scene.image_id, []).append(value)
        item = scene.objects[place]
        own = [at for at in near if scene.rows[at]["category_id"] == item["category_id"]]
        others = [at for at in near if at not in own]
        if not others:
            continue
        best = max(others, key=lambda at: scene.iou[place, at])
        row = scene.rows[best]
        said = max((scene.rows[at]["score"] for at in own), default=0.0)
        if scene.iou[place, best] >= MATCH_IOU and row["score"] > said:
            found.suspects.append(_suspect(SWAPPED, value, scene, row, item))
    return found


def _badly_located(rank: Any, scenes: Sequence[Scene], least: float) -> Found:
    """Objects whose class is found near them, but with other edges."""
    found = Found()
    scored = _object_scores(
        rank.compute_badloc_box_scores, scenes, least, low_probability_threshold=0.0
    )
    for scene, place, near, value in scored:
        found.scores.setdefault(scene.image_id, []).append(value)
        item = scene.objects[place]
        own = [at for at in near if scene.rows[at]["category_id"] == item["category_id"]]
        if own and value < AGREES_IOU:
            best = max(own, key=lambda at: scene.iou[place, at])
            found.suspects.append(_suspect(BADLY_LOCATED, value, scene, scene.rows[best], item))
    return found


def _overlooked(rank: Any, scenes: Sequence[Scene], least: float) -> Found:
    """Predictions of objects that have no label."""
    found = Found()
    for scene in scenes:
        free = scene.beside_all()
        if not free:
            continue
        rows = [scene.rows[at] for at in free]
        given = _inputs(scene.objects, rows, scene.iou[:, free], least)
        # Cleanlab passes over a prediction whose box touches any labelled one. Which of them are of
        # no labelled object is decided above, so it is given the middles of the labelled boxes.
        middles = (given["lab_bboxes"][:, :2] + given["lab_bboxes"][:, 2:]) / 2
        given["lab_bboxes"] = np.hstack([middles, middles])
        (scores,) = rank.compute_overlooked_box_scores(
            auxiliary_inputs=[given], high_probability_threshold=0.0
        )
        found.scores[scene.image_id] = scores.tolist()
        found.suspects += [
            _suspect(OVERLOOKED, float(value), scene, row)
            for value, row in zip(scores, rows, strict=True)
        ]
    return found


def _suspect(
    kind: str,
    value: float,
    scene: Scene,
    row: dict[str, Any],
    item: dict[str, Any] | None = None,
) -> Suspect:
    kept = {key: row[key] for key in row if key not in ("tp", "gt_id", "iou")}
    return Suspect(
        kind=kind,
        score=value,
        doubt=float((1 - value) * row["score"]),
        image_id=scene.image_id,
        annotation_id=None if item is None else item["id"],
        labelled=None if item is None else item["category_id"],
        suggested=row["category_id"],
        box=None if item is None else tuple(item["bbox"]),
        prediction=kept,
    )
