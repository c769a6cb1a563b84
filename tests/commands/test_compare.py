"""``reprise compare``: two runs of a small repository, and simulated detectors."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dvc.repo import Repo

from built_once import built_once
from commands.test_model_choice import git
from evaluation.running import TEST_BOXES, VAL_BOXES, write_dataset
from reprise.cli import main
from reprise.commands.comparing.comparison import ALIKE, BETTER, WORSE, Comparison, compare
from reprise.commands.comparing.runs import Pair
from reprise.dataset import write_json
from reprise.predictions import label_prediction, prediction, write_predictions
from reprise.scoring import score

ROOT = Path(__file__).resolve().parents[2]


def found(boxes: list[Any]) -> list[dict[str, Any]]:
    return [prediction(*box, 0.9) for box in boxes]


def commit(repo: Repo, tag: str, *tracked: str) -> None:
    for path in tracked:
        repo.add(path)
    git("add", "--all")
    git("commit", "--quiet", "--message", tag)
    git("tag", tag)


def repository_of_runs(folder: Path) -> None:
    """Tags: ``bare`` has no predictions; ``good`` finds all, ``poor`` finds one object, ``labels``
    names classes, ``other`` was tested on other objects."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        git("init", "--quiet", "--initial-branch=main")
        with Repo.init() as repo:
            Path("dvc.yaml").touch()
            write_dataset(Path("data/processed"), VAL_BOXES + TEST_BOXES)
            write_json_at("models/model.json", {"task": "detect", "score_threshold": 0.5})
            commit(repo, "bare", "data/processed", "models")
            outs = "data/processed", "models", "reports/predictions"
            for tag, boxes in (("good", TEST_BOXES), ("poor", TEST_BOXES[:1])):
                write_rows(found(boxes))
                commit(repo, tag, *outs)
            write_rows([label_prediction(3, 1, 0.9)])
            write_json_at("models/model.json", {"task": "classify", "score_threshold": 0.5})
            commit(repo, "labels", *outs)
            write_rows(found(TEST_BOXES))
            write_json_at("models/model.json", {"task": "detect", "score_threshold": 0.5})
            shutil.rmtree("data/processed")
            moved = [(image, category, [5, 5, 60, 60]) for image, category, _ in TEST_BOXES]
            write_dataset(Path("data/processed"), [*VAL_BOXES, *moved])
            commit(repo, "other", *outs)
    finally:
        os.chdir(here)


def write_json_at(path: str, value: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # DVC links what it tracks to its cache.
    Path(path).unlink(missing_ok=True)
    write_json(Path(path), value)


def write_rows(rows: list[dict[str, Any]]) -> None:
    path = Path("reports/predictions/test.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    write_predictions(path, rows)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(tmp_path_factory, "compared-runs", repository_of_runs)


@pytest.fixture
def repository(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    shutil.copytree(published, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("repository")
class TestTwoRevisions:
    def test_are_compared_from_the_cache(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", "good", "poor", "--json", str(tmp_path / "told.json")]) == 0
        told = json.loads((tmp_path / "told.json").read_text())
        recall = told["metrics"]["recall"]
        assert (recall["first"], recall["second"]) == (1.0, pytest.approx(1 / 3))
        assert recall["difference"] == pytest.approx(-2 / 3)
        assert recall["verdict"] == WORSE
        assert told["changed"] == [
            {"image": "farm/3.png", "first": 0, "second": 1},
            {"image": "street/4.png", "first": 0, "second": 1},
        ]
        printed = capsys.readouterr().out
        assert "poor is worse than good" in printed
        assert "WARNING: intervals of test: it has 2 images" in printed
        assert not list(Path(".dvc/tmp/reprise/revisions").iterdir())

    def test_of_one_model_are_not_distinguishable(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "good", "good"]) == 0
        printed = capsys.readouterr().out
        assert "good is not distinguishable from good" in printed
        assert "images that changed" not in printed

    def test_may_be_the_workspace(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_rows(found(TEST_BOXES[:1]))
        # The workspace is on the dataset of the last commit.
        assert main(["compare", "other", "workspace"]) == 0
        assert "workspace is" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("first", "second", "problem"),
        [
            ("good", "bare", "revision bare holds no reports/predictions/test.json"),
            ("nowhere", "good", "nowhere"),
            ("good", "other", "different test sets: of 2 and 2 images, 0 have the same"),
            ("good", "labels", "good has to detect, and labels to classify"),
        ],
    )
    def test_that_cannot_be_compared_are_refused(
        self, first: str, second: str, problem: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", first, second]) == 1
        told = capsys.readouterr()
        assert problem in told.err and "To fix:" in told.err
        assert told.out == ""

    def test_without_what_the_cache_held_are_refused(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.rmtree(".dvc/cache")
        assert main(["compare", "good", "poor"]) == 1
        assert "neither in DVC's cache here nor on a remote" in capsys.readouterr().err

    def test_need_predictions_of_the_split(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "good", "workspace", "--split", "val"]) == 1
        assert "holds no reports/predictions/val.json" in capsys.readouterr().err


def simulation() -> Any:
    """benchmarks/intervals.py, which simulates detectors."""
    spec = importlib.util.spec_from_file_location("intervals", ROOT / "benchmarks/intervals.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compared(skill: float, seed: int) -> Comparison:
    """A detector with skill 0.75 on 300 images against one with another skill or seed."""
    intervals = simulation()
    truth, hardness = intervals.scene(np.random.default_rng(3), 300)
    answers = (
        intervals.detected(np.random.default_rng(draw), truth, hardness, chance)
        for draw, chance in ((0, 0.75), (seed, skill))
    )
    first, second = (score("detect", truth, rows, 0.5) for rows in answers)
    names = [str(n) for n in range(300)]
    return compare(Pair(first, second, names, names, {}), "mAP50", 500, 0)


class TestSimulatedDetectors:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_of_equal_skill_are_not_distinguishable(self, seed: int) -> None:
        found = compared(0.75, seed)
        assert found.metrics["mAP50"].verdict == ALIKE
        assert found.metrics["mAP50"].first != found.metrics["mAP50"].second
        assert found.warning == "" and len(found.changed) == 10

    def test_a_gain_of_three_points_is_found(self) -> None:
        found = compared(0.775, 0).metrics["mAP50"]
        assert found.difference == pytest.approx(0.03, abs=0.01)
        assert found.verdict == BETTER
        assert 0 < found.low < 0.03 < found.high
