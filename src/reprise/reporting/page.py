"""The HTML page: what goes into the template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprise.reporting import charts
from reprise.reporting.config import ReportConfig
from reprise.reporting.label_pictures import label_close_ups, label_samples
from reprise.reporting.labels import overlay
from reprise.reporting.material import Material, Series, flat, ledger_rows, split_rows
from reprise.reporting.palette import class_colours
from reprise.reporting.pictures import close_ups, samples
from reprise.reporting.wording import warnings

TEMPLATES = Path(__file__).parent / "templates"

COMMANDS = (
    ("Install everything and run the pipeline", "make repro"),
    ("Run only what has changed", "dvc repro"),
    ("Try another setting as an experiment", "dvc exp run -S training.learning_rate=3e-4"),
    ("Compare with the last commit", "dvc metrics diff"),
    ("List experiments side by side", "dvc exp show"),
    ("Open the interactive plots", "dvc plots show"),
)


def render_page(material: Material, config: ReportConfig) -> str:
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
    return environment.get_template("report.html.j2").render(_context(material, config))


def number(value: Any, digits: int = 3) -> str:
    """A metric as text; a dash when there is none."""
    if value is None or value == "":
        return "–"
    return f"{float(value):.{digits}f}"


def parameter(value: Any) -> str:
    """A parameter's value as it is written in params.yaml."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def confused_pairs(material: Material, count: int = 8) -> list[dict[str, str]]:
    """The classes most often taken for another, most frequent first."""
    pairs = [
        row
        for row in material.tables["confusion"]
        if row["actual"] != row["predicted"]
        and material.words.nothing not in (row["actual"], row["predicted"])
    ]
    return sorted(pairs, key=lambda row: -int(row["count"]))[:count]


def error_totals(material: Material) -> list[tuple[str, int]]:
    """Number of mistakes of each kind, in the order of the table."""
    totals: dict[str, int] = {}
    for row in material.tables["error_counts"]:
        totals[row["kind"]] = totals.get(row["kind"], 0) + int(row["count"])
    return list(totals.items())


def _context(material: Material, config: ReportConfig) -> dict[str, Any]:
    names = material.dataset.class_names
    colours = class_colours(names)
    rows = split_rows(material)
    model = material.model
    classify = material.task == "classify"
    return {
        "title": config.title,
        "subtitle": " · ".join(
            str(model[key]) for key in ("architecture", "variant") if model.get(key)
        ),
        "material": material,
        "model": model,
        "headline": material.headline,
        "words": material.words,
        "warnings": warnings(model),
        "colours": colours,
        "splits": rows,
        "ledger": ledger_rows(material.dataset),
        "parameters": flat(model.get("parameters", {})),
        "facts": _facts(model),
        "commands": COMMANDS,
        "errors": error_totals(material),
        "confused": confused_pairs(material),
        "samples": [] if classify else samples(material, colours, config.samples),
        "label_samples": label_samples(material, colours, config.samples) if classify else [],
        "close_ups": label_close_ups(material, config.errors)
        if classify
        else close_ups(material, colours, config.errors),
        "charts": _charts(material, colours, rows),
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
    material: Material, colours: dict[str, str], rows: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    words = material.words
    drawn: dict[str, Any] = {
        "classes": charts.class_shares(
            {row["split"]: row["by_class"] for row in rows}, words.total
        ),
        "training": [
            charts.curves_by_epoch(title, series)
            for title, series in _by_subject(material.series).items()
        ],
    }
    if material.headline:
        point = (material.headline["recall"], material.headline["precision"])
        tables = material.tables
        threshold = material.headline["score_threshold"]
        drawn["precision_recall"] = charts.precision_recall(
            tables["pr_curve"], colours, point, threshold, words.overlap
        )
        drawn["f1"] = charts.f1_by_threshold(tables["f1_curve"], colours, threshold)
        drawn["confusion"] = charts.confusion_matrix(
            tables["confusion"], material.dataset.class_names, words.nothing
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
