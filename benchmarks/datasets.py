"""Whole runs over the real datasets, each with only its entry in data.sources.

    python benchmarks/datasets.py > docs/datasets.md

Each runs `dvc repro` in a temporary clone with the small profile of the tests, so the metrics
say that the joints hold, not how good a model gets. Counts are compared with those of the
dataset's card; `tests/real_datasets.py` has both.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from pipeline.clone import make_clone  # noqa: E402
from real_datasets import REAL_DATASETS, SMALL_SET, RealDataset  # noqa: E402

HEAD = """# Real datasets, whole runs

Printed by `python benchmarks/datasets.py`, which runs `dvc repro` on each with only its entry
in `data.sources` (small profile: 96 pixels, 2 epochs, yolo or multilabel from random
weights, and a gate lowered for small sets, as `tests/real_datasets.py` says;
sets that cannot stand alone run beside another). Counts are after the rules; what was dropped or
repaired is in the next column, and both add up to the dataset's card
(`tests/preprocessing/test_real_datasets.py`).

| dataset | format | images | boxes (or labels) by class | ledger | seconds | test |
|---|---|---|---|---|---|---|"""


def run(case: RealDataset, shared: Path, folder: Path) -> str:
    """One row of the table."""
    sources = {"mine": {"url": str(shared / case.folder), **case.entry}}
    if case.with_source:
        sources["beside"] = {"url": str(shared / case.with_source)}
    clone = make_clone(
        ROOT, folder, **{**SMALL_SET, "data.sources": sources, **case.params, "training.threads": 2}
    )
    started = time.perf_counter()
    done = clone.dvc("repro", check=False)
    seconds = time.perf_counter() - started
    told = done.stdout + done.stderr
    name = case.folder + (f", beside {case.with_source}" if case.with_source else "")
    if done.returncode:
        # What the stage said, up to the blank line after it.
        text = " ".join(told.partition("ERROR: ")[2].partition("To fix:")[0].split())
        return f"| {name} | {case.entry.get('format', 'auto')} | | refused: {text} | | | |"
    metrics = json.loads(clone.read("reports/evaluation/metrics.json"))
    found = metrics["test"]
    metric = "mAP50" if "mAP50" in found else "mAP"
    shown = f"{metric} {found[metric]:.3f}" if metric in found else "no test split"
    return f"| {name} | {counts(clone.folder, case)} | {seconds:.0f} | {shown} |"


def counts(clone: Path, case: RealDataset) -> str:
    """Format, images, boxes by class, and the ledger of one processed dataset."""
    from reprise.dataset import Dataset

    data = Dataset(clone / "data" / "processed")
    mine = data.images[data.images["source"] == "mine"]
    names = {category.category_id: category.name for category in data.categories}
    notes = json.loads((clone / "data/processed/statistics.json").read_text())["notes"]
    found = case.entry.get("format") or notes["mine"][0].split(",")[0].removeprefix("format ")
    rows = data.annotations if len(data.annotations) else data.labels
    kept = rows[rows["image_id"].isin(mine["image_id"])]["category_id"].map(names)
    boxes = ", ".join(f"{name} {count}" for name, count in Counter(kept).most_common())
    rejected = data.rejected[data.rejected["source"] == "mine"]
    ledger = ", ".join(f"{rule} {n}" for rule, n in sorted(Counter(rejected["rule"]).items()))
    return f"{found} | {len(mine)} | {boxes or 'none'} | {ledger or 'empty'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", default="", help="part of a dataset's name")
    arguments = parser.parse_args()
    print(HEAD)
    for case in REAL_DATASETS:
        if arguments.only in case.name:
            with tempfile.TemporaryDirectory(prefix="reprise-dataset-") as name:
                print(run(case, arguments.shared, Path(name) / "clone"), flush=True)


if __name__ == "__main__":
    main()
