"""Findings: each says what the numbers show, and is silent where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reporting.test_report import make, section, write_inputs
from reprise.dataset import write_json
from reprise.reporting.findings import findings
from reprise.reporting.inputs import ReportInputs, Series, read_inputs
from reprise.runs.config import RunConfig


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("findings")
    write_inputs(root)
    return root


@pytest.fixture(scope="module")
def inputs(root: Path) -> ReportInputs:
    return read_inputs(root / "data", root / "reports", root / "models", RunConfig(), {})


def told(inputs: ReportInputs, **changes: Any) -> str:
    return "\n".join(
        f"{item.text} -> {item.advice}" for item in findings(replace(inputs, **changes))
    )


def with_test(inputs: ReportInputs, **values: Any) -> dict[str, dict[str, Any]]:
    return inputs.metrics | {"test": inputs.metrics["test"] | values}


def test_the_headline_stands_first(inputs: ReportInputs) -> None:
    value = inputs.metrics["test"]["mAP50"]
    metrics = with_test(inputs, intervals={"mAP50": [0.1, 0.9]})
    first = told(inputs, metrics=metrics).splitlines()[0]
    assert first.startswith(f"mAP50 on test is {value:.3f} (95 % interval 0.100 to 0.900), against")


def test_a_model_that_learned_nothing(inputs: ReportInputs) -> None:
    metrics = with_test(inputs, mAP50=0.1, blind={"mAP50": 0.2})
    assert told(inputs, metrics=metrics).startswith("The model has learned nothing")


def test_a_fall_from_val_to_test(inputs: ReportInputs) -> None:
    metrics = with_test(inputs, mAP50=0.3) | {"val": {"mAP50": 0.6}}
    assert "mAP50 falls from 0.600 on val to 0.300 on test" in told(inputs, metrics=metrics)
    metrics["val"]["mAP50"] = 0.32
    assert "falls" not in told(inputs, metrics=metrics)


@pytest.mark.parametrize(
    ("best", "run", "advice"),
    [(24, 24, "raise training.epochs"), (5, 24, "Lower training.learning_rate"), (20, 24, "")],
)
def test_the_place_of_the_best_epoch(
    inputs: ReportInputs, best: int, run: int, advice: str
) -> None:
    text = told(inputs, model=inputs.model | {"best_epoch": best, "epochs_run": run})
    assert (advice in text) if advice else ("epoch" not in text.lower())


def test_train_learned_by_heart(inputs: ReportInputs) -> None:
    steps = [1.0, 2.0, 3.0]
    train = Series("train/loss", steps, [3, 2, 1])
    val = Series("val/loss", steps, [2.0, 1.0, 1.2])
    assert "ended 20 % above its least" in told(inputs, series=[train, val])
    flat = replace(val, values=[2.0, 1.0, 1.01])
    assert "by heart" not in told(inputs, series=[train, flat])


def test_a_weak_class(inputs: ReportInputs) -> None:
    weak = {"class": "disc", "AP50": "0.2", "boxes": "20"}
    strong = {"class": "square", "AP50": "0.9", "boxes": "20"}
    text = told(inputs, tables=inputs.tables | {"per_class": [weak, strong]})
    assert "The weakest class is disc: AP50 0.200, where the median class has 0.550" in text
    weak["boxes"] = "2"
    text = told(inputs, tables=inputs.tables | {"per_class": [weak, strong]})
    assert "weakest" not in text


def test_small_objects_are_missed(inputs: ReportInputs) -> None:
    rows = [
        {"by": "size", "value": value, "recall": recall, "boxes": boxes}
        for value, recall, boxes in (("small", "0.2", "40"), ("large", "0.8", "40"))
    ]
    text = told(inputs, tables=inputs.tables | {"breakdown": rows})
    assert "Of small objects 20 % are found, of larger ones up to 80 %. -> Raise data.image_size." in text  # fmt: skip # noqa: E501
    rows[0]["boxes"] = "2"
    assert "small objects" not in told(inputs, tables=inputs.tables | {"breakdown": rows})


def test_classes_taken_for_each_other(inputs: ReportInputs) -> None:
    rows = [
        {"actual": "disc", "predicted": "disc", "count": "20"},
        {"actual": "disc", "predicted": "square", "count": "10"},
        {"actual": "disc", "predicted": "background", "count": "30"},
    ]
    text = told(inputs, tables=inputs.tables | {"confusion": rows})
    assert "10 of 60 objects of disc were taken for square" in text


def test_few_groups(inputs: ReportInputs) -> None:
    statistics = dict(inputs.statistics)
    splits = {name: dict(counts) for name, counts in statistics["splits"].items()}
    splits["test"]["groups"] = 1
    assert "come from 1 group:" in told(inputs, statistics=statistics | {"splits": splits})
    splits["test"]["groups"] = 40
    assert "come from" not in told(inputs, statistics=statistics | {"splits": splits})


def test_targets_are_on_the_page(root: Path) -> None:
    path = root / "reports" / "evaluation" / "metrics.json"
    inputs = read_inputs(root / "data", root / "reports", root / "models", RunConfig(), {})
    targets = {"targets": {"mAP50": 0.01, "f1": 0.99}, "targets_met": {"mAP50": True, "f1": False}}
    write_json(path, with_test(inputs, **targets))
    summary = section(make(root, samples=0, errors=0), "summary")
    assert '<code>test.mAP50</code></th><td class="num">0.010' in summary
    assert summary.count('class="good">met<') == summary.count('class="bad">missed<') == 1
    assert "test.f1" in (root / "reports" / "report.md").read_text(encoding="utf-8")
    write_json(path, inputs.metrics)
