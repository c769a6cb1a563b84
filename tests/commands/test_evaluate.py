"""``reprise evaluate``: the stages' own numbers, for any weights and split."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from built_once import built_once
from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, augmentation, folders, machine, model, training, validation
from reprise.cli import main
from reprise.commands.evaluate import metrics_table
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.evaluate import evaluate
from reprise.models.config import PredictionConfig
from reprise.models.predict import predict
from reprise.training.config import TrainSettings
from reprise.training.train import train

Capture = pytest.CaptureFixture[str]
PREDICTION = PredictionConfig(device="cpu", batch_size=4)


def finished_run(top: Path) -> None:
    """A small repository after its pipeline: dataset, model, predictions and evaluation."""
    processed = shapes_dataset(top / "data" / "processed", val=5, test=7, size=IMAGE_SIZE)
    settings = TrainSettings(
        model=model(type="multilabel"),  # it scores something from the first epoch on
        training=training(
            epochs=3, checkpoint_epochs=1, ema_warmup_steps=2, early_stopping={"metric": "mAP"}
        ),
        validation=validation(metrics=["mAP", "f1"]),
        augmentation=augmentation(mosaic=0.0, mixup=0.0),
        image_size=IMAGE_SIZE,
    )
    train(settings, machine(), folders(processed, top))
    shutil.rmtree(top / "scratch")
    predict(processed, top / "models", PREDICTION, top / "reports" / "predictions")
    evaluate(
        processed,
        top / "reports" / "predictions",
        top / "models",
        EvaluationConfig(),
        top / "reports" / "evaluation",
    )


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(tmp_path_factory, "evaluated-run", finished_run)


@pytest.fixture
def run(published: Path, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run with parameters, as the current folder."""
    top = tmp_path / "run"
    shutil.copytree(published, top)
    yaml = YAML()
    content = yaml.load(repository / "params.yaml")
    content["prediction"] = PREDICTION.model_dump()
    yaml.dump(content, top / "params.yaml")
    (top / "dvc.yaml").touch()
    monkeypatch.chdir(top)
    return top


@pytest.fixture
def metrics(run: Path, capsys: Capture) -> Callable[..., dict[str, Any]]:
    """Runs the command with these words; what it prints as JSON."""

    def call(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["evaluate", "--json", *words]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_run_s_own_model_has_the_stage_s_numbers_and_no_file_changes(
    run: Path, metrics: Callable[..., dict[str, Any]]
) -> None:
    before = files_below(run)
    found = metrics()
    assert found == json.loads((run / "reports/evaluation/metrics.json").read_text())
    assert found["val"]["mAP"] > 0
    assert files_below(run) == before


def test_out_holds_what_the_stages_write(run: Path, capsys: Capture) -> None:
    assert main(["evaluate", "--out", "judged"]) == 0
    assert "predictions and tables in judged" in capsys.readouterr().out
    for name in ("predictions", "evaluation"):
        assert files_below(run / "judged" / name) == files_below(run / "reports" / name)
    assert main(["evaluate", "--out", "judged"]) == 1
    assert "judged exists and is not empty" in capsys.readouterr().err


def test_other_weights_and_other_splits(run: Path, metrics: Callable[..., dict[str, Any]]) -> None:
    names = ("best", "last", "epoch-1", "epoch-2", "epoch-3")
    found = {name: metrics("--weights", name, "--split", "train", "val") for name in names}
    assert all(list(values) == ["train", "val"] for values in found.values())
    # The last epoch's weights are kept under two names, and so are those of the best.
    assert found["epoch-3"] == found["last"]
    best = json.loads((run / "models/model.json").read_text())["best_epoch"]
    assert found[f"epoch-{best}"] == found["best"]
    assert len({json.dumps(values) for values in found.values()}) == 3
    # The threshold that was chosen on val stays with the model.
    threshold = json.loads((run / "models/model.json").read_text())["score_threshold"]
    for values in found.values():
        assert values["train"]["score_threshold"] == round(threshold, 5)
    assert (
        metrics("--weights", "models/last.safetensors", "--split", "val")["val"]
        == (found["last"]["val"])
    )


def test_the_table_names_the_weights(run: Path, capsys: Capture) -> None:
    assert main(["evaluate", "--split", "test"]) == 0
    told = capsys.readouterr().out
    assert f"best weights: multilabel nano, 2 classes, {IMAGE_SIZE} pixels" in told
    stated = json.loads((run / "reports/evaluation/metrics.json").read_text())["test"]
    assert f"{stated['mAP']:.5f}" in told
    assert "score_threshold" in told and "val" not in told.split("pixels")[1].split()


def test_a_metric_that_one_split_lacks_is_left_empty() -> None:
    val = {"mAP": 0.5, "intervals": {"mAP": [0.4, 0.61]}, "blind": {"mAP": 0.25}, "images": 3}
    assert metrics_table({"val": val, "test": {"images": 12}}).splitlines() == [
        "                       val         test",
        f"mAP{0.5:23.5f}",
        f"images{3:20d}{12:13d}",
        "intervals mAP  0.400-0.610",
        f"blind mAP{0.25:17.5f}",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--weights", "epoch-9"], "no weights 'epoch-9'; what was kept: best, last, epoch-1"),
        (["--weights", "nowhere"], "no such file or folder"),
        (["--split", "test"], "the test split of data/processed has no images"),
        (["--dataset", "lost"], "lost is not a dataset"),
        (["--params", "lost.yaml"], "does not exist"),
        (["--rev", "HEAD"], "is not a git repository"),
    ],
)
def test_what_cannot_be_evaluated_is_one_clear_message(
    run: Path, capsys: Capture, words: list[str], told: str
) -> None:
    if words == ["--split", "test"]:
        shutil.rmtree(run / "data" / "processed")
        shapes_dataset(run / "data" / "processed", test=0, size=IMAGE_SIZE)
    assert main(["evaluate", "--out", "judged", *words]) == 1
    found = capsys.readouterr()
    assert told in found.err and "To fix: " in found.err
    assert not [path for path in run.iterdir() if "judged" in path.name]


def test_a_model_of_other_classes_is_refused(run: Path, capsys: Capture) -> None:
    path = run / "data" / "processed" / "categories.json"
    path.write_text('[{"id": 1, "name": "square"}, {"id": 2, "name": "star"}]')
    assert main(["evaluate", "--out", "judged"]) == 1
    assert "the model knows the classes square, disc" in capsys.readouterr().err
    assert not [path for path in run.iterdir() if "judged" in path.name]
