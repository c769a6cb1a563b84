"""``reprise find-label-errors``: from a dataset and parameters to a folder to review."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import reprise.training.train as training
from built_once import built_once
from datasets import shapes_dataset
from models.settings import IMAGE_SIZE
from reprise.cli import main
from reprise.dataset import Dataset
from reprise.preprocessing.store.subset import write_subset

pytest.importorskip("cleanlab", reason="pip install -e .[label-errors]")
Capture = pytest.CaptureFixture[str]
PARAMETERS = {
    "model": {"type": "multilabel", "weights": {}},
    "data": {"image_size": IMAGE_SIZE},
    "training": {"epochs": 2, "batch_size": 4, "threads": 1, "device": "cpu"},
    "validation": {"metrics": ["mAP", "f1"], "frequency": 1},
    "augmentation": {"mosaic": 0.0, "mixup": 0.0, "close_mosaic_epochs": 0},
    "prediction": {"device": "cpu", "batch_size": 4},
    "machine": {"workers": 0},
    "evaluation": {"bootstrap": {"resamples": 100, "seed": 0}},
}


def make_repository(top: Path, parameters: Path, **model: Any) -> None:
    """A small repository after its stage preprocess: 12 images of train, 6 of val, 6 of test."""
    shapes_dataset(top / "data" / "processed", size=IMAGE_SIZE, square=True)
    yaml = YAML()
    content = yaml.load(parameters)
    for section, values in PARAMETERS.items():
        content[section] = {**content.get(section, {}), **values}
    content["model"] = {**content["model"], **model}
    content["training"]["scheduler"]["warmup_epochs"] = 0
    content["training"]["early_stopping"]["metric"] = "mAP"
    yaml.dump(content, top / "params.yaml")
    (top / "dvc.yaml").touch()


@pytest.fixture
def repo(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small repository, as the current folder."""
    make_repository(tmp_path, repository / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The small repository after the command, with two folds."""

    def build(top: Path) -> None:
        make_repository(top, repository / "params.yaml")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(top)
            assert main(["find-label-errors", "--folds", "2"]) == 0

    return built_once(tmp_path_factory, "label-errors-run", build)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The datasets that are trained on from now on."""
    seen: list[Path] = []
    train: Callable[..., None] = training.train

    def counted(settings: Any, machine: Any, folders: Any) -> None:
        seen.append(folders.dataset)
        train(settings, machine, folders)

    monkeypatch.setattr(training, "train", counted)
    return seen


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_to_review(finished: Path) -> None:
    out = finished / "reports" / "label_errors"
    rows = rows_of(out / "label_errors.csv")
    assert rows
    assert [row["rank"] for row in rows] == [str(place) for place in range(1, len(rows) + 1)]
    doubts = [float(row["doubt"]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert {row["kind"] for row in rows} <= {"overlooked", "not there"}
    assert {row["split"] for row in rows} <= {"train", "val"}
    images = rows_of(out / "images.csv")
    assert len(images) == 18
    qualities = [float(row["quality"]) for row in images]
    assert qualities == sorted(qualities)
    page = (out / "label_errors.html").read_text(encoding="utf-8")
    assert page.count("<figure") == min(len(rows), 100)
    # Nothing is loaded from elsewhere.
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert (out / "multilabel_csv").is_dir()
    assert not (out / "corrected").exists()


def test_metrics_of_all_folds(finished: Path) -> None:
    text = (finished / "reports" / "label_errors" / "cross_validation.json").read_text()
    found = json.loads(text)
    assert [fold["images"] for fold in found["folds"]] == [9, 9]
    assert found["out_of_fold"]["images"] == 18
    low, high = found["out_of_fold"]["intervals"]["mAP"]
    assert low <= found["out_of_fold"]["metrics"]["mAP"] <= high
    values = [fold["metrics"]["mAP"] for fold in found["folds"]]
    assert found["mean"]["mAP"] == pytest.approx(sum(values) / 2, abs=1e-5)


def test_every_image_is_predicted_once(finished: Path) -> None:
    rows = json.loads((finished / "reports/label_errors/predictions.json").read_text())
    data = Dataset(finished / "data" / "processed")
    judged = data.images[data.images["split"] != "test"]["image_id"].tolist()
    pairs = [(row["image_id"], row["category_id"]) for row in rows]
    assert sorted(pairs) == [(image_id, key) for image_id in judged for key in (1, 2)]


def test_a_second_run_trains_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Path]
) -> None:
    top = tmp_path / "run"
    shutil.copytree(finished, top, symlinks=True)
    monkeypatch.chdir(top)
    before = Path("reports/label_errors/label_errors.csv").read_bytes()
    # Its own folder is replaced.
    assert main(["find-label-errors", "--folds", "2"]) == 0
    assert trained == []
    assert Path("reports/label_errors/label_errors.csv").read_bytes() == before


def test_an_interrupted_run_goes_on(
    repo: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Path], capsys: Capture
) -> None:
    counted = training.train

    def stopped(settings: Any, machine: Any, folders: Any) -> None:
        if trained:
            raise KeyboardInterrupt
        counted(settings, machine, folders)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", stopped)
        words = ["find-label-errors", "--folds", "2", "--epochs", "1", "--out", "out"]
        assert main(words) == 130
    assert not Path("out").exists()
    assert main(words) == 0
    assert [path.parent.name for path in trained] == ["fold-1.work", "fold-2.work"]
    told = capsys.readouterr().out
    assert "fold 1 of 2: 9 images held out, predicted before" in told
    assert "mAP" in told
    assert Path("out/label_errors.csv").is_file()
    assert not list(Path(".dvc/tmp/reprise/folds").glob("*/*.work"))


def failed(capsys: Capture, *words: str) -> str:
    """What the command says when it refuses."""
    capsys.readouterr()
    assert main(["find-label-errors", *words]) == 1
    return capsys.readouterr().err


def test_fewer_groups_than_folds(repo: Path, capsys: Capture) -> None:
    data = Dataset(repo / "data" / "processed")
    write_subset(data, data.images.assign(group="a site"), repo / "one")
    told = failed(capsys, "--dataset", "one")
    assert "1 group(s) of images, and 3 folds asked" in told
    assert "data.split.group_by" in told


def test_refusals(repo: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not a dataset" in failed(capsys, "--dataset", "data")
    Path("other").mkdir()
    Path("other/mine.txt").touch()
    assert "other exists and is not empty" in failed(capsys, "--out", "other")
    with pytest.raises(SystemExit):
        main(["find-label-errors", "--split", "holdout"])
    with pytest.raises(SystemExit):
        main(["find-label-errors", "--folds", "1"])
    data = Dataset(repo / "data" / "processed")
    write_subset(data, data.split("train"), repo / "trained")
    told = failed(capsys, "--dataset", "trained", "--split", "test")
    assert "no real images in test" in told
    assert "--split all" in told


def test_cleanlab_missing(repo: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    told = failed(capsys)
    assert "this needs the package cleanlab" in told
    assert "python -m pip install -e '.[label-errors]'" in told


def test_a_family_that_is_given_the_boxes(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    make_repository(tmp_path, repository / "params.yaml", type="sam")
    monkeypatch.chdir(tmp_path)
    assert "model.type: sam draws the masks of boxes that it is given" in failed(capsys)
