"""Real photographs through the whole pipeline, with only an entry in data.sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.clone import make_clone
from real_datasets import REAL_DATASETS, SMALL_SET, RealDataset
from reprise.dataset import Dataset

TRAINABLE = [
    case
    for case in REAL_DATASETS
    if case.boxes and not case.with_source and case.rejected.keys() <= {"box_empty"}
]
# The rest run in `make test-slow`; that each is read right, a quick test of preprocessing shows.
QUICK = {"bccd_voc as auto"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, marks=[] if c.name in QUICK else [pytest.mark.slow], id=c.name)
        for c in TRAINABLE
    ],
)
def test_photographs_become_a_trained_and_reported_model(
    repository: Path, shared_datasets: Path, tmp_path: Path, case: RealDataset
) -> None:
    sources = {"mine": {"url": str(shared_datasets / case.folder), **case.entry}}
    epochs = {"training.epochs": 4, "data.image_size": 128}
    clone = make_clone(
        repository,
        tmp_path / "clone",
        **{**SMALL_SET, **epochs, "data.sources": sources, **case.params},
    )
    clone.dvc("repro")

    data = Dataset(clone.folder / "data" / "processed")
    dropped = data.rejected[data.rejected["action"] == "dropped"]
    assert len(data.images) + (dropped["item"] == "image").sum() == case.images
    boxes = sum(case.boxes.values())
    assert len(data.annotations) + (dropped["item"] == "box").sum() == boxes
    assert data.images.groupby("group")["split"].nunique().max() == 1

    losses = clone.read("reports/training/plots/metrics/train/loss.tsv").decode().splitlines()[1:]
    values = [float(line.split("\t")[1]) for line in losses]
    assert len(values) == 4
    assert values[-1] < values[0], "train loss did not fall"
    metrics = json.loads(clone.read("reports/evaluation/metrics.json"))
    held_out = "test" if (data.images["split"] == "test").any() else "val"
    assert set(metrics[held_out]) >= {"mAP", "mAP50", "mAP75", "precision", "recall", "f1"}
    assert "data/splits.csv" in clone.run("git", "status", "--short").stdout
    assert clone.dvc("repro").stdout.count("didn't change") == 9
