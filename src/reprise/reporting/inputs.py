"""Everything the report is made of, read from the files of the earlier stages."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reprise.dataset import SPLITS, Dataset, read_json
from reprise.errors import RepriseError
from reprise.predictions import read_predictions
from reprise.reporting.task_text import TaskText, text_of
from reprise.runs.config import RunConfig
from reprise.scoring import Task, task_of
from reprise.sources.config import SourceConfig

TABLES = (
    *("per_class", "pr_curve", "f1_curve", "confusion", "error_counts", "errors"),
    "breakdown",
)
# Of models that find objects.
OBJECT_TABLES = ("error_costs",)


@dataclass(frozen=True)
class Series:
    """One logged value: ``name`` is its path below the log folder, without suffix."""

    name: str
    steps: list[float]
    values: list[float]


@dataclass(frozen=True)
class ReportInputs:
    """Inputs of the report.

    Attributes:
        dataset: The dataset that was trained and tested on.
        statistics: Its ``statistics.json``.
        gate: Summary of the validation stage; None when it left none.
        model: ``model.json``.
        task: What the model predicts.
        latest: Last logged values of training, nested; empty when there are none.
        series: Logged values by epoch, by name.
        metrics: Split -> metric -> value, from evaluate.
        tables: Table name -> rows as text, from evaluate.
        split: The split that the tables describe; empty when none has ground truth.
        predictions: Path of that split's prediction file.
        named: What a person calls the run.
        sources: A row for each source: ``name``, ``url``, ``sha256``, ``license``, ``format`` (None
            where nobody stated them), and the ``images`` of it.
        network: ``network.json`` of the predict stage; empty when it left none.
    """

    dataset: Dataset
    statistics: dict[str, Any]
    gate: dict[str, Any] | None
    model: dict[str, Any]
    task: Task
    latest: dict[str, Any]
    series: list[Series]
    metrics: dict[str, dict[str, Any]]
    tables: dict[str, list[dict[str, str]]]
    split: str
    predictions: Path
    named: RunConfig
    sources: list[dict[str, Any]]
    network: dict[str, Any]

    @property
    def gate_passed(self) -> bool | None:
        """Whether the dataset passed the gate; None when there is no result."""
        return self.gate.get("success", self.gate.get("passed")) if self.gate else None

    @property
    def names(self) -> list[str]:
        """The sources, sorted."""
        return sorted(set(self.dataset.images["source"]))

    @cached_property
    def shown_predictions(self) -> list[dict[str, Any]]:
        """Those of the split that the tables describe, from the score threshold on."""
        least = self.headline["score_threshold"]
        return [row for row in read_predictions(self.predictions) if row["score"] >= least]

    @property
    def headline(self) -> dict[str, Any]:
        """Metrics of the split that the tables describe."""
        return self.metrics.get(self.split, {})

    @property
    def text(self) -> TaskText:
        """The text of the model's task."""
        return text_of(self.task)


def read_inputs(
    dataset: Path,
    reports: Path,
    model: Path,
    named: RunConfig,
    sources: Mapping[str, SourceConfig],
) -> ReportInputs:
    """Read all inputs.

    Args:
        dataset: The dataset folder.
        reports: Folder with ``evaluation/`` and ``predictions/``, and, where those stages
            ran, ``training/`` and ``validation/``.
        model: The model folder, with ``model.json``.
        named: The ``run`` section.
        sources: ``data.sources``.

    Raises:
        RepriseError: A file that the report cannot do without is missing or malformed.
    """
    description = read_json(model / "model.json", again("train"))
    task = task_of(description, model / "model.json")
    names = TABLES if task == "classify" else TABLES + OBJECT_TABLES
    tables = {
        name: _read_table(reports / "evaluation" / f"{name}.csv", "evaluate") for name in names
    }
    split = tables["per_class"][0]["split"] if tables["per_class"] else ""
    gate = reports / "validation" / "summary.json"
    latest = reports / "training" / "metrics.json"
    network = reports / "predictions" / "network.json"
    data = Dataset(dataset)
    return ReportInputs(
        dataset=data,
        statistics=read_json(dataset / "statistics.json", again("preprocess")),
        gate=read_json(gate, again("validate")) if gate.exists() else None,
        model=description,
        task=task,
        latest=read_json(latest, again("train")) if latest.exists() else {},
        series=_read_series(reports / "training" / "plots" / "metrics"),
        metrics=read_json(reports / "evaluation" / "metrics.json", again("evaluate")),
        tables=tables,
        split=split,
        predictions=reports / "predictions" / f"{split}.json",
        named=named,
        sources=_source_rows(data, sources),
        network=read_json(network, again("predict")) if network.exists() else {},
    )


