"""The report as Markdown: the numbers, for terminals, diffs and pull requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reprise.reporting.config import ReportConfig
from reprise.reporting.html_page import (
    COMMANDS,
    confused_pairs,
    error_totals,
    number,
    parameter,
)
from reprise.reporting.inputs import ReportInputs, flat, ledger_rows, split_rows
from reprise.reporting.task_text import warnings


def render_markdown(inputs: ReportInputs, config: ReportConfig) -> str:
    """The whole report without pictures."""
    parts = [
        f"# {_plain(config.title)}",
        *_results(inputs),
        *_data(inputs),
        *_model(inputs),
        "## Reproduce",
        "Check out the commit that holds this report; its `dvc.lock` pins data, code and "
        "parameters.",
        _table(("to", "run"), [(purpose, f"`{command}`") for purpose, command in COMMANDS]),
    ]
    return "\n\n".join(parts) + "\n"


def _results(inputs: ReportInputs) -> list[str]:
    headline, text = inputs.headline, inputs.text
    if not headline:
        return [
            "## Results",
            f"Neither test nor val has {text.counted} to judge by: there are no scores.",
        ]
    parts = [
        "## Results",
        *warnings(inputs.model),
        f"On the {inputs.split} split: {headline['images']} images, "
        f"{headline[text.total]} {text.counted}. "
        f"Precision, recall and F1 count {text.predicted} scoring at least "
        f"{number(headline['score_threshold'])}.",
        _table(
            ("metric", *inputs.metrics, "meaning"),
            [
                (label, *(number(row.get(key)) for row in inputs.metrics.values()), meaning)
                for key, (label, meaning) in text.meanings.items()
            ],
        ),
        "### By class",
        _table(
            ("class", text.counted, *(header for header, _ in text.class_shares)),
            [
                (
                    row["class"],
                    row[text.by_class[0][1]],
                    *(number(row[key]) for _, key in text.class_shares),
                )
                for row in inputs.tables["per_class"]
            ],
        ),
        f"### {text.parts}",
        _table(
            ("part", text.counted, *(header for header, _ in text.by_part)),
            [
                (
                    f"{row['by']} {row['value']}",
                    row[text.total],
                    *(number(row[key]) for _, key in text.by_part),
                )
                for row in inputs.tables["breakdown"]
            ],
        ),
        "### Errors",
        _table(("kind", "count"), error_totals(inputs)),
    ]
    confused = confused_pairs(inputs)
    if confused:
        rows = [(row["actual"], row["predicted"], row["count"]) for row in confused]
        parts += ["Most confused:", _table(("actual", "predicted", "times"), rows)]
    return parts


def _data(inputs: ReportInputs) -> list[str]:
    total = inputs.text.total
    columns = {
        "images": "images",
        "synthetic images": "synthetic_images",
        "groups": "groups",
        total: "total",
        f"images without {total}": "without",
    }
    parts = [
        "## Data",
        _table(
            ("split", *columns),
            [(row["split"], *(row[key] for key in columns.values())) for row in split_rows(inputs)],
        ),
        f"Checks before training: {_gate(inputs.gate)}",
    ]
    ledger = ledger_rows(inputs.dataset)
    if ledger:
        rows = [(row["rule"], row["item"], row["action"], row["count"]) for row in ledger]
        parts += [
            "Dropped or repaired on the way in:",
            _table(("rule", "what", "action", "count"), rows),
        ]
    return parts


def _gate(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return "no result was found."
    verdict = "passed" if gate.get("success", gate.get("passed")) else "**failed**"
    if "expectations" not in gate:
        return f"{verdict}."
    return f"{verdict}, {gate['passed']} of {gate['expectations']} expectations hold."


def _model(inputs: ReportInputs) -> list[str]:
    model = inputs.model
    named = [str(model[key]) for key in ("architecture", "variant") if model.get(key)]
    rows = [
        (f"`{name}`", f"`{parameter(value)}`")
        for name, value in flat(model.get("parameters", {})).items()
    ]
    epochs = (
        f"Best epoch {model['best_epoch']} of {model['epochs_run']} run."
        if {"best_epoch", "epochs_run"} <= model.keys()
        else ""
    )
    parts = ["## Model", " ".join([*named, *([f"— {epochs}"] if epochs else [])]).strip()]
    return [
        *(part for part in parts if part),
        *([_table(("parameter", "value"), rows)] * bool(rows)),
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(cell: Any) -> str:
    """Text that cannot break out of its table cell or become markup."""
    text = str(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.split())
