"""The report stage: one HTML page, one Markdown file and one JSON summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reprise.reporting.config import ReportConfig
from reprise.reporting.markdown import render_markdown
from reprise.reporting.material import Material, read_material, split_rows
from reprise.reporting.page import render_page


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
    material = read_material(dataset, reports, model)
    summary = json.dumps(training_results(material), ensure_ascii=False, indent=2)
    texts = {
        "report.html": render_page(material, config),
        "report.md": render_markdown(material, config),
        "training_results.json": summary + "\n",
    }
    for name, text in texts.items():
        _write(reports / name, text)


def training_results(material: Material) -> dict[str, Any]:
    """The run in one small object: model, data, parameters and results."""
    model, words = material.model, material.words
    described = (
        *("family", "task", "prompted", "architecture", "variant"),
        *("image_size", "classes", "score_threshold"),
    )
    trained = ("best_epoch", "epochs_run", "selection")
    gate = material.gate or {}
    return {
        "model": {key: model[key] for key in described if key in model},
        "data": {
            row["split"]: {
                "images": row["images"],
                "synthetic_images": row["synthetic_images"],
                words.total: row["total"],
            }
            for row in split_rows(material)
        },
        "data_checks_passed": gate.get("success", gate.get("passed")),
        "parameters": model.get("parameters", {}),
        "training": {key: model[key] for key in trained if key in model}
        | {"last": material.latest},
        "results": material.metrics,
        "results_by_class": {
            row["class"]: {key: float(row[key]) for _, key in words.class_shares if row[key]}
            | {words.by_class[0][1]: int(row[words.by_class[0][1]])}
            for row in material.tables["per_class"]
        },
        "versions": model.get("versions", {}),
    }


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
