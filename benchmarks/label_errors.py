"""How well `reprise find-label-errors` finds errors that were planted.

    python benchmarks/label_errors.py --seeds 0 1 2

5% of the boxes of bccd_voc are spoilt: a third each removed, given another class, and moved by
20% to 40% of their sides. Then the folds are trained, from random weights, and what stands first
is compared with what was planted: precision in the first 100, and recall of what a person sees who
reviews as many suspects as 10% of the boxes, in all and by kind. The errors that the dataset has
already count as none, so that the true precision is higher. Beside it stands cleanlab's own use as
its documentation shows it, with the same out-of-fold predictions: `find_label_issues` gives whole
images, worst first; of these all boxes are reviewed, with the missing ones.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from family_runs import CELLS, SMALL_TRAINING  # noqa: E402
from pipeline.clone import make_clone  # noqa: E402
from real_datasets import SMALL_SET  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

    from reprise.dataset import Dataset
    from reprise.label_errors.out_of_fold import OutOfFold
    from reprise.label_errors.suspects import Suspect

SHARE = 0.05
REVIEWED = 0.1
FIRST = 100
KINDS = ("overlooked", "swapped", "badly located")
MOVED = (0.2, 0.4)  # of the sides
FOUND_IOU = 0.5


@dataclass(frozen=True)
class Planted:
    """An error that was planted.

    Attributes:
        kind: One of KINDS.
        image_id: Where.
        box: As it was, xywh in pixels of the original.
        annotation_id: Of the box that is wrong now; 0 for a removed one.
    """

    kind: str
    image_id: int
    box: tuple[float, float, float, float]
    annotation_id: int = 0


def plant(data: Dataset, seed: int) -> tuple[pd.DataFrame, list[Planted]]:
    """The annotations with a twentieth of them spoilt, evenly by kind, and the list of these."""
    rng = random.Random(seed)
    rows = data.annotations.set_index("annotation_id", drop=False)
    sizes: Any = data.images.set_index("image_id")[["original_width", "original_height"]]
    classes = [category.category_id for category in data.categories]
    chosen = rng.sample(rows.index.tolist(), round(SHARE * len(rows)))
    planted = []
    for place, key in enumerate(chosen):
        row: Any = rows.loc[key]
        kind = KINDS[place % len(KINDS)]
        image_id = int(row["image_id"])
        box = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
        planted.append(Planted(kind, image_id, box, 0 if kind == KINDS[0] else key))
        if kind == "overlooked":
            rows = rows.drop(index=key)
        elif kind == "swapped":
            others = [value for value in classes if value != row["category_id"]]
            rows.loc[key, "category_id"] = rng.choice(others)
        else:
            limits = [float(value) for value in sizes.loc[image_id]]
            for axis, side, limit in zip("xy", "wh", limits, strict=True):
                shift = rng.uniform(*MOVED) * float(row[side]) * rng.choice((-1, 1))
                inside = 0 <= float(row[axis]) + shift <= limit - float(row[side])
                rows.loc[key, axis] = float(row[axis]) + (shift if inside else -shift)
    return rows.reset_index(drop=True), planted


def out_of_fold(
    folder: Path, options: argparse.Namespace, seed: int
) -> tuple[list[Planted], OutOfFold]:
    """The planted errors, and the out-of-fold predictions of the spoilt dataset."""
    from reprise.commands.find_label_errors import fold_settings
    from reprise.dataset import Dataset
    from reprise.label_errors.out_of_fold import predict_out_of_fold
    from reprise.params import load
    from reprise.preprocessing.store.subset import write_subset

    source = {"mine": {"url": str(options.shared / "bccd_voc")}}
    changes = {**SMALL_SET, **SMALL_TRAINING, **CELLS, "data.sources": source}
    changes |= {
        "data.image_size": options.image_size,
        "training.epochs": options.epochs,
        "training.threads": options.threads,
        "training.seed": seed,
        "validation.frequency": 5,
    }
    clone = make_clone(ROOT, folder / "clone", **changes)
    clone.dvc("repro", "preprocess")
    clean = Dataset(clone.folder / "data" / "processed")
    annotations, planted = plant(clean, seed)
    write_subset(clean, clean.images, folder / "spoilt", annotations=annotations)
    asked = argparse.Namespace(
        epochs=None, folds=options.folds, split=["all"], weights=clone.folder / "data" / "weights"
    )
    settings = fold_settings(load(clone.folder / "params.yaml"), asked)
    return planted, predict_out_of_fold(Dataset(folder / "spoilt"), settings, folder / "folds")


def points_at(suspect: Suspect, planted: Planted) -> bool:
    """Whether who looks at the suspect sees the error."""
    if suspect.image_id != planted.image_id:
        return False
    if planted.annotation_id:
        return suspect.annotation_id == planted.annotation_id
    return suspect.kind == "overlooked" and _iou(suspect.suggested_box, planted.box) >= FOUND_IOU


def _iou(one: Sequence[float] | None, other: Sequence[float]) -> float:
    from reprise.scoring.overlaps import OVERLAPS

    thing = {"bbox": list(other), "iscrowd": 0}
    return float(OVERLAPS["detect"]([{"bbox": list(one or ())}], [thing])[0, 0])


@dataclass(frozen=True)
class Outcome:
    """What a review of the first suspects finds, each in [0, 1].

    Attributes:
        precision: Of the first 100.
        recall: Of what is reviewed, by kind, and in all under "".
    """

    precision: float
    recall: dict[str, float]


def ours(planted: Sequence[Planted], found: OutOfFold, reviewed: int) -> Outcome:
    """What stands first in ``label_errors.csv``."""
    from reprise.label_errors.ranking import rank

    suspects = rank(found).suspects
    right = [any(points_at(item, error) for error in planted) for item in suspects[:FIRST]]
    seen = [any(points_at(item, error) for item in suspects[:reviewed]) for error in planted]
    return Outcome(sum(right) / FIRST, _recall(planted, seen))


def plain(planted: Sequence[Planted], found: OutOfFold, reviewed: int) -> Outcome:
    """Cleanlab as its documentation shows it: whole images, all boxes of the worst ones."""
    import numpy as np
    from cleanlab.object_detection.filter import find_label_issues
    from cleanlab.object_detection.rank import get_label_quality_scores

    from reprise.scoring import truth_of
    from reprise.scoring.overlaps import grouped

    truth = truth_of(found.judged, "test", found.task)
    objects, rows = grouped(truth["annotations"], "image_id"), grouped(found.rows, "image_id")
    classes = [category["id"] for category in truth["categories"]]
    ids = [image["id"] for image in truth["images"]]

    def corners(items: Sequence[dict[str, Any]], scores: bool) -> Any:
        rows = [
            [x, y, x + w, y + h, *([item["score"]] if scores else [])]
            for item in items
            for x, y, w, h in [item["bbox"]]
        ]
        return np.array(rows, dtype=float).reshape(-1, 5 if scores else 4)

    labels, predictions = [], []
    for key in ids:
        own = objects.get(key, [])
        numbers = np.array([classes.index(item["category_id"]) for item in own], dtype=int)
        labels.append({"bboxes": corners(own, False), "labels": numbers})
        by_class = np.empty(len(classes), dtype=object)
        for place, category in enumerate(classes):
            said = [row for row in rows.get(key, []) if row["category_id"] == category]
            by_class[place] = corners(said, True)
        predictions.append(by_class)
    issues = find_label_issues(labels, predictions)
    quality = get_label_quality_scores(labels, predictions, verbose=False)
    order = sorted(range(len(ids)), key=lambda place: (not issues[place], quality[place]))
    wrong = {error.annotation_id for error in planted if error.annotation_id}
    # Each image costs a look at every box of it, and shows the missing ones too.
    looks: list[bool] = []
    seen_in: list[int] = []
    for place in order:
        if len(looks) < reviewed:
            seen_in.append(ids[place])
        looks += [item["id"] in wrong for item in objects.get(ids[place], [])]
        missing = [e for e in planted if e.image_id == ids[place] and not e.annotation_id]
        looks += [True] * len(missing)
    seen = [error.image_id in seen_in for error in planted]
    return Outcome(sum(looks[:FIRST]) / FIRST, _recall(planted, seen))


def _recall(planted: Sequence[Planted], seen: Sequence[bool]) -> dict[str, float]:
    parts = {"": list(seen)}
    for kind in KINDS:
        parts[kind] = [hit for hit, error in zip(seen, planted, strict=True) if error.kind == kind]
    return {name: sum(hits) / max(len(hits), 1) for name, hits in parts.items()}


def row(name: str, seed: str, outcomes: Sequence[Outcome]) -> str:
    """A row of the table: the mean of some outcomes."""
    recall = [statistics.mean(o.recall[kind] for o in outcomes) for kind in ("", *KINDS)]
    values = [statistics.mean(o.precision for o in outcomes), *recall]
    return f"| {name} | {seed} | " + " | ".join(f"{value:.2f}" for value in values) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(
        f"| ranked by | seed | precision, first {FIRST} | recall, {REVIEWED:.0%} reviewed | "
        + " | ".join(KINDS)
        + " |\n|"
        + "---|" * (4 + len(KINDS))
    )
    outcomes: dict[str, list[Outcome]] = {"find-label-errors": [], "cleanlab alone": []}
    for seed in options.seeds:
        with (
            tempfile.TemporaryDirectory(prefix="reprise-label-errors-") as name,
            contextlib.redirect_stdout(sys.stderr),
        ):
            planted, found = out_of_fold(Path(name), options, seed)
            reviewed = round(REVIEWED * len(found.judged.annotations))
            for title, measure in (("find-label-errors", ours), ("cleanlab alone", plain)):
                outcomes[title].append(measure(planted, found, reviewed))
        for title, of in outcomes.items():
            print(row(title, str(seed), of[-1:]), flush=True)
    for title, of in outcomes.items():
        print(row(title, "mean", of))


if __name__ == "__main__":
    main()
