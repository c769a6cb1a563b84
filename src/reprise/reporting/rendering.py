"""The report as an HTML page and as Markdown: what goes into the templates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprise.reporting import charts
from reprise.reporting.config import ReportConfig
from reprise.reporting.facets import error_facets
from reprise.reporting.findings import findings, target_rows
from reprise.reporting.inputs import ReportInputs, Series, flat, ledger_rows, split_rows
from reprise.reporting.judged_images import Judged, extremes, judge_images
from reprise.reporting.label_samples import label_close_ups, label_samples
from reprise.reporting.object_samples import close_ups, samples, spread
from reprise.reporting.overlays import overlay
from reprise.reporting.palette import class_colours
from reprise.reporting.task_text import ERROR_KINDS, warnings

LEAST_COST = 0.001  # a smaller one is shown as nothing
TEMPLATES = Path(__file__).parent / "templates"

COMMANDS = (
    ("Install everything and run the pipeline", "make repro"),
    ("Run only what has changed", "dvc repro"),
    ("Try another setting as an experiment", "dvc exp run -S training.learning_rate=3e-4"),
    ("Compare with the last commit", "dvc metrics diff"),
    ("List experiments side by side", "dvc exp show"),
    ("Open the interactive plots", "dvc plots show"),
)


class Pages:
    """The report of some inputs, as HTML and as Markdown."""

    def __init__(self, inputs: ReportInputs, config: ReportConfig) -> None:
        self._inputs = inputs
        self._shown = _context(inputs, config)
        self._pictures = _pictures(inputs, config)

    def html(self, run: dict[str, Any] | None = None) -> str:
        """The whole report as one HTML file that loads nothing else.

        Args:
            run: Clock times and the machine, as ``run_facts`` gives them; None leaves them out.
        """
        return render("report.html.j2", self._shown | self._pictures | {"run": run})

    def markdown(self) -> str:
        """The whole report without pictures, for terminals, diffs and pull requests."""
        return render("report.md.j2", self._shown)

    def model_card(self) -> str:
        """What the model is for, what it learned from and how well, with metadata in YAML.

        The sections follow Mitchell et al., Model Cards for Model Reporting, 2019, arXiv
        1810.03993; the metadata is that of the Hugging Face Hub, so that the file can go beside
        weights that are published there.
        """
        import yaml

        metadata = yaml.safe_dump(card_metadata(self._inputs), sort_keys=False, allow_unicode=True)
        return render("model_card.md.j2", self._shown | {"metadata": metadata})

    def summary(self, run: dict[str, Any]) -> str:
        """The training on one page, with clock times and the machine."""
        return render("training_summary.md.j2", self._shown | {"run": run})


def render(template: str, context: dict[str, Any], *folders: Path) -> str:
    """A template, filled in; it is looked for in these folders, then among the report's own."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
        autoescape=jinja2.select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": cell,
        "number": number,
        "overlay": overlay,
        "parameter": parameter,
    }
    return environment.get_template(template).render(context)


def cell(value: Any) -> str:
    """Text that cannot break out of its Markdown table cell or become markup."""
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.split())


def numbers(row: dict[str, str], columns: Sequence[tuple[str, str]]) -> list[str]:
    """The metrics of a table's row, by header and key, as text."""
    return [number(row[key]) for _, key in columns]


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


def costly_parts(inputs: ReportInputs, count: int = 8) -> list[dict[str, str]]:
    """Where errors of one kind cost most, by class, size and crowding; the worst first."""
    rows = [
        row
        for row in inputs.tables.get("error_costs", ())
        if row["by"] != "all" and float(row["cost"]) >= LEAST_COST
    ]
    return sorted(rows, key=lambda row: -float(row["cost"]))[:count]


def error_totals(inputs: ReportInputs) -> list[tuple[str, int]]:
    """Number of mistakes of each kind, in the order of the table."""
    totals: Counter[str] = Counter()
    for row in inputs.tables["error_counts"]:
        totals[row["kind"]] += int(row["count"])
    return list(totals.items())


