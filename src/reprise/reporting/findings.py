"""What the numbers say, in sentences, and what follows from each: nothing that they do not show."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reprise.reporting.inputs import ReportInputs, split_rows
from reprise.reporting.task_text import ERROR_ADVICE
from reprise.scoring import headline_metric
from reprise.scoring.blind import no_better_than_blind

# Below these a difference is not worth a sentence.
NOTABLE_GAP = 0.05
NOTABLE_COST = 0.005
FEW_GROUPS = 10
RISEN_LOSS = 1.05
EARLY = 0.4
RARE = 0.5
HARDER = 0.7
CONFUSED = 0.1
FEW_CASES = 5


@dataclass(frozen=True)
class Finding:
    """One thing that the evidence shows.

    Attributes:
        text: What, with the figures.
        advice: What to try; empty where nothing follows.
    """

    text: str
    advice: str = ""


@dataclass(frozen=True)
class TargetRow:
    """A target and what became of it."""

    name: str
    least: float
    value: float | None
    met: bool


def target_rows(inputs: ReportInputs) -> list[TargetRow]:
    """The targets of ``evaluation.targets``, in the order of the splits."""
    return [
        TargetRow(f"{split}.{metric}", least, values.get(metric), values["targets_met"][metric])
        for split, values in inputs.metrics.items()
        for metric, least in values.get("targets", {}).items()
    ]


def findings(inputs: ReportInputs) -> list[Finding]:
    """What the evidence shows, the most important first; nothing without any score."""
    if not inputs.headline:
        return []
    rules = (
        _headline,
        _across_splits,
        _groups,
        _training,
        _costs,
        _classes,
        _parts,
        _confused,
    )
    return [found for rule in rules for found in rule(inputs)]


def _headline(inputs: ReportInputs) -> Iterator[Finding]:
    metric = headline_metric(inputs.task, inputs.model)
    verdict = no_better_than_blind(inputs.split, metric, inputs.headline)
    if verdict:
        yield Finding(verdict)
    elif metric in inputs.headline:
        blind = inputs.headline.get("blind", {}).get(metric)
        against = f", against {blind:.3f} for an answer that looks at no image" if blind else ""
        value = f"{inputs.headline[metric]:.3f}"
        drawn = inputs.headline.get("intervals", {}).get(metric)
        within = f" (95 % interval {drawn[0]:.3f} to {drawn[1]:.3f})" if drawn else ""
        yield Finding(f"{_title(inputs, metric)} on {inputs.split} is {value}{within}{against}.")


def _across_splits(inputs: ReportInputs) -> Iterator[Finding]:
    metric = headline_metric(inputs.task, inputs.model)
    val, test = (inputs.metrics.get(split, {}).get(metric) for split in ("val", "test"))
    if val is not None and test is not None and val - test > NOTABLE_GAP:
        yield Finding(
            f"{_title(inputs, metric)} falls from {val:.3f} on val to {test:.3f} on test.",
            "Val is easier than test, or the choices made on it fit it too well: give both more "
            "groups (data.split), and look at what of test is not like train.",
        )


def _groups(inputs: ReportInputs) -> Iterator[Finding]:
    row = next(row for row in split_rows(inputs) if row["split"] == inputs.split)
    if row["groups"] < FEW_GROUPS:
        count = f"{row['groups']} group{'s' if row['groups'] != 1 else ''}"
        yield Finding(
            f"The {row['images']} images of {inputs.split} come from {count}: the numbers say "
            "little about groups that are not among them.",
            f"Add data of more groups, or a larger share for {inputs.split} (data.split).",
        )


def _training(inputs: ReportInputs) -> Iterator[Finding]:
    best, run = inputs.model.get("best_epoch"), inputs.model.get("epochs_run")
    if best and run and run > 1:
        metric = (inputs.model.get("selection") or {}).get("metric", "the metric")
        if best == run:
            yield Finding(
                f"The last epoch, {run}, was the best: {metric} was still getting better.",
                "Train longer: raise training.epochs.",
            )
        elif best < EARLY * run:
            yield Finding(
                f"Epoch {best} of {run} was the best; the later ones gained nothing.",
                "Lower training.learning_rate, or add augmentation or data.",
            )
    losses = {item.name: item.values for item in inputs.series}
    val, train = losses.get("val/loss", []), losses.get("train/loss", [])
    if len(val) > 2 and len(train) > 2 and train[-1] < train[0]:
        least = min(val)
        if least > 0 and val[-1] > RISEN_LOSS * least:
            yield Finding(
                f"The loss on val ended {100 * (val[-1] / least - 1):.0f} % above its least, while "
                "that on train fell: the model learns train by heart.",
                "More augmentation or data, a smaller model.variant, or more "
                "training.weight_decay.",
            )


def _costs(inputs: ReportInputs) -> Iterator[Finding]:
    rows = [row for row in inputs.tables.get("error_costs", ()) if row["by"] == "all"]
    ranked = sorted(rows, key=lambda row: -float(row["cost"]))
    if not ranked or float(ranked[0]["cost"]) < NOTABLE_COST:
        return
    first, *others = ranked
    rest = ", ".join(f"{row['kind']} {float(row['cost']):.3f}" for row in others[:2])
    yield Finding(
        f"Of all kinds of error, {first['kind']} costs most: without it mAP50 would be "
        f"{float(first['cost']):.3f} higher" + (f" (then {rest})." if rest else "."),
        ERROR_ADVICE[first["kind"]],
    )


def _classes(inputs: ReportInputs) -> Iterator[Finding]:
    header, key = inputs.text.class_shares[0]
    total = inputs.text.by_class[0][1]
    # Of a class with a few objects the numbers are luck.
    rows = [row for row in inputs.tables["per_class"] if row[key] and int(row[total]) >= FEW_CASES]
    if len(rows) < 2:
        return
    worst = min(rows, key=lambda row: float(row[key]))
    middle = statistics.median(float(row[key]) for row in rows)
    if middle - float(worst[key]) < NOTABLE_GAP:
        return
    counts = next(row for row in split_rows(inputs) if row["split"] == "train")["by_class"]
    usual, own = statistics.median(counts.values()), counts[worst["class"]]
    rare = own < RARE * usual
    yield Finding(
        f"The weakest class is {worst['class']}: {header} {float(worst[key]):.3f}, where the "
        f"median class has {middle:.3f}; train has {own} {inputs.text.total} of it, of the median "
        f"class {usual:g}.",
        f"Label more of {worst['class']}."
        if rare
        else f"Look at the errors of {worst['class']}: it is not rare, so its looks or its labels "
        "are what is hard.",
    )


def _parts(inputs: ReportInputs) -> Iterator[Finding]:
    sizes = {
        row["value"]: float(row["recall"])
        for row in inputs.tables["breakdown"]
        if row["by"] == "size" and row["recall"] and int(row["boxes"]) >= FEW_CASES
    }
    if "small" in sizes and len(sizes) > 1:
        others = max(value for name, value in sizes.items() if name != "small")
        if sizes["small"] < HARDER * others:
            yield Finding(
                f"Of small objects {100 * sizes['small']:.0f} % are found, of larger ones up to "
                f"{100 * others:.0f} %.",
                "Raise data.image_size.",
            )


def _confused(inputs: ReportInputs) -> Iterator[Finding]:
    totals: dict[str, int] = {}
    pairs = []
    for row in inputs.tables["confusion"]:
        totals[row["actual"]] = totals.get(row["actual"], 0) + int(row["count"])
        if row["actual"] != row["predicted"] and inputs.text.nothing not in row.values():
            pairs.append(row)
    if not pairs:
        return
    row = max(pairs, key=lambda row: int(row["count"]))
    count, total = int(row["count"]), totals[row["actual"]]
    if count >= FEW_CASES and count > CONFUSED * total:
        yield Finding(
            f"{count} of {total} {inputs.text.counted} of {row['actual']} were taken for "
            f"{row['predicted']}.",
            f"Check that the labels tell {row['actual']} and {row['predicted']} apart the same way "
            "everywhere, and label more of both.",
        )


def _title(inputs: ReportInputs, metric: str) -> str:
    meanings: dict[str, Any] = inputs.text.meanings
    return str(meanings[metric][0]) if metric in meanings else metric
