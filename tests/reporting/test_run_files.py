"""What the report adds to a run's record, and what it keeps out of the outs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reporting.test_report import MODEL, write_inputs
from reprise.dataset import write_json
from reprise.reporting import run_files
from reprise.reporting.config import ReportConfig
from reprise.reporting.report import report
from reprise.reporting.run_files import duration
from reprise.runs.config import RunConfig
from reprise.runs.record import recorded

SCHEMA = json.loads(
    Path(run_files.__file__).with_name("training_results.schema.json").read_text("utf-8")
)
TRAINED = MODEL | {
    "parameters": {"training": {"batch_size": 8, "learning_rate": 0.003, "epochs": 5}},
}
HARDWARE: dict[str, Any] = {
    "gpus": ["H200", "H200"],
    "cpu": "EPYC",
    "cores": 16,
    "memory_gib": 128.0,
    "system": "Linux x86_64",
}
MEASURED = {"seconds": 2.0, "images_per_second": 30.0, "peak_memory_gib": 1.5}


def make(root: Path, task: str = "detect", **named: Any) -> Path:
    """The report of a run that was recorded here: the folder of its record."""
    write_inputs(root, task)
    described = TRAINED if task == "detect" else TRAINED | {"task": task}
    write_json(root / "models" / "model.json", described)
    config = RunConfig(**named)
    with recorded(root / "logs", "key", config, "yolo-nano", HARDWARE) as run:
        run.begin([])
        run.add({"epoch": 1}, MEASURED)
        run.end_with(root / "models" / "model.json")
    row = {"batch_size": 4, "median_ms": 41.24, "p95_ms": 50.0, "images_per_second": 97.0}
    write_json(run.folder / "latency.json", {"device": "EPYC", "split": "test", "batches": [row]})
    (root / "logs" / "stages.csv").write_text(
        "finished,stage,seconds\n2026-11-29T10:00:00,train,1\n2026-11-29T12:00:00,train,3725.0\n"
    )
    folders = (root / "data", root / "reports", root / "models")
    report(*folders, ReportConfig(samples=1, errors=1), config, {}, root / "logs")
    return run.folder


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded")
    return make(root, name="night <shift>", description="to see", tags=["baseline"])


def results(record: Path) -> Any:
    return json.loads((record / "training_results.json").read_text(encoding="utf-8"))


def test_results_have_the_fields_of_the_guide(record: Path) -> None:
    found = results(record)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["experiment_name"] == "night <shift>"
    assert found["model"] == {"type": "yolo", "variant": "nano"}
    assert found["dataset"] == {
        "names": ["shapes"], "train_size": 12, "val_size": 6, "test_size": 6,
    }  # fmt: skip
    assert found["training"]["batch_size"] == 8
    assert found["training"]["epochs"] == 3  # that were run
    metrics = json.loads((record.parents[1] / "reports/evaluation/metrics.json").read_text())
    assert found["results"] == {
        "best_val_mAP": metrics["val"]["mAP"],
        "best_val_mAP50": metrics["val"]["mAP50"],
        "test_mAP": metrics["test"]["mAP"],
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timestamp", "yesterday"),
        ("model.type", None),
        ("dataset.names", []),
        ("training.total_time_hours", -1),
        ("results.test_mAP", 40.2),
        ("extra", 1),
    ],
)
def test_the_schema_refuses_what_is_no_such_file(record: Path, path: str, value: Any) -> None:
    found = results(record)
    *outer, last = path.split(".")
    inside = found[outer[0]] if outer else found
    inside[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_of_labels_there_is_no_map50(tmp_path: Path) -> None:
    found = results(make(tmp_path, "classify"))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["results"]["best_val_mAP50"] is None
    assert found["results"]["test_mAP"] > 0
    assert found["experiment_name"] == "yolo-nano"


def test_the_page_of_the_record_shows_how_fast_the_model_is_here(record: Path) -> None:
    own = (record / "report.html").read_text(encoding="utf-8")
    shared = (record.parents[1] / "reports" / "report.html").read_text(encoding="utf-8")
    for said in ("41.2", "50.0", "97.0", "on EPYC"):
        assert said in own.partition('<section id="run">')[2]
    assert 'id="run"' not in shared
    assert "EPYC" not in shared


def test_the_summary_is_filled_in(record: Path) -> None:
    text = (record / "training_summary.md").read_text(encoding="utf-8")
    assert text.startswith("# night &lt;shift>\n\nto see\n")
    facts = json.loads((record / "run.json").read_text())
    for line in (
        "- **Model:** yolo yolo11 nano",
        "- **Dataset:** shapes (train 12, val 6, test 6 images)",
        f"- **Training date:** {facts['sessions'][0]['started']} to ",
        "- **Total epochs:** 3",
        "- **Best epoch:** 2",
        "- **Best checkpoint:** `models/model.safetensors`",
        "- **Test mAP:** 0.",
        "- **GPU(s):** 2 × H200",
        "- **Peak memory:** 1.50 GiB of the GPU",
        "## Key findings\n\n1. mAP50 on test is 0.",
        "## Recommendations for next steps\n\n1. ",
    ):
        assert line in text, line
    assert "\n\n\n" not in text


def test_only_the_record_s_page_shows_clock_and_machine(record: Path) -> None:
    outs = record.parents[1] / "reports"
    page, copy = ((folder / "report.html").read_text("utf-8") for folder in (outs, record))
    assert "2 × H200" in copy
    assert "1 h 02 min" in copy  # of train, the last time
    assert "night &lt;shift&gt;" in page
    for name in ("report.html", "report.md", "results.json"):
        text = (outs / name).read_text(encoding="utf-8")
        assert "H200" not in text, name
        assert record.name not in text, name


def test_a_model_trained_elsewhere_has_no_dates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_inputs(tmp_path)
    folders = (tmp_path / "data", tmp_path / "reports", tmp_path / "models")
    report(*folders, ReportConfig(samples=0, errors=0), RunConfig(), {}, tmp_path / "logs")
    assert "has no record of the training of this model" in capsys.readouterr().out
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.26, "1.3 s"), (59.97, "60.0 s"), (200, "3 min 20 s"), (3599.7, "1 h 00 min")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