def _context(inputs: ReportInputs, config: ReportConfig) -> dict[str, Any]:
    """What both templates show."""
    model = inputs.model
    return {
        "title": config.title,
        "inputs": inputs,
        "model": model,
        "headline": inputs.headline,
        "text": inputs.text,
        "warnings": warnings(model, inputs.task, inputs.split, inputs.headline),
        "splits": split_rows(inputs),
        "ledger": ledger_rows(inputs.dataset),
        "parameters": flat(model.get("parameters", {})),
        "commands": COMMANDS,
        "names": inputs.names,
        "classes": inputs.dataset.class_names,
        "facts": _facts(inputs),
        "findings": findings(inputs),
        "targets": target_rows(inputs),
        "errors": error_totals(inputs),
        "costs": [row for row in inputs.tables.get("error_costs", ()) if row["by"] == "all"],
        "costly": costly_parts(inputs),
        "error_kinds": ERROR_KINDS,
        "confused": confused_pairs(inputs),
        "numbers": numbers,
    }


def _pictures(inputs: ReportInputs, config: ReportConfig) -> dict[str, Any]:
    """What only the page shows."""
    model = inputs.model
    colours = class_colours(inputs.dataset.class_names)
    classify = inputs.task == "classify"
    drawn = label_samples if classify else samples
    found = _extremes(inputs) if inputs.headline and config.samples else {}
    images = inputs.dataset.split(inputs.split).set_index("image_id", drop=False)
    chosen = images.loc[[item.image_id for item in found.values()]]
    return {
        "subtitle": " · ".join(
            str(model[key]) for key in ("architecture", "variant") if model.get(key)
        ),
        "colours": colours,
        "samples": drawn(inputs, colours, spread(inputs, config.samples)),
        "extremes": [
            (name, item, sample)
            for (name, item), sample in zip(
                found.items(), drawn(inputs, colours, chosen), strict=True
            )
        ],
        "close_ups": label_close_ups(inputs, config.errors)
        if classify
        else close_ups(inputs, colours, config.errors),
        "error_rows": [
            {"row": row, "facets": error_facets(row, inputs.names)}
            for row in inputs.tables["errors"]
        ],
        "charts": _charts(inputs, colours),
    }


def _extremes(inputs: ReportInputs) -> dict[str, Judged]:
    """The worst, the median and the best image, by name."""
    return extremes(
        judge_images(inputs.dataset, inputs.split, inputs.task, inputs.shown_predictions)
    )


def card_metadata(inputs: ReportInputs) -> dict[str, Any]:
    """The model card's metadata, in the keys of the Hugging Face Hub."""
    pipelines = {
        "detect": "object-detection",
        "segment": "image-segmentation",
        "classify": "image-classification",
    }
    task = pipelines[inputs.task]
    found: dict[str, Any] = {
        "library_name": "reprise",
        "pipeline_tag": task,
        "tags": [str(inputs.model["family"]), *inputs.named.tags],
    }
    if inputs.headline:
        names = ", ".join(inputs.names)
        found["model-index"] = [
            {
                "name": inputs.named.name or f"{inputs.model['family']} {inputs.model['variant']}",
                "results": [
                    {
                        "task": {"type": task},
                        "dataset": {"name": names, "type": "local", "split": inputs.split},
                        "metrics": [
                            {"type": key, "name": label, "value": inputs.headline[key]}
                            for key, (label, _) in inputs.text.meanings.items()
                            if key in inputs.headline
                        ],
                    }
                ],
            }
        ]
    return found


def _facts(inputs: ReportInputs) -> dict[str, Any]:
    """One-line facts about the model, those that it has."""
    model, network = inputs.model, inputs.network
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
        value = number(selection.get("value"))
        found[f"{selection.get('metric')} on val, at the best epoch"] = value
    if network:
        found["parameters"] = f"{network['parameters'] / 1e6:.2f} million"
        found["weights"] = f"{network['weight_bytes'] / 1e6:.1f} MB"
    if "flops" in network:
        height, width = network["input"]
        found["operations"] = (
            f"{network['flops'] / 1e9:.2f} GFLOPs for an image of {width} × {height} pixels"
        )
    return {name: value for name, value in found.items() if value is not None}


def _charts(inputs: ReportInputs, colours: dict[str, str]) -> dict[str, Any]:
    text = inputs.text
    drawn: dict[str, Any] = {
        "classes": charts.class_shares(
            {row["split"]: row["by_class"] for row in split_rows(inputs)}, text.total
        ),
        "training": [
            charts.curves_by_epoch(title, series)
            for title, series in _by_subject(inputs.series).items()
        ],
    }
    costs = [row for row in inputs.tables.get("error_costs", ()) if row["by"] == "all"]
    if costs:
        drawn["error_costs"] = charts.error_costs(costs)
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
