"""reprise visualize: ground truth beside predictions of chosen images, as pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.running import write_dataset
from reporting.test_report import write_inputs
from reprise.cli import main
from reprise.dataset import write_json
from reprise.predictions import prediction, write_predictions

CAT, DOG = [10.0, 10.0, 50.0, 50.0], [100.0, 100.0, 50.0, 50.0]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Test images 3 and 4: one half right with a false one, one answered in full."""
    monkeypatch.chdir(tmp_path)
    write_dataset(Path("data/processed"), [(3, 1, CAT), (3, 2, DOG), (4, 1, CAT)])
    Path("reports/predictions").mkdir(parents=True)
    found = [
        prediction(3, 1, CAT, 0.9),
        prediction(3, 2, [160, 10, 30, 30], 0.8),
        prediction(3, 3, [0, 0, 20, 20], 0.1),  # below the threshold
        prediction(4, 1, CAT, 0.9),
    ]
    write_predictions(Path("reports/predictions/test.json"), found)
    write_predictions(Path("reports/predictions/val.json"), [])
    Path("models").mkdir()
    write_json(Path("models/model.json"), {"task": "detect", "score_threshold": 0.5})
    Path("dvc.yaml").touch()
    return tmp_path


def visualize(*words: str) -> list[dict[str, str]]:
    assert main(["visualize", "--out", "out", *words]) == 0
    with Path("out/images.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in Path("out").glob("*.png")}
    return rows


def test_the_worst_come_first(pipeline: Path) -> None:
    rows = visualize()
    assert [(row["image_id"], row["f1"]) for row in rows] == [("3", "0.5"), ("4", "1.0")]
    assert [rows[0][name] for name in ("right", "wrong", "missed")] == ["1", "1", "1"]
    assert rows[0]["file"] == "0001_f1-0.50_3.png"


def test_the_best_on_request(pipeline: Path) -> None:
    assert [row["image_id"] for row in visualize("--best", "1")] == ["4"]


def test_a_lower_threshold_shows_more(pipeline: Path) -> None:
    assert visualize("--worst", "1", "--threshold", "0.05")[0]["wrong"] == "2"


def test_an_image_with_nothing_to_find_and_nothing_found_is_right(pipeline: Path) -> None:
    rows = visualize("--split", "val", "--worst", "9")
    assert [(row["image_id"], row["f1"]) for row in rows] == [("1", "1.0"), ("2", "1.0")]


def test_false_boxes_on_a_split_without_objects_are_wrong(pipeline: Path) -> None:
    write_predictions(Path("reports/predictions/val.json"), [prediction(2, 1, CAT, 0.9)])
    row = visualize("--split", "val", "--worst", "1")[0]
    assert (row["image_id"], row["wrong"], row["f1"]) == ("2", "1", "0.0")


def test_both_halves_show_their_boxes(pipeline: Path) -> None:
    picture = np.asarray(Image.open(Path("out") / visualize("--best", "1")[0]["file"]))
    half = (picture.shape[1] - 12) // 2
    blue = (picture == (0x3B, 0x82, 0xF6)).all(axis=2)  # of the first class, a cat
    left, right = blue[:, :half], blue[:, half + 12 :]
    # The frame at x = 10 of 200 pixels, in both.
    for part in (left, right):
        assert part[half // 6, round(half * 0.05)]
        assert not part[half // 2 :, :].any()


def test_a_sample_is_the_same_for_the_same_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    given = ["--dataset", "data", "--sample", "3"]
    picked = []
    for seed, out in (("1", "a"), ("1", "b"), ("2", "c")):
        assert main(["visualize", *given, "--seed", seed, "--out", out]) == 0
        picked.append(sorted(path.name for path in Path(out).iterdir()))
    assert picked[0] == picked[1] != picked[2]
    assert len(picked[0]) == 4


@pytest.mark.parametrize("task", ["segment", "classify"])
def test_masks_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    write_inputs(tmp_path, task)
    monkeypatch.chdir(tmp_path)
    rows = visualize_of(tmp_path, "--worst", "2")
    assert len(rows) == 2
    assert float(rows[0]["f1"]) <= float(rows[1]["f1"]) <= 1


def visualize_of(root: Path, *words: str) -> list[dict[str, str]]:
    return visualize("--dataset", str(root / "data"), *words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--split", "train"], "the train split has no images"),
        (["--worst", "0"], "0 images were asked for"),
        (["--threshold", "2"], "threshold 2.0 is not in 0 to 1"),
        (["--predictions", "elsewhere"], "elsewhere/test.json does not exist"),
        (["--model", "elsewhere"], "model.json does not exist"),
        (["--dataset", "models"], "is not a dataset"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    pipeline: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["visualize", "--out", "out", *words]) == 1
    assert told in capsys.readouterr().err
    assert not Path("out").exists()


def test_predictions_of_another_dataset(pipeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_predictions(Path("reports/predictions/test.json"), [prediction(77, 1, CAT, 0.9)])
    assert main(["visualize", "--out", "out"]) == 1
    assert "is of another dataset: its image 77" in capsys.readouterr().err


def test_a_folder_with_something_in_it_is_left_alone(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").mkdir()
    Path("out/mine").touch()
    assert main(["visualize", "--out", "out"]) == 1
    assert "not empty" in capsys.readouterr().err
    assert Path("out/mine").exists()
