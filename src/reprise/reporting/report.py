"""The report stage: one HTML page, one Markdown file and one JSON summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reprise.replacing import replacing_file
from reprise.reporting.config import ReportConfig
from reprise.reporting.inputs import ReportInputs, read_inputs, split_rows
from reprise.reporting.rendering import render_markdown, render_page


def report(dataset: Path, reports: Path, model: Path, config: ReportConfig) -> None:
    """Write ``report.html``, ``report.md`` and ``training_results.json`` into ``reports``.

    The bytes depend on the inputs alone. Each file is complete or absent.

    Args:
        dataset: The dataset folder.
        reports: Folder with ``evaluation/`` and ``predictions/``, and, where those stages
            ran, ``training/`` and ``validation/``.
        model: The model folder, with ``model.json``.
        config: The ``report`` section.

    Raises:
        RepriseError: An input is missing or malformed.
    """
    inputs = read_inputs(dataset, reports, model)
    summary = json.dumps(training_results(inputs), ensure_ascii=False, indent=2)
    files = {
        "report.html": render_page(inputs, config),
        "report.md": render_markdown(inputs, config),
        "training_results.json": summary + "\n",
    }
    for name, content in files.items():
        with replacing_file(reports / name) as partial:
            partial.write_text(content, encoding="utf-8", newline="\n")


def training_results(inputs: ReportInputs) -> dict[str, Any]:
    """The run in one small object: model, data, parameters and results."""
    model, text = inputs.model, inputs.text
    described = (
        *("family", "task", "prompted", "architecture", "variant"),
        *("image_size", "classes", "score_threshold"),
    )
    trained = ("best_epoch", "epochs_run", "selection")
    return {
        "model": {key: model[key] for key in described if key in model},
        "data": {
            row["split"]: {
                "images": row["images"],
                "synthetic_images": row["synthetic_images"],
                text.total: row["total"],
            }
            for row in split_rows(inputs)
        },
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
