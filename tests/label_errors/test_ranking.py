"""Planted errors stand first, and clean labels do not stand there."""

from __future__ import annotations

from typing import Any

import pytest

from reprise.label_errors.label_ranking import rank_labels
from reprise.label_errors.object_ranking import rank_objects
from reprise.label_errors.suspects import Ranking
from reprise.masks.rle import encode_mask
from reprise.predictions import label_prediction, prediction

pytest.importorskip("cleanlab", reason="pip install -e .[label-errors]")
CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
# Side by side, as crowded objects are: each touches the next one.
PLACES = [(40.0 * n, 30.0, 44.0, 44.0) for n in range(5)]


def truth(images: dict[int, list[tuple[int, tuple[float, ...]]]]) -> dict[str, Any]:
    """COCO ground truth: image id -> class and box of each object."""
    annotations: list[dict[str, Any]] = []
    for image_id, objects in images.items():
        for category_id, box in objects:
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id, "category_id": category_id,
                 "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0}
            )  # fmt: skip
    sizes = [{"id": key, "width": 260, "height": 120} for key in images]
    return {"images": sizes, "annotations": annotations, "categories": CATEGORIES}


def found_in(image_id: int, score: float = 0.8) -> list[dict[str, Any]]:
    """What a good network finds: a cat in each place, a pixel beside it."""
    return [prediction(image_id, 1, (x + 1, y, w, h), score) for x, y, w, h in PLACES]


CLEAN = [(1, box) for box in PLACES]


def rank(spoilt: list[tuple[int, tuple[float, ...]]]) -> Ranking:
    """Five clean images and one that is spoilt."""
    images = dict.fromkeys(range(1, 6), CLEAN) | {6: spoilt}
    rows = [row for key in images for row in found_in(key)]
    return rank_objects(truth(images), rows, "detect")


def test_an_overlooked_object_between_its_neighbours() -> None:
    ranking = rank([item for item in CLEAN if item[1] != PLACES[2]])
    first = next(item for item in ranking.suspects if item.kind == "overlooked")
    assert ranking.suspects.index(first) <= 1
    assert (first.image_id, first.annotation_id, first.suggested) == (6, None, 1)
    assert first.suggested_box == (81.0, 30.0, 44.0, 44.0)
    assert sum(item.kind == "overlooked" for item in ranking.suspects) == 1


def test_a_swapped_class() -> None:
    ranking = rank([(2 if box == PLACES[2] else 1, box) for _, box in CLEAN])
    first = ranking.suspects[0]
    assert (first.kind, first.image_id, first.labelled, first.suggested) == ("swapped", 6, 2, 1)
    assert first.box == PLACES[2]
    assert sum(item.kind == "swapped" for item in ranking.suspects) == 1
    assert not any(item.kind == "overlooked" for item in ranking.suspects)


def test_a_shifted_box() -> None:
    x, y, w, h = PLACES[4]
    shifted = (x + 15, y + 15, w, h)
    ranking = rank([(c, shifted if box == PLACES[4] else box) for c, box in CLEAN])
    first = ranking.suspects[0]
    assert (first.kind, first.image_id, first.box) == ("badly located", 6, shifted)
    assert first.suggested_box == (161.0, 30.0, 44.0, 44.0)
    assert len(ranking.suspects) == 1


def test_the_spoilt_image_has_the_lowest_quality() -> None:
    quality = rank([(2 if box == PLACES[2] else 1, box) for _, box in CLEAN]).image_quality
    assert min(quality, key=lambda key: quality[key]) == 6
    assert quality[6] < 0.9 * quality[1]


def test_clean_labels_are_not_suspect() -> None:
    ranking = rank(CLEAN)
    assert ranking.suspects == []
    assert min(ranking.image_quality.values()) > 0.9


def test_the_order_is_that_of_the_contents() -> None:
    images = {1: CLEAN[:3], 2: CLEAN}
    rows = found_in(1) + found_in(2)
    one = rank_objects(truth(images), rows, "detect")
    other = rank_objects(truth(images), rows[::-1], "detect")
    assert one == other


def test_nothing_found_and_nothing_labelled() -> None:
    assert rank_objects(truth({1: [], 2: CLEAN}), [], "detect").suspects == []
    empty = rank_objects(truth({1: []}), found_in(1), "detect")
    assert [item.kind for item in empty.suspects] == ["overlooked"] * 5


def test_masks_are_compared_as_masks() -> None:
    import numpy as np

    def mask(box: tuple[float, ...], share: float = 1.0) -> dict[str, Any]:
        pixels = np.zeros((120, 260), dtype=np.uint8)
        x, y, w, h = (int(value) for value in box)
        pixels[y : y + int(h * share), x : x + w] = 1
        return encode_mask(pixels)

    given = truth({1: CLEAN})
    for item in given["annotations"]:
        # The box is right; of the third the mask is half of what it should be.
        share = 0.4 if item["id"] == 3 else 1.0
        item["segmentation"] = mask(tuple(item["bbox"]), share)
    rows = [prediction(1, 1, box, 0.9, mask(box)) for box in PLACES]
    first = rank_objects(given, rows, "segment").suspects[0]
    assert (first.kind, first.annotation_id) == ("badly located", 3)
    assert first.score < 0.5


def test_labels_of_whole_images() -> None:
    given = {
        "images": [{"id": key} for key in (1, 2, 3, 4)],
        "categories": CATEGORIES,
        "labels": [
            {"image_id": image_id, "category_id": category_id}
            for image_id, category_id in ((1, 1), (2, 1), (2, 2), (4, 2))
        ],
    }
    said = {(1, 1): 0.9, (1, 2): 0.1, (2, 1): 0.02, (2, 2): 0.8, (3, 1): 0.95, (3, 2): 0.1,
            (4, 1): 0.2, (4, 2): 0.7}  # fmt: skip
    ranking = rank_labels(given, [label_prediction(*key, score) for key, score in said.items()])
    assert [(item.kind, item.image_id) for item in ranking.suspects] == [
        ("not there", 2),
        ("overlooked", 3),
    ]
    assert ranking.suspects[0].labelled == 1
    assert ranking.suspects[1].suggested == 1
    worst = sorted(ranking.image_quality, key=lambda key: ranking.image_quality[key])
    assert set(worst[:2]) == {2, 3}
