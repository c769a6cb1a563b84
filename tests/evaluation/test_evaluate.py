"""The evaluate stage: metrics, curves and error tables from a dataset and its predictions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evaluation.running import TEST_BOXES, VAL_BOXES, Box, Run
from reprise.errors import RepriseError
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.evaluate import COLUMNS, evaluate
from reprise.predictions import label_prediction, prediction


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def perfect(boxes: list[Box], score: float = 0.9) -> list[dict[str, Any]]:
    return [prediction(*box, score) for box in boxes]


class TestMetrics:
    def test_of_perfect_predictions_are_one(self, run: Run) -> None:
        test = run(perfect(TEST_BOXES), perfect(VAL_BOXES)).metrics["test"]
        assert [test[name] for name in ("mAP", "mAP50", "mAP75")] == [1.0] * 3
        assert [test[name] for name in ("precision", "recall", "f1")] == [1.0] * 3
        assert (test["images"], test["boxes"], test["score_threshold"]) == (2, 3, 0.5)

    def test_without_any_prediction_are_zero(self, run: Run) -> None:
        test = run([]).metrics["test"]
        assert [test[name] for name in ("mAP", "precision", "recall", "f1")] == [0.0] * 4

    def test_of_a_split_without_objects_are_left_out(self, run: Run) -> None:
        metrics = run(perfect(TEST_BOXES), boxes=TEST_BOXES).metrics
        assert metrics["val"] == {"images": 2, "boxes": 0}
        assert metrics["test"]["mAP"] == 1.0

    def test_count_detections_at_the_threshold_itself(self, run: Run) -> None:
        low, high = perfect(TEST_BOXES[:1], 0.4), perfect(TEST_BOXES[1:], 0.8)
        assert run(low + high, score_threshold=0.8).metrics["test"]["recall"] == 0.66667
        assert run(low + high, score_threshold=0.4).metrics["test"]["recall"] == 1.0

    def test_auto_takes_the_threshold_stored_with_the_model(self, run: Run) -> None:
        metrics = run(perfect(TEST_BOXES, 0.3), model={"score_threshold": 0.31}).metrics
        assert metrics["test"]["score_threshold"] == 0.31
        assert metrics["test"]["recall"] == 0.0
        assert metrics["test"]["mAP"] == 1.0


class TestTables:
    def test_describe_val_when_test_has_no_objects(self, run: Run) -> None:
        run([], perfect(VAL_BOXES), boxes=VAL_BOXES)
        assert {row["split"] for row in run.table("per_class")} == {"val"}

    def test_are_headers_alone_when_no_split_has_objects(self, run: Run) -> None:
        run([], boxes=[])
        for name, columns in COLUMNS["detect"].items():
            text = (run.out / f"{name}.csv").read_text(encoding="utf-8")
            assert text == ",".join(columns) + "\n"

    def test_leave_values_of_a_class_without_objects_empty(self, run: Run) -> None:
        cow = run(perfect(TEST_BOXES)).table("per_class")[2]
        assert (cow["class"], cow["boxes"], cow["AP"], cow["f1"]) == ("cow", "0", "", "")

    def test_are_the_same_bytes_each_time(self, run: Run) -> None:
        run([*perfect(TEST_BOXES), prediction(3, 3, [0, 0, 9, 9], 0.6)])
        first = {path.name: path.read_bytes() for path in run.out.iterdir()}
        run([*perfect(TEST_BOXES), prediction(3, 3, [0, 0, 9, 9], 0.6)])
        assert {path.name: path.read_bytes() for path in run.out.iterdir()} == first
        assert sorted(first) == sorted(
            ["metrics.json", *(f"{name}.csv" for name in COLUMNS["detect"])]
        )

    def test_replace_the_folder_as_a_whole(self, run: Run) -> None:
        run.out.mkdir()
        (run.out / "stale.csv").write_text("x", encoding="utf-8")
        run(perfect(TEST_BOXES))
        assert not (run.out / "stale.csv").exists()
        assert not (run.folder / ".evaluation.partial").exists()

    def test_split_results_by_size_and_source(self, run: Run) -> None:
        # The small object of the street is missed; both medium ones of the farm are found.
        run(perfect(TEST_BOXES[:2]))
        rows = {(row["by"], row["value"]): row for row in run.table("breakdown")}
        assert set(rows) == {
            *(("size", "small"), ("size", "medium")),
            *(("source", "farm"), ("source", "street")),
        }
        assert (rows["size", "medium"]["recall"], rows["size", "small"]["recall"]) == ("1.0", "0.0")
        assert (rows["source", "farm"]["mAP"], rows["source", "street"]["mAP"]) == ("1.0", "0.0")

    def test_curves_end_where_recall_does(self, run: Run) -> None:
        run([*perfect(TEST_BOXES[:2]), prediction(4, 1, [150, 150, 20, 20], 0.7)])
        rows = [row for row in run.table("pr_curve") if row["class"] == "all classes"]
        assert float(rows[-1]["recall"]) == 0.66667
        f1 = [row for row in run.table("f1_curve") if row["class"] == "all classes"]
        assert len(f1) == 201
        at = {row["threshold"]: row for row in f1}
        assert (at["0.8"]["precision"], at["0.5"]["precision"]) == ("1.0", "0.66667")
        assert (at["0.95"]["precision"], at["0.95"]["recall"]) == ("", "0.0")


class TestErrors:
    def test_name_what_went_wrong(self, run: Run) -> None:
        cat, dog = [10, 10, 50, 50], [100, 100, 50, 50]
        run(
            [
                prediction(3, 1, cat, 0.9),  # right
                prediction(3, 1, [12, 10, 50, 50], 0.8),  # the same cat again
                prediction(3, 1, dog, 0.7),  # a dog taken for a cat
                prediction(3, 2, [100, 130, 50, 50], 0.6),  # beside the dog
                prediction(3, 3, [160, 10, 30, 30], 0.55),  # on nothing
                prediction(3, 3, [10, 160, 30, 30], 0.45),  # below the threshold
            ]
        )
        assert run.errors() == [
            ("missed", "cat", "cat"),
            ("classification", "cat", "dog"),  # and so the dog is not missed
            ("localisation", "dog", "dog"),
            ("duplicate", "cat", "cat"),
            ("background", "cow", ""),
        ]

    def test_say_at_which_score_a_missed_object_would_have_been_found(self, run: Run) -> None:
        run([prediction(3, 1, [10, 10, 50, 50], 0.3)])
        missed = run.table("errors")
        assert [row["score"] for row in missed] == ["", "", "0.3"]
        assert missed[0]["image"] == "farm/3.png"  # never found, and the largest

    def test_spare_detections_on_a_crowd_region(self, run: Run) -> None:
        on_crowd = prediction(4, 2, [120, 120, 20, 20], 0.9)
        run([*perfect(TEST_BOXES), on_crowd], crowd=[(4, 2, [100, 100, 90, 90])])
        assert run.errors() == []
        assert all("background" not in row.values() for row in run.table("confusion"))

    def test_are_cut_to_the_worst_of_each_kind_but_counted_in_full(self, run: Run) -> None:
        wrong = [prediction(3, 3, [10.0 + 9 * n, 160, 8, 8], 0.5 + n / 100) for n in range(10)]
        run(wrong, error_examples=2)
        background = [row for row in run.table("errors") if row["kind"] == "background"]
        assert [row["score"] for row in background] == ["0.59", "0.58"]
        counts = {(row["kind"], row["class"]): row["count"] for row in run.table("error_counts")}
        assert counts["background", "cow"] == "10"
        assert counts["missed", "cat"] == "2"


class TestConfusion:
    def test_pairs_across_classes_and_with_background(self, run: Run) -> None:
        run(
            [
                prediction(3, 1, [10, 10, 50, 50], 0.9),
                prediction(3, 1, [100, 100, 50, 50], 0.8),
                prediction(4, 3, [150, 150, 30, 30], 0.7),
            ]
        )
        assert run.confusion == {
            ("cat", "cat"): 1,
            ("dog", "dog"): 0,
            ("cow", "cow"): 0,
            ("dog", "cat"): 1,
            ("cat", "background"): 1,
            ("background", "cow"): 1,
        }

    def test_prefers_the_right_class_of_two_boxes_in_one_place(self, run: Run) -> None:
        run([prediction(3, c, [10, 10, 50, 50], s) for c, s in ((2, 0.9), (1, 0.6))])
        assert run.confusion["cat", "cat"] == run.confusion["background", "dog"] == 1


class TestBadInput:
    @pytest.mark.parametrize("model", [{"family": "yolo"}, {"score_threshold": "high"}])
    def test_a_model_without_threshold(self, run: Run, model: dict[str, Any]) -> None:
        with pytest.raises(RepriseError, match=r"model\.json.*score_threshold") as caught:
            run([], model=model)
        assert "evaluation.score_threshold" in caught.value.fix
        assert not run.out.exists()

    @pytest.mark.parametrize(
        ("row", "named"),
        [
            (prediction(99, 1, [0, 0, 5, 5], 0.5), "image_id 99"),
            (prediction(1, 1, [0, 0, 5, 5], 0.5), "image_id 1"),  # of val, not of test
            (prediction(3, 8, [0, 0, 5, 5], 0.5), "category_id 8"),
        ],
    )
    def test_a_prediction_from_elsewhere(self, run: Run, row: dict[str, Any], named: str) -> None:
        with pytest.raises(RepriseError, match=rf"test\.json: entry 0 has {named}"):
            run([row])
        assert not run.out.exists()

    def test_a_task_that_nobody_knows(self, run: Run) -> None:
        with pytest.raises(
            RepriseError, match=r"model\.json: task is 'caption', not one of detect"
        ):
            run([], model={"task": "caption", "score_threshold": 0.5})

    def test_predictions_of_another_task(self, run: Run) -> None:
        with pytest.raises(RepriseError, match=r"test\.json: entry 0 has no bbox.* to detect"):
            run([label_prediction(3, 1, 0.5)])

    def test_a_missing_prediction_file(self, run: Run) -> None:
        run([])
        (run.folder / "predictions" / "val.json").unlink()
        with pytest.raises(RepriseError, match=r"val\.json does not exist"):
            evaluate(
                run.folder / "data",
                run.folder / "predictions",
                run.folder / "models",
                EvaluationConfig(),
                run.out,
            )

    @pytest.mark.parametrize("value", [-0.1, 1.5, "best", float("nan")])
    def test_a_threshold_out_of_range(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            EvaluationConfig(score_threshold=value)


def test_never_imports_torch() -> None:
    code = (
        "import sys, reprise.evaluation.evaluate, reprise.reporting.report;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_no_better_than_the_blind_answer_is_told_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path)
    run([prediction(4, 3, [150, 150, 9, 9], 0.9)])
    assert run.metrics["test"]["blind"]["mAP50"] == 0
    assert "WARNING: The model has learned nothing that shows on test" in capsys.readouterr().out
    with pytest.raises(RepriseError, match=r"no better than 0\.000") as caught:
        run([prediction(4, 3, [150, 150, 9, 9], 0.9)], must_beat_blind=True)
    assert "evaluation.must_beat_blind: false" in caught.value.fix
    # The numbers are there to look at.
    assert run.metrics["test"]["mAP50"] == 0


def test_a_crowded_image_raises_the_limit_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes: list[Box] = [(3, 1, [x * 13, y * 13, 9, 9]) for x in range(12) for y in range(12)]
    found = [prediction(*box, score=0.9) for box in boxes]
    run = Run(tmp_path)(found, boxes=boxes)
    assert run.metrics["test"]["mAP50"] == 1
    assert run.metrics["test"]["max_detections"] == 144
    assert "test: 144 detections of a class are judged in each image" in capsys.readouterr().out
    assert run(found, max_detections=100).metrics["test"]["mAP50"] < 0.8


class TestThreshold:
    """One object in val, and in test three: found at 0.9, 0.6 and 0.3 with one error at 0.5."""

    VAL_ROWS = (
        prediction(*VAL_BOXES[0], 0.6),
        prediction(2, 1, [0, 0, 9, 9], 0.8),
        prediction(2, 1, [50, 0, 9, 9], 0.4),
    )

    def test_reaches_a_precision_on_val(self, run: Run) -> None:
        metrics = run(perfect(TEST_BOXES), list(self.VAL_ROWS), score_threshold={"precision": 0.5})
        assert metrics.metrics["test"]["score_threshold"] == 0.6
        assert metrics.metrics["val"]["precision"] == 0.5

    def test_reaches_a_recall_on_val(self, run: Run) -> None:
        metrics = run(perfect(TEST_BOXES), list(self.VAL_ROWS), score_threshold={"recall": 1.0})
        assert metrics.metrics["test"]["score_threshold"] == 0.6

    def test_that_nothing_reaches_is_refused_with_the_most_that_is(self, run: Run) -> None:
        with pytest.raises(RepriseError, match=r"precision of 0\.9 on val, .* more than 0\.500"):
            run([], list(self.VAL_ROWS), score_threshold={"precision": 0.9})

    def test_needs_objects_in_val(self, run: Run) -> None:
        with pytest.raises(RepriseError, match="val has nothing to find"):
            run([], boxes=TEST_BOXES, score_threshold={"recall": 0.9})

    def test_has_one_aim(self) -> None:
        with pytest.raises(ValidationError, match="either precision or recall"):
            EvaluationConfig(score_threshold={"precision": 0.9, "recall": 0.9})


class TestIntervals:
    def test_are_written_beside_the_metrics(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        test = run(perfect(TEST_BOXES[:2])).metrics["test"]
        assert test["intervals"]["recall"] == [0.0, 1.0]
        assert test["intervals"].keys() == {"mAP", "mAP50", "precision", "recall", "f1"}
        assert "WARNING: intervals of test: it has 2 images" in capsys.readouterr().out
        cat = run.table("per_class")[0]
        assert (float(cat["AP_low"]), float(cat["AP_high"])) == (0.0, 1.0)

    def test_are_left_out_where_none_are_asked_for(self, run: Run) -> None:
        assert "intervals" not in run([], bootstrap={"resamples": 0}).metrics["test"]


def test_calibration_compares_scores_with_what_is_right(run: Run) -> None:
    run([*perfect(TEST_BOXES[:2], 0.75), prediction(3, 3, [0, 0, 9, 9], 0.75)])
    (row,) = run.table("calibration")
    assert (row["low"], row["high"], row["predictions"]) == ("0.7", "0.8", "3")
    assert (row["mean_score"], row["right"]) == ("0.75", "0.66667")
    assert run.metrics["test"]["calibration_error"] == pytest.approx(0.75 - 2 / 3, abs=1e-5)
