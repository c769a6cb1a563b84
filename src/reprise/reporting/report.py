"""The report stage: one HTML page, one Markdown file and one JSON file; and the run's record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.replacing import replacing_file
from reprise.reporting.config import ReportConfig
from reprise.reporting.inputs import ReportInputs, read_inputs, split_rows
from reprise.reporting.rendering import Pages
from reprise.reporting.run_files import run_facts, training_results
from reprise.runs.config import RunConfig
from reprise.runs.record import find_record
from reprise.sources.config import SourceConfig


def report(
    dataset: Path,
    reports: Path,
    model: Path,
    config: ReportConfig,
    named: RunConfig,
    sources: Mapping[str, SourceConfig],
    logs: Path | None = None,
) -> None:
    """Write ``report.html``, ``report.md``, ``model_card.md`` and ``results.json``.

    Their bytes depend on the inputs alone. Clock times and the machine are of no input: where
    ``logs`` holds the record of the training of this model, ``training_results.json``,
    ``training_summary.md`` and a copy of the page that shows them are written there. Each file is
    complete or absent.

    Args:
        dataset: The dataset folder.
        reports: Folder with ``evaluation/`` and ``predictions/``, and, where those stages
            ran, ``training/`` and ``validation/``.
        model: The model folder, with ``model.json``.
        config: The ``report`` section.
        named: The ``run`` section.
        sources: ``data.sources``.
        logs: Folder of the records of runs; None looks for none.

    Raises:
        RepriseError: An input is missing or malformed.
    """
    inputs = read_inputs(dataset, reports, model, named, sources)
    pages = Pages(inputs, config)
    _write(
        reports,
        {
            "report.html": pages.html(),
            "report.md": pages.markdown(),
            "model_card.md": pages.model_card(),
            "results.json": _json(results(inputs)),
        },
    )
    if logs is None:
        return
    record = find_record(logs, model / "model.json")
    if record is None:
        print(
            f"{logs} has no record of the training of this model, as when it ran elsewhere: "
            "training_results.json, with its date and hours, is not written"
        )
        return
    run = run_facts(inputs, record, logs / "stages.csv")
    _write(
        record.folder,
        {
            "training_results.json": _json(training_results(inputs, record)),
            "training_summary.md": pages.summary(run),
            "report.html": pages.html(run),
        },
    )
    print(f"training_results.json, training_summary.md and report.html are in {record.folder}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        with replacing_file(folder / name) as partial:
            partial.write_text(content, encoding="utf-8", newline="\n")


def results(inputs: ReportInputs) -> dict[str, Any]:
    """The run in one object: model, data, parameters and results."""
    model, text = inputs.model, inputs.text
    described = (
        *("family", "task", "prompted", "architecture", "variant"),
        *("image_size", "classes", "score_threshold"),
    )
    trained = ("best_epoch", "epochs_run", "selection")
    return {
        "run": inputs.named.model_dump(),
        "model": {key: model[key] for key in described if key in model},
        "data": {
            row["split"]: {
                "images": row["images"],
                "synthetic_images": row["synthetic_images"],
                text.total: row["total"],
            }
            for row in split_rows(inputs)
        },
        "sources": inputs.sources,
        "data_checks_passed": inputs.gate_passed,
        "parameters": model.get("parameters", {}),
        "training": {key: model[key] for key in trained if key in model} | {"last": inputs.latest},
        "results": inputs.metrics,
        "results_by_class": {
            row["class"]: {key: float(row[key]) for _, key in text.class_shares if row[key]}
            | {text.by_class[0][1]: int(row[text.by_class[0][1]])}
            for row in inputs.tables["per_class"]
        },
        "versions": model.get("versions", {}),
    }
