"""What the report adds to the record of a run: the files that hold clock times and the machine."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from reprise.dataset import read_json
from reprise.reporting.inputs import ReportInputs, again, split_rows
from reprise.runs.record import RunRecord


def training_results(inputs: ReportInputs, record: RunRecord) -> dict[str, Any]:
    """The run in the fields of ``training_results.schema.json``."""
    model, metrics = inputs.model, inputs.metrics
    training = model["parameters"]["training"]
    sizes = {row["split"]: row["images"] for row in split_rows(inputs)}
    val, test = metrics.get("val", {}), metrics.get("test", {})
    return {
        "experiment_name": inputs.named.name or record.facts["name"],
        "timestamp": record.facts["sessions"][-1]["ended"],
        "model": {"type": model["family"], "variant": model["variant"]},
        "dataset": {
            "names": inputs.names,
            **{f"{split}_size": size for split, size in sizes.items()},
        },
        "training": {
            "epochs": model["epochs_run"],
            "batch_size": training["batch_size"],
            "learning_rate": training["learning_rate"],
            "total_time_hours": round(record.hours, 4),
        },
        "results": {
            "best_val_mAP": val.get("mAP"),
            "best_val_mAP50": val.get("mAP50"),
            "test_mAP": test.get("mAP"),
        },
    }


def run_facts(inputs: ReportInputs, record: RunRecord, stages: Path) -> dict[str, Any]:
    """What the page and the summary show of a record.

    Args:
        inputs: The report's.
        record: Of the run.
        stages: ``stages.csv``: when each stage ended on this machine, and how long it took.
    """
    facts = record.facts
    hardware, sessions = facts["hardware"], facts["sessions"]
    gpus = hardware["gpus"]
    names = [f"{gpus.count(name)} × {name}" for name in dict.fromkeys(gpus)]
    return {
        "name": inputs.named.name or facts["name"],
        "started": sessions[0]["started"],
        "ended": sessions[-1]["ended"],
        "sessions": len(sessions),
        "time": duration(record.hours * 3600),
        "gpus": ", ".join(names) or "none",
        "cpu": f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB",
        "system": hardware["system"],
        "peak_memory": f"{facts['peak_memory_gib']:.2f} GiB of the {'GPU' if gpus else 'process'}",
        "folder": record.folder.name,
        "stages": _stage_times(stages),
        "latency": _latency(record),
    }


def _latency(record: RunRecord) -> dict[str, Any] | None:
    """What the predict stage measured here; None where it did not."""
    path = record.folder / "latency.json"
    return read_json(path, again("predict")) if path.is_file() else None


def duration(seconds: float) -> str:
    """Such as ``2 h 05 min``, ``3 min 20 s`` or ``1.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _stage_times(path: Path) -> list[tuple[str, str, str]]:
    """Stage, when it last ended here, and how long it took; in the order of those ends."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        last = {row["stage"]: row for row in csv.DictReader(file)}
    last.pop("report", None)  # the one that is running
    rows = sorted(last.values(), key=lambda row: row["finished"])
    return [(row["stage"], row["finished"], duration(float(row["seconds"]))) for row in rows]