def _source_rows(dataset: Dataset, sources: Mapping[str, SourceConfig]) -> list[dict[str, Any]]:
    rows = []
    for name, images in dataset.images.groupby("source", sort=True):
        row: dict[str, Any] = {"name": name, "images": len(images)}
        stated = sources.get(str(name))
        for key in ("sha256", "license", "format"):
            row[key] = getattr(stated, key, None)
        row["url"] = stated and _shown_url(stated.url)
        rows.append(row)
    return rows


def _shown_url(url: str) -> str:
    """Without what is nobody else's business: a folder of somebody's disk, a signature."""
    path = url.removeprefix("file://")
    if Path(path).is_absolute():
        return f".../{Path(path).name}"
    return urlsplit(url)._replace(query="", fragment="").geturl() if "://" in url else url


def split_rows(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Counts of each split, in the order train, val, test.

    ``total``, ``by_class`` and ``without`` count what there is to find: boxes, or labels of
    whole images.
    """
    rows = []
    for split in SPLITS:
        counts = inputs.statistics["splits"][split]
        row = {
            "split": split,
            **{key: counts[key] for key in ("images", "synthetic_images", "groups")},
            "total": counts["boxes"],
            "by_class": counts["boxes_by_class"],
            "without": counts["images_without_boxes"],
        }
        if inputs.task == "classify":
            row |= _label_counts(inputs.dataset, split)
        rows.append(row)
    return rows


def _label_counts(dataset: Dataset, split: str) -> dict[str, Any]:
    truth = dataset.label_truth(split)
    counts = Counter(row["category_id"] for row in truth["labels"])
    labelled = {row["image_id"] for row in truth["labels"]}
    return {
        "total": len(truth["labels"]),
        "by_class": {item["name"]: counts[item["id"]] for item in truth["categories"]},
        "without": len(truth["images"]) - len(labelled),
    }


def ledger_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """The rejection ledger, counted by rule, most frequent first, with one example each."""
    ledger = dataset.rejected
    rows = [
        {
            "rule": rule,
            "item": item,
            "action": action,
            "count": len(group),
            "example": f"{group.iloc[0]['source']}/{group.iloc[0]['name']}",
            "detail": group.iloc[0]["detail"],
        }
        for (rule, item, action), group in ledger.groupby(["rule", "item", "action"], sort=True)
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["rule"], row["item"]))


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters as ``a.b.c`` -> value, in the order given."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            found |= flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def again(stage: str) -> str:
    """What to do when an output of a stage is missing or damaged."""
    return f"run the {stage} stage again: dvc repro {stage}"


def _read_table(path: Path, stage: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise RepriseError(f"{path} does not exist.", again(stage)) from None


def _read_series(folder: Path) -> list[Series]:
    """DVCLive's tables: a ``step`` column and one of values, of which the last is read."""
    found = []
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        column = [key for key in rows[0] if key != "step"][-1] if rows else ""
        try:
            steps = [float(row["step"]) for row in rows]
            values = [float(row[column]) for row in rows]
        except (KeyError, TypeError, ValueError):
            raise RepriseError(
                f"{path} is not a table of a step and a number.", again("train")
            ) from None
        name = path.relative_to(folder).with_suffix("").as_posix()
        found.append(Series(name, steps, values))
    return found
