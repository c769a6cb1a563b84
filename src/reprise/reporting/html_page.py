"""The HTML page: what goes into the template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprise.reporting import charts
from reprise.reporting.config import ReportConfig
from reprise.reporting.inputs import ReportInputs, Series, flat, ledger_rows, split_rows
from reprise.reporting.label_samples import label_close_ups, label_samples
from reprise.reporting.object_samples import close_ups, samples
from reprise.reporting.overlays import overlay
from reprise.reporting.palette import class_colours
from reprise.reporting.task_text import warnings

TEMPLATES = Path(__file__).parent / "templates"

COMMANDS = (
    ("Install everything and run the pipeline", "make repro"),
    ("Run only what has changed", "dvc repro"),
    ("Try another setting as an experiment", "dvc exp run -S training.learning_rate=3e-4"),
    ("Compare with the last commit", "dvc metrics diff"),
    ("List experiments side by side", "dvc exp show"),
    ("Open the interactive plots", "dvc plots show"),
)


def render_page(inputs: ReportInputs, config: ReportConfig) -> str:
    """The whole report as one HTML file that loads nothing else."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["parameter"] = parameter
    environment.filters["overlay"] = overlay
    return environment.get_template("report.html.j2").render(_context(inputs, config))


def number(value: Any, digits: int = 3) -> str:
    """A metric as text; a dash when there is none."""
    if value is None or value == "":
        return "–"
    return f"{float(value):.{digits}f}"


def parameter(value: Any) -> str:
    """A parameter's value as it is written in params.yaml."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def confused_pairs(inputs: ReportInputs, count: int = 8) -> list[dict[str, str]]:
    """The classes most often taken for another, most frequent first."""
    pairs = [
        row
        for row in inputs.tables["confusion"]
        if row["actual"] != row["predicted"]
        and inputs.text.nothing not in (row["actual"], row["predicted"])
    ]
    return sorted(pairs, key=lambda row: -int(row["count"]))[:count]


def error_totals(inputs: ReportInputs) -> list[tuple[str, int]]:
    """Number of mistakes of each kind, in the order of the table."""
    totals: dict[str, int] = {}
    for row in inputs.tables["error_counts"]:
        totals[row["kind"]] = totals.get(row["kind"], 0) + int(row["count"])
    return list(totals.items())


def _context(inputs: ReportInputs, config: ReportConfig) -> dict[str, Any]:
    names = inputs.dataset.class_names
    colours = class_colours(names)
    rows = split_rows(inputs)
    model = inputs.model
    classify = inputs.task == "classify"
    return {
        "title": config.title,
        "subtitle": " · ".join(
            str(model[key]) for key in ("architecture", "variant") if model.get(key)
        ),
        "inputs": inputs,
        "model": model,
        "headline": inputs.headline,
        "text": inputs.text,
        "warnings": warnings(model),
        "colours": colours,
        "splits": rows,
        "ledger": ledger_rows(inputs.dataset),
        "parameters": flat(model.get("parameters", {})),
        "facts": _facts(model),
        "commands": COMMANDS,
        "errors": error_totals(inputs),
        "confused": confused_pairs(inputs),
        "samples": [] if classify else samples(inputs, colours, config.samples),
        "label_samples": label_samples(inputs, colours, config.samples) if classify else [],
        "close_ups": label_close_ups(inputs, config.errors)
        if classify
        else close_ups(inputs, colours, config.errors),
        "charts": _charts(inputs, colours, rows),
    }


def _facts(model: dict[str, Any]) -> dict[str, Any]:
    """One-line facts about the model, those that it has."""
    selection = model.get("selection") or {}
    found = {
        "family": model.get("family"),
        "task": model.get("task"),
        "architecture": model.get("architecture"),
        "variant": model.get("variant"),
        "image size": model.get("image_size"),
        "classes": len(model["classes"]) if "classes" in model else None,
        "score threshold": model.get("score_threshold"),
        "best epoch": model.get("best_epoch"),
        "epochs run": model.get("epochs_run"),
    }
    if selection:
        found[f"{selection.get('metric')} on val, at the best epoch"] = selection.get("value")
    return {name: value for name, value in found.items() if value is not None}


def _charts(
    inputs: ReportInputs, colours: dict[str, str], rows: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    text = inputs.text
    drawn: dict[str, Any] = {
        "classes": charts.class_shares({row["split"]: row["by_class"] for row in rows}, text.total),
        "training": [
            charts.curves_by_epoch(title, series)
            for title, series in _by_subject(inputs.series).items()
        ],
    }
    if inputs.headline:
        point = (inputs.headline["recall"], inputs.headline["precision"])
        tables = inputs.tables
        threshold = inputs.headline["score_threshold"]
        drawn["precision_recall"] = charts.precision_recall(
            tables["pr_curve"], colours, point, threshold, text.overlap
        )
        drawn["f1"] = charts.f1_by_threshold(tables["f1_curve"], colours, threshold)
        drawn["confusion"] = charts.confusion_matrix(
            tables["confusion"], inputs.dataset.class_names, text.nothing
        )
    return drawn


def _by_subject(series: Sequence[Series]) -> dict[str, list[Series]]:
    """Logged values grouped into charts by their names, such as ``val/box_loss``."""
    subjects: dict[str, list[Series]] = {
        "Training loss": [],
        "Validation loss": [],
        "Learning rate": [],
        "Validation metrics": [],
    }
    for item in series:
        split, _, name = item.name.rpartition("/")
        if name.startswith("learning_rate"):
            subjects["Learning rate"].append(item)
        elif split == "train":
            subjects["Training loss"].append(item)
        elif split == "val" and "loss" in name:
            subjects["Validation loss"].append(item)
        elif split == "val":
            subjects["Validation metrics"].append(item)
    return {title: items for title, items in subjects.items() if items}
