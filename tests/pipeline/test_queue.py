"""Families compared by DVC's queue, as the README and docs/training.md say."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest

from family_runs import FamilyRun

FAMILIES = ["yolo", "faster_rcnn", "mask_rcnn"]
NUCLEI = FamilyRun(
    "yolo",
    "nuclei_dsb2018",
    "mAP50",
    0.0,
    entry={"format": "instance_masks"},
    params={"data.image_size": 128, "training.epochs": 2},
)


@pytest.mark.slow
def test_queued_families_become_comparable_rows(
    repository: Path, shared_datasets: Path, tmp_path: Path
) -> None:
    clone = NUCLEI.start(repository, shared_datasets, tmp_path / "clone")
    clone.dvc("exp", "run", "--queue", "-S", f"model.type={','.join(FAMILIES)}")
    clone.dvc("queue", "start")
    try:
        deadline = time.monotonic() + 1800
        while any(word in clone.dvc("queue", "status").stdout for word in ("Queued", "Running")):
            assert time.monotonic() < deadline, clone.dvc("queue", "status").stdout
            time.sleep(5)
    finally:
        clone.dvc("queue", "stop")
    status = clone.dvc("queue", "status").stdout
    assert status.count("Success") == len(FAMILIES), status

    shown = csv.DictReader(io.StringIO(clone.dvc("exp", "show", "--csv").stdout))
    rows = {row["model.type"]: row for row in shown if row["rev"] not in ("main", "")}
    rows = {name: row for name, row in rows.items() if row["Experiment"]}
    assert set(rows) == set(FAMILIES)
    measured = [name for name in next(iter(rows.values())) if name.endswith("test.mAP50")]
    assert measured
    for row in rows.values():
        assert all(0 <= float(row[name]) <= 1 for name in measured)
    # What they share is shared: the data that they were trained and judged on.
    assert len({row["data/processed"] for row in rows.values()}) == 1
    assert len({row["models"] for row in rows.values()}) == len(FAMILIES)
