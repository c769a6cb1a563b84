"""Every real dataset gives the numbers of its card, and a row for whatever it lacks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from preprocessing.running import run_stage
from real_datasets import REAL_DATASETS, RealDataset
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.preprocessing.config import DataConfig


def run(case: RealDataset, shared: Path, out: Path) -> Dataset:
    raw = {"mine": shared / case.folder}
    sources: dict[str, Any] = {"mine": {"url": "x", **case.entry}}
    if case.with_source:
        raw["beside"], sources["beside"] = shared / case.with_source, {"url": "x"}
    split = {
        key.removeprefix("data.split."): value
        for key, value in case.params.items()
        if key.startswith("data.split.")
    }
    config = {"sources": sources, "image_size": 128, "split": split}
    run_stage(DataConfig.model_validate(config), raw, out, workers=2)
    return Dataset(out)


@pytest.mark.parametrize("case", REAL_DATASETS, ids=lambda case: case.name)
def test_the_numbers_of_its_card(case: RealDataset, shared_datasets: Path, tmp_path: Path) -> None:
    if case.ends_with:
        with pytest.raises(RepriseError, match=case.ends_with) as refused:
            run(case, shared_datasets, tmp_path / "out")
        assert all(f"{n} image(s) dropped: {rule}" in str(refused.value)
                   for rule, n in case.rejected.items())  # fmt: skip
        return
    data = run(case, shared_datasets, tmp_path / "out")
    mine = data.images[data.images["source"] == "mine"]
    rows = data.rejected[data.rejected["source"] == "mine"]
    rules = Counter(rows["rule"])
    listed = rows[rows["rule"] != "image_unlisted"]
    gone = listed[(listed["item"] == "image") & (listed["action"] == "dropped")]
    assert len(mine) + len(gone) == case.images
    names = {category.category_id: category.name for category in data.categories}
    boxes = data.annotations[data.annotations["image_id"].isin(mine["image_id"])]
    found = Counter(boxes["category_id"].map(names))
    if case.boxes:
        lost = Counter(
            detail.split("(")[1].split(")")[0]
            for detail in rows[(rows["item"] == "box") & (rows["action"] == "dropped")]["detail"]
        )
        for name, count in case.boxes.items():
            assert found[name] + lost[name] == count, name
    labelled = data.labels[data.labels["image_id"].isin(mine["image_id"])]
    counted = Counter(labelled["category_id"].map(names))
    assert all(counted[name] == count for name, count in case.labels.items())
    for rule, count in case.rejected.items():
        assert rules[rule] == count, rule
