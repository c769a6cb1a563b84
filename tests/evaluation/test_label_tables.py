"""A model that names classes of whole images: several may hold, and each is scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.running import Label, Run
from reprise.evaluation.evaluate import COLUMNS
from reprise.predictions import label_prediction

MODEL = {"task": "classify", "score_threshold": 0.5}
# Images 1 and 2 are val, 3 and 4 are test; class 1 is a cat, 2 a dog, 3 a cow.
LABELS: list[Label] = [(1, 1), (3, 1), (3, 2), (4, 1)]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    runner = Run(tmp_path)

    def judge(test: dict[Label, float], labels: list[Label] = LABELS, **settings: Any) -> Run:
        rows = [label_prediction(*pair, score) for pair, score in test.items()]
        settings = {"boxes": [], "model": MODEL} | settings
        return runner(rows, labels=labels, **settings)

    return judge


def scored(**scores: list[float]) -> dict[Label, float]:
    """Scores of the test images 3 and 4, by class."""
    names = {"cat": 1, "dog": 2, "cow": 3}
    return {
        (image, names[name]): score
        for name, pair in scores.items()
        for image, score in zip((3, 4), pair, strict=True)
    }


PERFECT = scored(cat=[0.9, 0.8], dog=[0.7, 0.2], cow=[0.1, 0.1])


class TestMetrics:
    def test_of_perfect_predictions_are_one(self, run: Any) -> None:
        test = run(PERFECT).metrics["test"]
        for name in ("mAP", "exact_match", "accuracy", "precision", "recall", "f1", "macro_f1"):
            assert test[name] == 1.0, name
        assert (test["images"], test["labels"], test["score_threshold"]) == (2, 3, 0.5)

    def test_count_pairs_together_and_classes_alone(self, run: Any) -> None:
        # Both cats are found, the dog is missed, a cow is seen that is not there.
        test = run(scored(cat=[0.9, 0.8], dog=[0.3, 0.2], cow=[0.1, 0.6])).metrics["test"]
        assert test["exact_match"] == 0.0
        assert test["accuracy"] == pytest.approx(4 / 6, abs=1e-5)
        assert (test["precision"], test["recall"]) == (0.66667, 0.66667)
        # The cow has no image, so that it has no recall to take the mean of.
        assert (test["macro_recall"], test["macro_f1"]) == (0.5, 0.5)

    def test_are_at_the_threshold_chosen_on_val_and_not_at_the_best_of_test(self, run: Any) -> None:
        found = {pair: score / 2 for pair, score in PERFECT.items()}
        test = run(found).metrics["test"]
        assert (test["mAP"], test["recall"], test["exact_match"]) == (1.0, 0.0, 0.0)

    def test_of_a_split_without_labels_are_left_out(self, run: Any) -> None:
        metrics = run(PERFECT, labels=LABELS[1:]).metrics
        assert metrics["val"] == {"images": 2, "labels": 0}

    def test_take_boxes_of_a_detection_dataset_as_labels(self, run: Any) -> None:
        boxes = [(image, category, [0, 0, 9, 9]) for image, category in LABELS]
        assert run(PERFECT, labels=[], boxes=boxes).metrics["test"]["exact_match"] == 1.0


class TestTables:
    def test_are_headers_alone_when_no_image_has_a_label(self, run: Any) -> None:
        done = run({}, labels=[])
        for name, columns in COLUMNS["classify"].items():
            text = (done.out / f"{name}.csv").read_text(encoding="utf-8")
            assert text == ",".join(columns) + "\n"

    def test_judge_each_class(self, run: Any) -> None:
        done = run(scored(cat=[0.9, 0.3], dog=[0.7, 0.8], cow=[0.1, 0.6]))
        rows = {row["class"]: row for row in done.table("per_class")}
        cat, dog, cow = rows["cat"], rows["dog"], rows["cow"]
        assert (cat["images"], cat["predicted"], cat["accuracy"]) == ("2", "1", "0.5")
        assert (cat["AP"], cat["precision"], cat["recall"]) == ("1.0", "1.0", "0.5")
        assert (dog["AP"], dog["precision"], dog["recall"]) == ("0.5", "0.5", "1.0")
        assert (cow["accuracy"], cow["AP"], cow["f1"]) == ("0.5", "", "")

    def test_name_the_images_of_mistakes_the_surest_first(self, run: Any) -> None:
        done = run(scored(cat=[0.4, 0.2], dog=[0.7, 0.2], cow=[0.6, 0.9]))
        found = [
            (row["kind"], row["image"], row["class"], row["score"]) for row in done.table("errors")
        ]
        assert found == [
            ("missed", "street/4.png", "cat", "0.2"),
            ("missed", "farm/3.png", "cat", "0.4"),
            ("false", "street/4.png", "cow", "0.9"),
            ("false", "farm/3.png", "cow", "0.6"),
        ]
        counts = [(row["kind"], row["class"], row["count"]) for row in done.table("error_counts")]
        assert counts == [("missed", "cat", "2"), ("false", "cow", "2")]

    def test_hold_as_many_examples_as_asked_for(self, run: Any) -> None:
        done = run(scored(cat=[0.4, 0.2], dog=[0.7, 0.2], cow=[0.6, 0.9]), error_examples=1)
        assert [row["image"] for row in done.table("errors")] == ["street/4.png"] * 2

    def test_split_results_by_source(self, run: Any) -> None:
        done = run(scored(cat=[0.9, 0.3], dog=[0.7, 0.2], cow=[0.1, 0.1]))
        rows = {row["value"]: row for row in done.table("breakdown")}
        assert set(rows) == {"farm", "street"}
        assert (rows["farm"]["labels"], rows["farm"]["exact_match"]) == ("2", "1.0")
        assert (rows["street"]["labels"], rows["street"]["recall"]) == ("1", "0.0")

    def test_have_curves_of_each_class(self, run: Any) -> None:
        done = run(PERFECT)
        for name in ("pr_curve", "f1_curve"):
            assert {row["class"] for row in done.table(name)} == {"all classes", "cat", "dog"}

    def test_are_the_same_bytes_whatever_the_order_of_predictions(self, run: Any) -> None:
        first = {path.name: path.read_bytes() for path in run(PERFECT).out.iterdir()}
        turned = dict(reversed(PERFECT.items()))
        assert {path.name: path.read_bytes() for path in run(turned).out.iterdir()} == first
        assert json.loads(first["metrics.json"])["test"]["labels"] == 3


class TestConfusion:
    def test_pairs_the_one_missed_with_the_one_false_class_of_an_image(self, run: Any) -> None:
        done = run(scored(cat=[0.9, 0.1], dog=[0.7, 0.8], cow=[0.1, 0.1]))
        pairs = {("cat", "cat"): 1, ("dog", "dog"): 1, ("cow", "cow"): 0, ("cat", "dog"): 1}
        assert done.confusion == pairs

    def test_pairs_nothing_where_it_could_be_either(self, run: Any) -> None:
        done = run(scored(cat=[0.1, 0.9], dog=[0.2, 0.1], cow=[0.8, 0.1]))
        assert done.confusion == {
            ("cat", "cat"): 1,
            ("dog", "dog"): 0,
            ("cow", "cow"): 0,
            ("cat", "(none)"): 1,
            ("dog", "(none)"): 1,
            ("(none)", "cow"): 1,
        }
